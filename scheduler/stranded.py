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
    free_w: int  # of the headroom, where nodes that suit such units are free
    open_w: int  # of that, where isolation lets them in and a domain holds all that they need
    usable_w: int  # of that, what loops can cool

    @property
    def stranded_w(self) -> int:
        """``max(0, min(headroom, asked) - usable)``."""
        return max(0, min(self.headroom_w, self.asked_w) - self.usable_w)

    @property
    def stranded_by_cause_w(self) -> dict[str, int]:
        """The stranded power by what keeps waiting work from it, each beyond those before."""
        return {
            "racks_full": max(0, min(self.headroom_w, self.asked_w) - self.free_w),
            "kept_apart": self.free_w - self.open_w,
            "cooling": self.open_w - self.usable_w,
        }


def firm_power(
    problem: Problem, plan: Plan, topology: Topology, findings: Iterable[Finding]
) -> FirmPower:
    """Return the firm power that `plan` leaves, from what the check found about it."""
    findings = tuple(findings)
    consumers = consumers_by_group(topology)
    left = headroom_by_group(problem, plan, topology, findings)
    headroom_w = firm_headroom_w(problem, plan, topology, findings, left)
    reach = _Reach.of(problem, plan)

    def within_limits(by_rack: Mapping[str, int]) -> int:
        total = sum(
            min(left[group], sum(by_rack.get(name, 0) for name in names))
            for group, names in consumers.items()
        )
        return min(total, headroom_w, reach.asked_w)

    return FirmPower(
        headroom_w,
        reach.asked_w,
        within_limits(reach.free_w),
        within_limits(reach.open_w),
        within_limits(_cooled(problem, reach.open_w, findings)),
    )


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


@dataclass(frozen=True)
class _Reach:
    """What unplaced units ask for, and could draw on each rack."""

    asked_w: int
    free_w: Mapping[str, int]  # where nodes that suit them are free
    open_w: Mapping[str, int]  # where nobody keeps them out and all that they need has room

    @staticmethod
    def of(problem: Problem, plan: Plan) -> _Reach:
        room = Room(problem, plan)
        free: dict[str, int] = {}
        open_: dict[str, int] = {}
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
                has_room = domain.open_units >= max(1, needed)
                for spot in domain.spots:
                    name, watts = spot.rack.name, spot.units * per_type[spot.rack.type]
                    free[name] = max(free.get(name, 0), watts)
                    if has_room and not spot.keeper:
                        open_[name] = max(open_.get(name, 0), watts)
        return _Reach(asked_w, free, open_)


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
