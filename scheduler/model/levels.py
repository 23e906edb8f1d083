"""The levels of a site, from the smallest shared thing to the largest.

One ladder serves tenant isolation, gang locality and failure-domain spread.
"""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A kind of domain. Members are in order of size."""

    GPU = "gpu"  # isolation only: tenants may share a GPU by partitioning it
    SHARED_HOST = "shared-host"  # isolation only: tenants may share a host, not a GPU
    HOST = "host"
    NVLINK = "nvlink"
    RACK = "rack"
    ARRAY = "array"
    POD = "pod"
    HALL = "hall"
    SITE = "site"

    @property
    def rank(self) -> int:
        """Position on the ladder, 0 for the smallest."""
        return _RANK[self]


_RANK = {level: rank for rank, level in enumerate(Level)}

ISOLATION_LEVELS = tuple(level for level in Level if level is not Level.NVLINK)
CONFLICT_LEVELS = tuple(level for level in ISOLATION_LEVELS if level.rank >= Level.HOST.rank)
LOCALITY_LEVELS = (Level.NVLINK, Level.RACK, Level.ARRAY, Level.POD, Level.HALL, Level.SITE)
RACK_DOMAIN_LEVELS = (Level.RACK, Level.ARRAY, Level.POD, Level.HALL, Level.SITE)

# Isolation level -> kinds of domain that are exclusive, unless the site says otherwise.
DEFAULT_LADDER = {level.value: (level.value,) for level in RACK_DOMAIN_LEVELS}
