"""IT power of a plan, of a site without any work, and of all racks full."""

from __future__ import annotations

from collections.abc import Callable

from scheduler.model import Job, Plan, Problem, RackType


def planned_w(problem: Problem, plan: Plan, watts: Callable[[Job, RackType], int]) -> int:
    """Return IT power: idle of every rack, base loads, and `watts` for every placed unit."""
    site = problem.site
    return standing_w(problem) + sum(
        units * watts(problem.jobs[job], site.type_of(site.racks[rack]))
        for job, rack, units in plan.shards()
    )


def standing_w(problem: Problem) -> int:
    """Return what is drawn without any work: idle of every rack, and base loads."""
    racks = sum(problem.idle_w(rack) for rack in problem.site.racks.values())
    return racks + sum(load.power_w for load in problem.site.base_loads)


def fleet_w(problem: Problem, watts: Callable[[RackType], int]) -> int:
    """Return the power of all racks at `watts` each, base loads included."""
    site = problem.site
    racks = sum(watts(site.type_of(rack)) for rack in site.racks.values())
    return racks + sum(load.power_w for load in site.base_loads)
