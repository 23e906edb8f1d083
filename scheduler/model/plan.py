"""A plan: how many units of each job lie on each rack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Plan:
    """Units per job and rack, by name. Zero entries are left out."""

    units: Mapping[str, Mapping[str, int]]  # job -> rack -> units > 0

    @cached_property
    def by_rack(self) -> Mapping[str, Mapping[str, int]]:
        """The same placements as rack -> job -> units."""
        racks: dict[str, dict[str, int]] = {}
        for job, rack, units in self.shards():
            racks.setdefault(rack, {})[job] = units
        return racks

    def shards(self) -> Iterator[tuple[str, str, int]]:
        """Yield (job, rack, units)."""
        for job, racks in self.units.items():
            for rack, units in racks.items():
                yield job, rack, units

    def placed_units(self, job: str) -> int:
        """Units of `job` that are placed."""
        return sum(self.units.get(job, {}).values())
