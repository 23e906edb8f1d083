"""Firm power that is left, and the part of it that waiting work cannot reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.model import Finding, Job, Plan, Problem, RackType
from scheduler.model.units import PERMILLE
from scheduler.room import Room
from scheduler.trial import needed_units

if TYPE_CHECKING:
    from scheduler.topology import Topology

POWER = ("power_normal", "power_failover")


@dataclass(frozen=True)
class FirmPower:
    """What firm load could still draw, what waits for it, and what of that has a place."""

    headroom_w: int
    asked_w: int  # peak of all units that are not placed
    usable_w: int  # of the headroom, where racks, nodes, isolation and loops leave room for them

    @property
    def stranded_w(self) -> int:
        """``max(0, min(headroom, asked) - usable)``."""
        return max(0, min(self.headroom_w, self.asked_w) - self.usable_w)


def firm_power(
    problem: Problem, plan: Plan, topology: Topology, findings: Iterable[Finding]
) -> FirmPower:
    """Return the firm power that `plan` leaves, from what the check found about it."""
    findings = tuple(findings)
    consumers = consumers_by_group(topology)
    left = headroom_by_group(problem, plan, topology, findings)
    headroom_w = firm_headroom_w(problem, plan, topology, findings, left)
    by_rack, asked_w = _reachable_w(problem, plan)
    by_rack = _cooled(problem, by_rack, findings)
    usable_w = sum(
        min(left[group], sum(by_rack.get(name, 0) for name in names))
        for group, names in consumers.items()
    )
    return FirmPower(headroom_w, asked_w, min(usable_w, headroom_w, asked_w))


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


def _reachable_w(problem: Problem, plan: Plan) -> tuple[dict[str, int], int]:
    """Return what unplaced units could draw on each rack where they find room, and ask in all."""
    room = Room(problem, plan)
    reachable: dict[str, int] = {}
    asked_w = 0
    seen: set[tuple[object, ...]] = set()
    for job in problem.jobs.values():
        placed = plan.placed_units(job.name)
        missing = -(-job.gpus // job.gpus_per_unit) - placed
        per_type = _watts_by_type(problem, job)
        if missing <= 0 or not per_type or problem.is_inside_contract(job):
            continue
        asked_w += missing * min(per_type.values())
        needed = needed_units(job, placed=placed) - (placed if job.required is None else 0)
        alike = (job.tenant, job.gpus_per_unit, job.gpu_types, job.within, job.required)
        key = (*alike, job.profile, needed)
        if key in seen:
            continue
        seen.add(key)
        for domain in room.domains(job):
            if domain.open_units < max(1, needed):
                continue
            for spot in domain.spots:
                if not spot.keeper:
                    watts = spot.units * per_type[spot.rack.type]
                    reachable[spot.rack.name] = max(reachable.get(spot.rack.name, 0), watts)
    return reachable, asked_w


def _watts_by_type(problem: Problem, job: Job) -> dict[str, int]:
    """Return the peak of one unit on every rack type that the job may use."""
    allowed: list[RackType] = [
        rack_type
        for rack_type in problem.site.rack_types.values()
        if rack_type.gpu_type in job.gpu_types
    ]
    return {rack_type.name: problem.peak_w(job, rack_type) for rack_type in allowed}


def _cooled(
    problem: Problem, by_rack: Mapping[str, int], findings: Iterable[Finding]
) -> dict[str, int]:
    """Cut what the racks of a loop could draw to the heat that the loop can still take."""
    site = problem.site
    left: dict[str, int] = {}
    for finding in findings:
        if finding.term == "cooling_loops" and finding.unit == "W":
            slack = max(0, finding.limit - finding.amount)
            left[finding.subject] = min(left.get(finding.subject, slack), slack)
    heat: dict[str | None, int] = {}
    for name, watts in by_rack.items():
        rack = site.racks[name]
        into = watts * site.type_of(rack).liquid_permille // PERMILLE
        heat[rack.loop] = heat.get(rack.loop, 0) + into
    cut: dict[str, int] = {}
    for name, watts in by_rack.items():
        loop = site.racks[name].loop
        if loop in left and heat[loop] > left[loop]:
            cut[name] = watts * left[loop] // heat[loop]
        else:
            cut[name] = watts
    return cut
