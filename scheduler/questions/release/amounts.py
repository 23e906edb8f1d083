"""How much is given back, and of how much, in the unit of the goal."""

from __future__ import annotations

from scheduler.model import Level, Plan, Problem
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import free_by_rack, peak_draw_w
from scheduler.questions.release.places import racks_of


def amounts(
    goal: Goal, run: Problem, before: Plan, afterwards: Problem, after: Plan
) -> tuple[int, int, str]:
    """Return what is given back, what the goal asks for, and the unit of both.

    `afterwards` is the problem changed by the goal: racks that are off draw nothing there.
    """
    if goal.watts:
        return peak_draw_w(run, before) - peak_draw_w(afterwards, after), goal.watts, "W"
    if goal.gpus:
        level = goal.contiguous or Level.HOST
        now, then = (
            sum(free_by_rack(run, plan, goal.gpu_types, level).values()) for plan in (before, after)
        )
        return then - now, goal.gpus, "GPUs"
    if goal.domain is not None:
        racks = racks_of(run.site, goal.domain)
        return sum(1 for rack in racks if rack not in after.by_rack), len(racks), "racks"
    held, stays = (
        sum(
            plan.placed_units(job.name) * job.gpus_per_unit
            for job in run.jobs.values()
            if job.tenant == goal.tenant and not run.is_inside_contract(job)
        )
        for plan in (before, after)
    )
    return held - stays, held, "GPUs"
