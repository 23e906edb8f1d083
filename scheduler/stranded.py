"""The part of the firm headroom that waiting work cannot reach, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.firm_headroom import consumers_by_group, firm_headroom_w, headroom_by_group
from scheduler.model import Finding, Job, Plan, Problem, RackType
from scheduler.model.units import PERMILLE
from scheduler.room import Room
from scheduler.trial import needed_units

if TYPE_CHECKING:
    from scheduler.topology import Topology


@dataclass(frozen=True)
class FirmPower:
    """What firm load could still draw, what waits for it, and what of that has a place.

    ``usable <= open <= free <= min(headroom, asked)``
    """

    headroom_w: int
    asked_w: int  # peak of all units that are not placed
    free_w: int  # what such units could draw where nodes that suit them are free
    open_w: int  # of that, where isolation lets them in and a domain holds all that they need
    usable_w: int  # of that, what loops can cool

    @property
    def stranded_w(self) -> int:
        """``min(headroom, asked) - usable``."""
        return min(self.headroom_w, self.asked_w) - self.usable_w

    @property
    def stranded_by_cause_w(self) -> dict[str, int]:
        """The stranded power by what keeps waiting work from it, each beyond those before."""
        return {
            "racks_full": min(self.headroom_w, self.asked_w) - self.free_w,
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
