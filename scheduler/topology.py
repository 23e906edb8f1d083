"""The graph of the site: what feeds what, what a failure takes out, where load flows then.

The only module that imports networkx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.model import FailureState, Site

Flows = Mapping[str, Mapping[str, Fraction]]  # power node -> consumer (rack or base load) -> share


@dataclass(frozen=True)
class Topology:
    """Everything that is derived from the site's graphs. Built once, shared read-only."""

    site: Site

    def normal_flows(self) -> Flows:
        """Share of every consumer's power that flows through each power node, nothing failed."""
        raise NotImplementedError

    def failure_flows(self, state: FailureState) -> Flows:
        """The same after the failure, for live nodes whose flow grew for at least one consumer."""
        raise NotImplementedError

    def lost_racks(self, failed: tuple[str, ...]) -> frozenset[str]:
        """Racks that the failure takes out: no live feed left, or a loop without any CDU left."""
        raise NotImplementedError
