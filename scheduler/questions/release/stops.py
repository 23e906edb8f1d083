"""A first plan that gives enough back: the work that earns least for what it takes stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.model import Job, Plan, Problem, slots_per_unit

MOST_LOOKS = 400  # times that what a plan gives back is measured


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

    Stops are taken by cost for what they give until the target is reached, then each that is not
    needed after all is taken back, the most expensive first. Obligations are never stopped.
    """
    ways = sorted(
        _stops(problem, plan, in_watts=in_watts, move_mills_per_gpu=move_mills_per_gpu),
        key=lambda stop: stop.cost_mills / max(1, stop.gives),
    )
    taken: list[Stop] = []
    looks, about = 0, given(plan)
    for stop in ways:
        if about >= target:
            looks += 1
            about = given(_without(plan, taken))
            if about >= target or looks > MOST_LOOKS:
                break
        taken.append(stop)
        about += stop.gives
    for stop in sorted(taken, key=lambda each: -each.cost_mills):
        if looks > MOST_LOOKS:
            break
        looks += 1
        fewer = [each for each in taken if each is not stop]
        if _is_whole(problem, plan, fewer) and given(_without(plan, fewer)) >= target:
            taken = fewer
    return _without(plan, taken)


def _stops(
    problem: Problem, plan: Plan, *, in_watts: bool, move_mills_per_gpu: int
) -> list[Stop]:
    """Return what may stop: of elastic jobs first what is above their least, then the rest."""
    found = []
    for name, racks in plan.units.items():
        job = problem.jobs[name]
        if job.firm or problem.is_inside_contract(job):
            continue
        spare = dict(racks)
        for count in _cuts(job, plan.placed_units(name)):
            units = _take(spare, count)
            gpus = count * job.gpus_per_unit
            cost_mills = gpus * (job.value_mills_per_gpu_h + move_mills_per_gpu)
            gives = sum(
                each * _gives(problem, job, rack, in_watts=in_watts)
                for rack, each in units.items()
            )
            found.append(Stop(name, units, cost_mills, gives))
    return found


def _cuts(job: Job, placed: int) -> list[int]:
    """Return the units that stop one after another: single ones, at last the least as a whole."""
    least = max(1, min(job.min_units, placed))
    return [1] * (placed - least) + [least]


def _take(spare: dict[str, int], count: int) -> dict[str, int]:
    """Take units from the racks that hold fewest, so that whole racks get free."""
    taken: dict[str, int] = {}
    for rack in sorted(spare, key=lambda name: (spare[name], name)):
        units = min(count, spare[rack])
        if units:
            taken[rack] = units
            spare[rack] -= units
            count -= units
    return taken


def _gives(problem: Problem, job: Job, rack: str, *, in_watts: bool) -> int:
    rack_type = problem.site.type_of(problem.site.racks[rack])
    return problem.peak_w(job, rack_type) if in_watts else slots_per_unit(job, rack_type)


def _is_whole(problem: Problem, plan: Plan, taken: list[Stop]) -> bool:
    """Whether every job that stops in part keeps its least."""
    gone: dict[str, int] = {}
    for stop in taken:
        gone[stop.job] = gone.get(stop.job, 0) + sum(stop.units.values())
    left = {name: plan.placed_units(name) - units for name, units in gone.items()}
    return all(
        units == 0 or units >= min(problem.jobs[name].min_units, plan.placed_units(name))
        for name, units in left.items()
    )


def _without(plan: Plan, taken: list[Stop]) -> Plan:
    units = {name: dict(racks) for name, racks in plan.units.items()}
    for stop in taken:
        for rack, count in stop.units.items():
            units[stop.job][rack] -= count
    kept = {name: {r: n for r, n in racks.items() if n} for name, racks in units.items()}
    return Plan({name: racks for name, racks in kept.items() if racks})
