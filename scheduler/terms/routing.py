"""Where power flows, told by walking up from the consumers: the plain side of the power terms.

Shares no code with ``scheduler.topology``, so that findings check what was compiled from there.
All sums are exact: integers of watts times fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import islice

from scheduler.model import (
    MOST_JOBS,
    FailureState,
    Job,
    Plan,
    Problem,
    RackType,
    Site,
    largest_first,
)

Place = tuple[tuple[str, ...], str | None]  # feeds and loop: consumers alike in both flow alike
Shares = Mapping[str, Fraction]  # power node -> share of what is drawn
Watts = Callable[[Job, RackType], int]  # of one unit of a job on a type of rack

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass
class Draw:
    """What the consumers of one place draw together."""

    total_w: int = 0
    by_job: dict[str, int] = field(default_factory=dict)


def draws(
    problem: Problem, plan: Plan, watts: Watts, *, standing: bool = True
) -> dict[Place, Draw]:
    """What `plan` draws in every place; `standing` adds idle racks and base loads."""
    site = problem.site
    found: dict[Place, Draw] = {}
    for rack in site.racks.values():
        found.setdefault((rack.feeds, rack.loop), Draw()).total_w += (
            problem.idle_w(rack) if standing else 0
        )
    for load in site.base_loads:
        found.setdefault((load.feeds, None), Draw()).total_w += load.power_w if standing else 0
    for name, units_on in plan.units.items():
        per_unit_w: dict[str, int] = {}
        for rack_name, units in units_on.items():
            rack = site.racks[rack_name]
            if rack.type not in per_unit_w:
                per_unit_w[rack.type] = watts(problem.jobs[name], site.type_of(rack))
            draw, drawn_w = found[rack.feeds, rack.loop], units * per_unit_w[rack.type]
            if drawn_w:
                draw.total_w += drawn_w
                draw.by_job[name] = draw.by_job.get(name, 0) + drawn_w
    return found


@dataclass(frozen=True)
class Walk:
    """The ways of power while `failed` are out; every node is walked once."""

    site: Site
    failed: frozenset[str] = frozenset()
    _above: dict[str, Shares] = field(default_factory=dict)

    def from_feeds(self, feeds: Sequence[str]) -> Shares:
        """Split what a consumer draws equally over its live feeds; empty if none is live."""
        ways = [way for way in map(self.from_node, feeds) if way]
        shares: dict[str, Fraction] = {}
        for way in ways:
            for node, share in way.items():
                shares[node] = shares.get(node, ZERO) + share / len(ways)
        return shares

    def from_node(self, name: str) -> Shares:
        """Follow what is drawn at one node up to the roots; empty if the node is not live."""
        if name not in self._above:
            self._above[name] = self._up(name)
        return self._above[name]

    def _up(self, name: str) -> Shares:
        node = self.site.power_nodes.get(name)
        if node is None or name in self.failed:
            return {}
        if not node.parents:
            return {name: ONE}
        parents = [parent for parent in node.parents if self.from_node(parent)]
        taking = parents[:1] if node.mode == "transfer" else parents
        return {name: ONE, **self.from_feeds(taking)} if parents else {}


@dataclass(frozen=True)
class NodeLoad:
    """What one power node carries, and for whom."""

    total: Fraction = ZERO
    by_job: Mapping[str, Fraction] = field(default_factory=dict)

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """Jobs by what they draw, largest first."""
        return largest_first(self.by_job)

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that draw most."""
        return self.ranked[:MOST_JOBS]

    def changed(self, total: Fraction, by_job: Mapping[str, Fraction]) -> NodeLoad:
        """Return the load with differences added; of the jobs only the largest are kept."""
        steady = islice((job for job in self.ranked if job not in by_job), MOST_JOBS)
        kept = {job: self.by_job[job] for job in steady}
        kept |= {job: self.by_job.get(job, ZERO) + more for job, more in by_job.items()}
        largest = largest_first(kept)[:MOST_JOBS]
        return NodeLoad(self.total + total, {job: kept[job] for job in largest})


@dataclass(frozen=True)
class Routing:
    """The loads of all power nodes of a site, in the normal state and after failures."""

    site: Site

    def loads(self, drawn: Mapping[Place, Draw]) -> dict[str, NodeLoad]:
        """Load of every power node in the normal state."""
        total = dict.fromkeys(self.site.power_nodes, ZERO)
        by_job: dict[str, dict[str, Fraction]] = {name: {} for name in total}
        for (feeds, _), draw in drawn.items():
            for node, share in self._normal.from_feeds(feeds).items():
                total[node] += draw.total_w * share
                jobs = by_job[node]
                for job, watts in draw.by_job.items():
                    jobs[job] = jobs.get(job, ZERO) + watts * share
        return {node: NodeLoad(total[node], by_job[node]) for node in total}

    def grown_loads(
        self, state: FailureState, drawn: Mapping[Place, Draw], normal: Mapping[str, NodeLoad]
    ) -> Iterator[tuple[str, NodeLoad]]:
        """Yield the load after a failure of every node that some consumer leans on more.

        Only what hangs below a failed node, or is lost with its loop, is walked again.
        """
        shifts = self._shifts(state)
        grown = {node: None for shift in shifts.values() for node in shift if shift[node] > 0}
        for node in grown:
            total, by_job = ZERO, dict[str, Fraction]()
            for place, shift in shifts.items():
                share = shift.get(node)
                if share:
                    total += drawn[place].total_w * share
                    for job, watts in drawn[place].by_job.items():
                        by_job[job] = by_job.get(job, ZERO) + watts * share
            yield node, normal[node].changed(total, by_job)

    def _shifts(self, state: FailureState) -> dict[Place, Shares]:
        """What every place leans more (or less) on every node after the failure."""
        walk = Walk(self.site, frozenset(state.failed))
        dry = {name for name in state.failed if self._is_lost(name)}
        shifts: dict[Place, Shares] = {}
        for feeds, loop in self._places:
            if loop in dry or not walk.failed.isdisjoint(self._every_way_up[feeds]):
                before = self._normal.from_feeds(feeds)
                after = {} if loop in dry else walk.from_feeds(feeds)
                shifts[feeds, loop] = {
                    node: after.get(node, ZERO) - before.get(node, ZERO)
                    for node in (*before, *(node for node in after if node not in before))
                }
        return shifts

    def _is_lost(self, loop: str) -> bool:
        return loop in self.site.loops and self.site.loops[loop].units <= 1

    @cached_property
    def _normal(self) -> Walk:
        return Walk(self.site)

    @cached_property
    def _places(self) -> tuple[Place, ...]:
        racks = ((rack.feeds, rack.loop) for rack in self.site.racks.values())
        loads = ((load.feeds, None) for load in self.site.base_loads)
        return tuple(dict.fromkeys((*racks, *loads)))

    @cached_property
    def _every_way_up(self) -> Mapping[tuple[str, ...], frozenset[str]]:
        """All power nodes above each set of feeds, whether they carry anything or not."""
        above: dict[str, frozenset[str]] = {}

        def climb(name: str) -> frozenset[str]:
            if name not in above:
                node = self.site.power_nodes.get(name)
                parents = node.parents if node else ()
                above[name] = frozenset((name,)).union(*map(climb, parents))
            return above[name]

        return {feeds: frozenset[str]().union(*map(climb, feeds)) for feeds, _ in self._places}
