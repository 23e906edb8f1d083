"""Firm headroom: what firm load could still draw in every state, spread as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.model import Finding, Plan, Problem

if TYPE_CHECKING:
    from scheduler.topology import Topology

POWER = ("power_normal", "power_failover")


def firm_headroom_w(
    problem: Problem,
    plan: Plan,
    topology: Topology,
    findings: Iterable[Finding],
    by_group: Mapping[tuple[str, ...], int],
) -> int:
    """Return what firm load all groups could still draw together; quick beside `firm_power`."""
    shared_w = _shared_headroom(problem, plan, topology, findings)
    return min(sum(by_group.values()), shared_w)


def consumers_by_group(topology: Topology) -> dict[tuple[str, ...], frozenset[str]]:
    """Return racks and base loads of every group of UPS; of a site without UPS, of its roots."""
    flows = topology.normal_flows()
    groups = [group.members for group in topology.redundancy_found()] or [tuple(topology.roots)]
    return {
        group: frozenset(name for node in group for name in flows.get(node, ())) for group in groups
    }


def headroom_by_group(
    problem: Problem, plan: Plan, topology: Topology, findings: Iterable[Finding]
) -> dict[tuple[str, ...], int]:
    """Return how many watts of firm load each group of UPS could carry more.

    ``min over members n and states s of drawn * (limit[n, s] - load[n, s]) / load[n, s]``: the
    growth of the group's load, spread as it is now, that stays within every limit. `drawn` is
    what the group draws after the power actions of jobs, or at their peak in the normal state
    and before the action. Rounded down.
    """
    drawn = _Drawn.of(problem, plan)
    consumers = consumers_by_group(topology)
    group_of = {member: group for group in consumers for member in group}
    left: dict[tuple[str, ...], int] = {}
    for finding in findings:
        group = group_of.get(finding.subject)
        if group is not None and finding.term in POWER and finding.amount > 0:
            growth = drawn.growth_w(finding, consumers[group])
            left[group] = min(left.get(group, growth), growth)
    return {group: left.get(group, 0) for group in consumers}


def _shared_headroom(
    problem: Problem, plan: Plan, topology: Topology, findings: Iterable[Finding]
) -> int:
    """Return the same for the nodes above several groups: the grid feeds."""
    drawn = _Drawn.of(problem, plan)
    flows = topology.normal_flows()
    roots = set(topology.roots)
    growths = [
        drawn.growth_w(finding, flows[finding.subject])
        for finding in findings
        if finding.subject in roots and finding.term in POWER and finding.amount > 0
    ]
    return min(growths, default=0)


@dataclass(frozen=True)
class _Drawn:
    """Watts of every consumer, at the peak of its jobs and after they have acted."""

    peak_w: Mapping[str, int]
    acted_w: Mapping[str, int]
    acted_states: frozenset[str]

    @staticmethod
    def of(problem: Problem, plan: Plan) -> _Drawn:
        site = problem.site
        peak = {rack.name: problem.idle_w(rack) for rack in site.racks.values()}
        peak.update((load.name, load.power_w) for load in site.base_loads)
        acted = dict(peak)
        for name, rack, units in plan.shards():
            job, rack_type = problem.jobs[name], site.type_of(site.racks[rack])
            peak[rack] += units * problem.peak_w(job, rack_type)
            acted[rack] += units * problem.acted_w(job, rack_type)
        return _Drawn(peak, acted, frozenset(state.name for state in site.failure_states))

    def growth_w(self, finding: Finding, consumers: Iterable[str]) -> int:
        """Return by how much the consumers may grow together until the limit is reached."""
        watts = self.acted_w if finding.state in self.acted_states else self.peak_w
        total = sum(watts[name] for name in consumers)
        return total * max(0, finding.limit - finding.amount) // finding.amount
