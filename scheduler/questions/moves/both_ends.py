"""A plan while moves run: every moving unit counts where it leaves and where it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scheduler.model import Job, Plan, Problem
from scheduler.questions.moves.moves import Move, applied


def doubled(problem: Problem, plan: Plan, moves: Iterable[Move]) -> tuple[Problem, Plan]:
    """Return a problem and a plan that hold all units of `moves` at both ends.

    Every job that moves gets a twin: a job with the same demands, tenant, hardware, power action
    and place rules, to which the units that come belong until they run. The job itself stays as
    it is. So the check counts both ends for space, power after every failure, cooling, isolation
    and conflicts, while what a job asks of its own placement (one domain, spread, what survives
    a loss) is asked of what runs and of what comes, each by itself: a job runs at its old place
    until its new one is ready. A twin earns nothing and meets no obligation; that of a
    reservation is a reservation of its own, with nodes of its own. A job of which units only
    start needs no twin: it simply grows.
    """
    starts, moving = starting(moves)
    names = twin_names(problem, (move.job for move in moving))
    arriving = [Move(names[move.job], move.units, None, move.target) for move in moving]
    most: dict[str, int] = {}
    for move in moving:
        most[move.job] = most.get(move.job, 0) + move.units
    return with_twins(problem, most), applied(plan, [*starts, *arriving])


def with_twins(problem: Problem, most: Mapping[str, int]) -> Problem:
    """Return the problem with twins that hold at least as many units as `most` says."""
    names = twin_names(problem, most)
    twins = {names[job]: _twin(problem.jobs[job], names[job], units) for job, units in most.items()}
    workload = replace(problem.workload, jobs={**problem.workload.jobs, **twins})
    return replace(problem, workload=workload, current=None)


def twin_names(problem: Problem, jobs: Iterable[str]) -> dict[str, str]:
    """Return the names of the twins; none is the name of a job."""
    return {job: _free_name(problem, f"{job} (arriving)") for job in jobs}


def starting(moves: Iterable[Move]) -> tuple[list[Move], list[Move]]:
    """Return what comes: to jobs of which nothing leaves, and to jobs that move."""
    moves = tuple(moves)
    leaving = {move.job for move in moves if move.source is not None}
    coming = [Move(move.job, move.units, None, move.target) for move in moves if move.target]
    return (
        [move for move in coming if move.job not in leaving],
        [move for move in coming if move.job in leaving],
    )


def _twin(job: Job, name: str, units: int) -> Job:
    return replace(
        job,
        name=name,
        units=max(units, job.units),  # hardware fit looks at the size of a job
        min_units=1,
        promised_units=None,
        firm=False,
        sla=None,
        value_mills_per_gpu_h=0,
        contract=None if job.contract is None else name,
    )


def _free_name(problem: Problem, name: str) -> str:
    while name in problem.jobs:
        name += "+"
    return name
