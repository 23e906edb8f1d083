"""What is solved for a goal: problems whose plans meet it, where to begin, and what is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.model import Level, Plan, Problem
from scheduler.model.units import ceil_div
from scheduler.questions.release.candidates import (
    Candidate,
    Scoring,
    best_sets,
    candidates,
)
from scheduler.questions.release.changed import (
    held_name,
    switched_off,
    with_ceiling,
    with_drained,
    with_held,
)
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.least_moves import (
    gpus_on,
    least_for_domains,
    least_for_gpus,
    least_for_watts,
)
from scheduler.questions.release.measure import free_by_rack, node_gpus, peak_draw_w
from scheduler.questions.release.places import racks_by_domain, racks_of
from scheduler.questions.release.stops import stopped


@dataclass(frozen=True, kw_only=True)
class Task:
    """One way to meet a goal.

    Attributes
    ----------
    problem
        Every plan of it that keeps all limits and obligations meets the goal.
    near
        The same question for a search near the running plan.
    free
        Jobs that may go anywhere in that search; all others stay or stop.
    start
        Where the search begins.
    refill
        Whether work has to leave closed racks, so that a first plan finds it new places.
    held
        Name of the reservation that holds what is free, if there is one in `problem`.
    emptied
        Racks on which nothing may be left.
    names
        Arrays or halls that were chosen to be emptied.
    bounds_all
        Whether the bound of `problem` holds for every way to meet the goal.
    """

    problem: Problem
    near: Problem
    start: Plan
    free: frozenset[str] = frozenset()
    held: str | None = None
    emptied: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    bounds_all: bool = True
    refill: bool = False


def tasks(run: Problem, plan: Plan, goal: Goal, move_mills: int) -> tuple[list[Task], int]:
    """Return the ways that are worth a solve, and the fewest GPUs that leave in any plan at all.

    No ways: all domains together are not enough.
    """
    if goal.domain is not None:
        racks = tuple(rack for rack in racks_of(run.site, goal.domain) if rack not in goal.spared)
        return [_emptying(run, plan, racks)], gpus_on(run, plan, racks)
    if goal.watts:
        return _for_watts(run, plan, goal, move_mills)
    if goal.gpus:
        return _for_gpus(run, plan, goal, move_mills)
    return [Task(problem=run, near=run, start=plan)], 0


def with_held_placed(task: Task, plan: Plan, goal: Goal) -> Plan:
    """Return the plan with the reservation of `task` put on what is free, fullest racks first."""
    if task.held is None:
        return plan
    contract = task.problem.workload.contracts[task.held]
    level = goal.contiguous or Level.HOST
    free = free_by_rack(task.problem, plan, goal.gpu_types, level)
    left, units = contract.units, {}
    for rack in sorted(free, key=lambda name: (-free[name], name)):
        count = min(left, free[rack] // contract.gpus_per_unit)
        if count:
            units[rack] = count
            left -= count
    return Plan({**plan.units, task.held: units} if units else plan.units)


def _emptying(run: Problem, plan: Plan, racks: tuple[str, ...]) -> Task:
    drained = with_drained(run, racks)
    return Task(
        problem=drained,
        near=drained,
        start=plan,
        free=_on(plan, racks),
        emptied=racks,
        refill=True,
    )


def _for_watts(run: Problem, plan: Plan, goal: Goal, move_mills: int) -> tuple[list[Task], int]:
    limit_w = peak_draw_w(run, plan) - goal.watts
    if goal.contiguous is None:
        capped = with_ceiling(run, limit_w)
        start = stopped(
            run,
            plan,
            goal.watts,
            lambda other: peak_draw_w(run, plan) - peak_draw_w(run, other),
            in_watts=True,
            move_mills_per_gpu=move_mills,
        )
        least = least_for_watts(run, plan, goal.watts)
        return [Task(problem=capped, near=capped, start=start)], least
    domains = racks_by_domain(run.site, goal.contiguous)
    draws = {name: _draw_w(run, plan, racks) for name, racks in domains.items()}
    placed = sum(units * run.jobs[job].gpus_per_unit for job, _, units in plan.shards())
    share = goal.watts / max(1, sum(draws.values()))
    scoring = Scoring(run, plan, move_mills, int(share * placed))
    found = candidates(run, plan, domains, draws, scoring)
    made = [_switching_off(run, plan, chosen, limit_w) for chosen in best_sets(found, goal.watts)]
    return made, _least(found, goal.watts)


def _switching_off(run: Problem, plan: Plan, chosen: tuple[Candidate, ...], limit_w: int) -> Task:
    racks = tuple(rack for each in chosen for rack in each.racks)
    off = with_ceiling(switched_off(run, racks), limit_w)
    return Task(
        problem=off,
        near=off,
        start=plan,
        free=_on(plan, racks),
        emptied=racks,
        refill=True,
        names=tuple(each.name for each in chosen),
        bounds_all=False,
    )


def _for_gpus(run: Problem, plan: Plan, goal: Goal, move_mills: int) -> tuple[list[Task], int]:
    level = goal.contiguous or Level.HOST
    open_now = free_by_rack(run, plan, goal.gpu_types, level)
    wanted = sum(open_now.values()) + goal.gpus
    size = node_gpus(run, goal.gpu_types)
    types = goal.gpu_types or tuple(
        dict.fromkeys(each.gpu_type for each in run.site.rack_types.values())
    )
    held = with_held(run, wanted, max(1, size), types, level)
    name = held_name(run)
    if goal.contiguous is None:
        start = stopped(
            run,
            plan,
            wanted,
            lambda other: sum(free_by_rack(run, other, goal.gpu_types, level).values()),
            in_watts=False,
            move_mills_per_gpu=move_mills,
        )
        task = Task(problem=held, near=held, start=start, held=name)
        return [task], least_for_gpus(run, plan, goal.gpus, goal.gpu_types)
    domains = racks_by_domain(run.site, goal.contiguous)
    gives = {
        domain: sum(_usable(run, rack, goal) for rack in racks if rack not in open_now)
        for domain, racks in domains.items()
    }
    free_elsewhere = sum(free_by_rack(run, plan, goal.gpu_types).values()) - sum(open_now.values())
    scoring = Scoring(run, plan, move_mills, goal.gpus - free_elsewhere)
    found = candidates(run, plan, domains, gives, scoring)
    made = []
    for chosen in best_sets(found, goal.gpus):
        racks = tuple(rack for each in chosen for rack in each.racks)
        drained = with_drained(run, {*racks, *open_now})
        made.append(
            Task(
                problem=held,
                near=drained,
                start=plan,
                free=_on(plan, racks),
                held=name,
                emptied=racks,
                refill=True,
                names=tuple(each.name for each in chosen),
            )
        )
    size = max(1, size)
    return made, _least(found, ceil_div(goal.gpus, size) * size)


def _least(found: tuple[Candidate, ...], target: int) -> int:
    costs, gives = [each.gpus for each in found], [each.gives for each in found]
    return least_for_domains(costs, gives, target)


def _usable(problem: Problem, rack_name: str, goal: Goal) -> int:
    rack = problem.site.racks[rack_name]
    if goal.gpu_types and problem.site.type_of(rack).gpu_type not in goal.gpu_types:
        return 0
    return problem.site.usable_gpus(rack)


def _draw_w(problem: Problem, plan: Plan, racks: tuple[str, ...]) -> int:
    """Return what racks draw at the peak of their work, in W."""
    site = problem.site
    return sum(problem.idle_w(site.racks[rack]) for rack in racks) + sum(
        units * problem.peak_w(problem.jobs[job], site.type_of(site.racks[rack]))
        for rack in racks
        for job, units in plan.by_rack.get(rack, {}).items()
    )


def _on(plan: Plan, racks: tuple[str, ...]) -> frozenset[str]:
    by_rack: Mapping[str, Mapping[str, int]] = plan.by_rack
    return frozenset(job for rack in racks for job in by_rack.get(rack, {}))
