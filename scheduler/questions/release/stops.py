"""A first plan that gives enough back: the work that earns least for what it takes stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scheduler.model import Job, Plan, Problem, slots_per_unit
from scheduler.questions.release.cover import cheapest_choice, step_of

MOST_TRIES = 8  # choices, each for a little more than the last gave back too little


@dataclass(frozen=True, slots=True)
class Stop:
    """Units of a job that stop together."""

    job: str
    units: dict[str, int]  # by rack
    cost_mills: int
    gives: int  # watts, or GPU slots: about what it gives back


def stopped(
    problem: Problem,
    plan: Plan,
    target: int,
    given: Callable[[Plan], int],
    *,
    in_watts: bool,
    move_mills_per_gpu: int,
) -> Plan:
    """Return `plan` without the cheapest work so that ``given(plan) >= target``, if it can be.

    One choice for every job: nothing, some units of an elastic one, or all. The cheapest choice
    that is enough is exact for watts up to the steps of the table; slots are not yet whole nodes,
    so the target of the choice is raised by what was missing. Obligations are never stopped.
    """
    ways = [
        _stops(problem, plan, name, in_watts=in_watts, move_mills_per_gpu=move_mills_per_gpu)
        for name in plan.units
        if not problem.jobs[name].firm and not problem.is_inside_contract(problem.jobs[name])
    ]
    wanted = target - given(plan)
    found = plan
    for _ in range(MOST_TRIES):
        step = step_of(wanted, len(ways))
        options = [[(stop.cost_mills, stop.gives // step) for stop in group] for group in ways]
        choice = cheapest_choice(options, -(-wanted // step))
        if choice is None:
            return _without(plan, [group[-1] for group in ways])
        taken = [group[i] for group, i in zip(ways, choice[1], strict=True) if i is not None]
        found = _without(plan, taken)
        missing = target - given(found)
        if missing <= 0:
            break
        wanted += missing
    return found


def _stops(
    problem: Problem, plan: Plan, name: str, *, in_watts: bool, move_mills_per_gpu: int
) -> list[Stop]:
    """Return the ways to stop a job, in part as far as it is elastic, at last as a whole."""
    job, racks = problem.jobs[name], plan.units[name]
    placed = plan.placed_units(name)
    per_gpu_mills = job.value_mills_per_gpu_h + move_mills_per_gpu
    found = []
    for count in (*range(1, placed - max(1, job.min_units) + 1), placed):
        units = _take(racks, count)
        gives = sum(
            each * _gives(problem, job, rack, in_watts=in_watts) for rack, each in units.items()
        )
        found.append(Stop(name, units, count * job.gpus_per_unit * per_gpu_mills, gives))
    return found


def _take(racks: Mapping[str, int], count: int) -> dict[str, int]:
    """Take units from the racks that hold fewest, so that whole racks get free."""
    taken: dict[str, int] = {}
    for rack in sorted(racks, key=lambda name: (racks[name], name)):
        units = min(count, racks[rack])
        if units:
            taken[rack] = units
            count -= units
    return taken


def _gives(problem: Problem, job: Job, rack: str, *, in_watts: bool) -> int:
    rack_type = problem.site.type_of(problem.site.racks[rack])
    return problem.peak_w(job, rack_type) if in_watts else slots_per_unit(job, rack_type)


def _without(plan: Plan, taken: list[Stop]) -> Plan:
    units = {name: dict(racks) for name, racks in plan.units.items()}
    for stop in taken:
        for rack, count in stop.units.items():
            units[stop.job][rack] -= count
    kept = {name: {r: n for r, n in racks.items() if n} for name, racks in units.items()}
    return Plan({name: racks for name, racks in kept.items() if racks})
