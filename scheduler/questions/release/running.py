"""What runs now, as a problem of its own: nothing else may start while capacity is given back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from scheduler.model import Contract, Job, Level, Plan, Problem
from scheduler.model.units import part
from scheduler.questions.release.notice import ending_of

MOST_SINGLE_RACKS = 1_000  # of a site on which jobs are pinned to racks, not to arrays


def running(problem: Problem, plan: Plan, within_days: int) -> Problem:
    """Return the problem of what `plan` runs, with `plan` as the current plan.

    Jobs ask for the units that they have and may get fewer as far as they are elastic. A contract
    that may end within the days is kept whole or ended; any other that runs is an obligation,
    also one that is not firm. What does not run at all is left out, firm or not.
    """
    workload = problem.workload
    jobs = {
        job.name: _as_it_runs(job, plan.placed_units(job.name))
        for job in workload.jobs.values()
        if plan.placed_units(job.name)
    }
    contracts = {
        contract.name: _as_it_binds(contract, plan.placed_units(contract.name), within_days)
        for contract in workload.contracts.values()
        if plan.placed_units(contract.name)
    }
    return replace(
        problem, workload=replace(workload, jobs=jobs, contracts=contracts), current=plan
    )


def without_work(problem: Problem, names: Collection[str]) -> Problem:
    """Return the problem without some jobs and contracts, also in the current plan."""
    workload = problem.workload
    jobs = {name: job for name, job in workload.jobs.items() if name not in names}
    contracts = {name: each for name, each in workload.contracts.items() if name not in names}
    current = problem.current and without_jobs(problem.current, names)
    return replace(
        problem, workload=replace(workload, jobs=jobs, contracts=contracts), current=current
    )


def without_jobs(plan: Plan, names: Collection[str]) -> Plan:
    """Return the plan without some jobs."""
    return Plan({name: racks for name, racks in plan.units.items() if name not in names})


def pinned(problem: Problem, plan: Plan, free: Collection[str]) -> Problem:
    """Return the problem in which only the jobs in `free` may go to racks where they are not.

    On large sites they may go to other racks of their arrays: so many sets of single racks would
    take longer to read than to search.
    """
    racks = problem.site.racks
    places = {
        name: tuple(on)
        if len(racks) <= MOST_SINGLE_RACKS
        else tuple(dict.fromkeys(racks[rack].array for rack in on))
        for name, on in plan.units.items()
        if name not in free
    }
    workload = problem.workload
    jobs = {
        name: replace(job, within=places.get(name, job.within))
        for name, job in workload.jobs.items()
    }
    contracts = {
        name: replace(each, within=places.get(name, each.within))
        for name, each in workload.contracts.items()
    }
    return replace(problem, workload=replace(workload, jobs=jobs, contracts=contracts))


def _as_it_runs(job: Job, placed: int) -> Job:
    """Return the job of the size that it has.

    One that needs NVLink keeps the size that it asks for, because what may hold it depends on it.
    """
    if job.required is Level.NVLINK:
        return job
    return replace(job, units=placed, min_units=min(job.min_units, placed))


def _as_it_binds(contract: Contract, placed: int, within_days: int) -> Contract:
    whole = contract.units + part(contract.units, contract.sla.spare_permille)
    may_end = ending_of(contract, within_days).may_end
    return replace(contract, firm=not may_end or (contract.firm and placed < whole))
