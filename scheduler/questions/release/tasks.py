"""What is solved for a goal: problems whose plans meet it, and what is counted about moves."""

from __future__ import annotations

from scheduler.model import Plan, Problem
from scheduler.questions.release.changed import with_drained
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.gpu_tasks import gpu_tasks
from scheduler.questions.release.least_moves import gpus_on
from scheduler.questions.release.places import racks_of
from scheduler.questions.release.power_tasks import power_tasks
from scheduler.questions.release.task import Task, jobs_on


def tasks(run: Problem, plan: Plan, goal: Goal, move_mills: int) -> tuple[list[Task], int]:
    """Return the ways that are worth a solve, and the fewest GPUs that leave in any plan at all.

    No ways: all domains together are not enough.
    """
    if goal.domain is not None:
        racks = tuple(rack for rack in racks_of(run.site, goal.domain) if rack not in goal.spared)
        return [_emptying(run, plan, racks)], gpus_on(run, plan, racks)
    if goal.watts:
        return power_tasks(run, plan, goal, move_mills)
    if goal.gpus:
        return gpu_tasks(run, plan, goal, move_mills)
    return [Task(problem=run, near=run, start=plan)], 0


def _emptying(run: Problem, plan: Plan, racks: tuple[str, ...]) -> Task:
    drained = with_drained(run, racks)
    return Task(
        problem=drained,
        near=drained,
        start=plan,
        free=jobs_on(plan, racks),
        emptied=racks,
        refill=True,
    )
