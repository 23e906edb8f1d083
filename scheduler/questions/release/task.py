"""One way to meet a goal: a problem whose plans meet it, and where to begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.model import Level, Plan, Problem
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import free_by_rack


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


def jobs_on(plan: Plan, racks: tuple[str, ...]) -> frozenset[str]:
    """Return the jobs that lie on some racks."""
    by_rack: Mapping[str, Mapping[str, int]] = plan.by_rack
    return frozenset(job for rack in racks for job in by_rack.get(rack, {}))
