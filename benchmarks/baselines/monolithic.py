"""Monolithic CP-SAT: one variable for every job and rack, all limits at once, from a hint."""

from __future__ import annotations

from benchmarks.baselines import first_fit
from benchmarks.baselines.programs import keeping_obligations, num_placements, shards_of
from benchmarks.baselines.task import Task
from kernels.forms import Ints
from scheduler.planner.classes import single_racks
from scheduler.planner.lowering import lower
from scheduler.planner.solvers import solve_integer

MOST_VARIABLES = 300_000  # above, model and presolve take gigabytes and minutes


def plan(task: Task) -> str:
    """Hand first fit's plan in, then whatever CP-SAT finds from there."""
    first_fit.plan(task)
    return solve_whole(task)


def solve_whole(task: Task) -> str:
    """Improve the task's best plan with one program over all jobs and racks."""
    variables = num_placements(task.compiled)
    if variables > MOST_VARIABLES:
        return f"not built: {variables:,} variables, at most {MOST_VARIABLES:,}"
    if task.best is None or task.out_of_time():
        return "no time left to solve"
    lowered = lower(task.compiled, single_racks(task.compiled))
    waiting: list[Ints] = []

    def stop() -> bool:
        if waiting:
            newest = waiting[-1]
            waiting.clear()
            task.offer(shards_of(lowered, newest))
        return task.out_of_time()

    outcome = solve_integer(
        keeping_obligations(lowered, task.compiled, task.best),
        start=lowered.point(task.best),
        time_limit_s=task.left_s,
        workers=task.workers,
        seed=task.seed,
        stop=stop,
        on_solution=waiting.append,
    )
    if outcome.x is not None:
        task.offer(shards_of(lowered, outcome.x))
    task.bound_mills = outcome.bound
    return f"{variables:,} variables"
