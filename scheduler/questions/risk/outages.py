"""What is out while some sources are: power nodes, CDU units of loops, racks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernels.forms import Ints
from scheduler.questions.risk.months import NOTHING
from scheduler.questions.risk.rough_flow import RoughFlow
from scheduler.questions.risk.sources import Source
from scheduler.topology import Topology

Missing = tuple[tuple[str, int], ...]  # loops with the CDU units that are out


@dataclass(frozen=True, slots=True)
class Outage:
    """What is out at the same time."""

    nodes: tuple[str, ...]  # power nodes, sorted
    missing: Missing
    lost: frozenset[str]  # racks without power, without coolant, or out themselves


WHOLE = Outage((), (), frozenset())


class OutageBook:
    """Outages by what has failed, each worked out once.

    Different sources may come to the same outage. Routing is looked up once for each distinct set
    of power nodes, however it comes about.
    """

    def __init__(self, topology: Topology, rough: RoughFlow, sources: Sequence[Source]) -> None:
        self._topology, self._rough, self._sources = topology, rough, sources
        self._dark: dict[tuple[str, ...], frozenset[str]] = {}
        self._of_sources: dict[tuple[int, ...], Outage] = {}

    def of(self, sources: tuple[int, ...]) -> Outage:
        """Return what is out while these sources are."""
        found = self._of_sources.get(sources)
        if found is None:
            found = self._of_sources[sources] = self._build(sources)
        return found

    def of_rows(self, out: Ints) -> list[Outage]:
        """Return the outage of every row of sources, padded with `NOTHING`."""
        return [self.of(tuple(s for s in row if s != NOTHING)) for row in out.tolist()]

    def _build(self, sources: tuple[int, ...]) -> Outage:
        own = [self._sources[s] for s in dict.fromkeys(sources)]
        nodes = tuple(sorted({node for source in own for node in source.nodes}))
        missing: dict[str, int] = {}
        for source in own:
            for loop, units in source.units:
                most = self._topology.site.loops[loop].units
                missing[loop] = min(most, missing.get(loop, 0) + units)
        racks = {rack for source in own for rack in source.racks}
        dry = {
            rack
            for loop, units in missing.items()
            if units >= self._topology.site.loops[loop].units
            for rack in self._topology.racks_on_loop.get(loop, ())
        }
        lost = frozenset(racks | dry) | self._without_power(nodes)
        return Outage(nodes, tuple(sorted(missing.items())), lost)

    def _without_power(self, nodes: tuple[str, ...]) -> frozenset[str]:
        found = self._dark.get(nodes)
        if found is None:
            found = self._dark[nodes] = self._rough.dark(nodes)
        return found
