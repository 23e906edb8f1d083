"""A plan while moves run: every moving unit counts where it leaves and where it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scheduler.model import Job, Plan, Problem
from scheduler.questions.moves.moves import Move


def doubled(problem: Problem, plan: Plan, moves: Iterable[Move]) -> tuple[Problem, Plan]:
    """Return a problem and a plan that hold all units of `moves` at both ends.

    Every job that moves gets a twin: a job with the same demands, tenant, hardware, power action
    and place rules, to which the units that come belong until they run. The job itself stays as
    it is. So the check counts both ends for space, power after every failure, cooling, isolation
    and conflicts, while what a job asks of its own placement (one domain, spread, what survives
    a loss) is asked of what runs and of what comes, each by itself: a job runs at its old place
    until its new one is ready. A twin earns nothing and meets no obligation; that of a
    reservation is a reservation of its own, with nodes of its own.
    """
    moves = tuple(moves)
    arriving = arrivals(moves)
    names = twin_names(problem, arriving)
    units = {names[job]: racks for job, racks in arriving.items()}
    most = {job: sum(racks.values()) for job, racks in arriving.items()}
    return with_twins(problem, most), Plan({**plan.units, **units})


def with_twins(problem: Problem, most: Mapping[str, int]) -> Problem:
    """Return the problem with twins that hold at least as many units as `most` says."""
    names = twin_names(problem, most)
    twins = {names[job]: _twin(problem.jobs[job], names[job], units) for job, units in most.items()}
    workload = replace(problem.workload, jobs={**problem.workload.jobs, **twins})
    return replace(problem, workload=workload, current=None)


def twin_names(problem: Problem, jobs: Iterable[str]) -> dict[str, str]:
    """Return the names of the twins; none is the name of a job."""
    return {job: _free_name(problem, f"{job} (arriving)") for job in jobs}


def arrivals(moves: Iterable[Move]) -> dict[str, dict[str, int]]:
    """Return the units that come, by job and rack."""
    found: dict[str, dict[str, int]] = {}
    for move in moves:
        if move.target is not None:
            racks = found.setdefault(move.job, {})
            racks[move.target] = racks.get(move.target, 0) + move.units
    return found


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
