"""What can be stopped for a while where moves wait for one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scheduler.model import Plan, Problem
from scheduler.questions.moves.moves import Move
from scheduler.questions.moves.steps import Step


@dataclass(frozen=True)
class Pause:
    """Units that stop now and start again at their new place."""

    jobs: tuple[str, ...]
    stops: Step
    cost_mills_per_h: int  # what the units earn
    breaks_promise: bool  # a firm contract is among them


def pauses(
    problem: Problem, state: Plan, moves: Sequence[Move], paused: frozenset[str]
) -> list[Pause]:
    """Return what may be paused, firm contracts last, then by what it earns, cheapest first.

    Of each job that still leaves racks: the units that leave, then all of its units (a gang does
    not run in part), then all of its tenant (jobs inside a contract need its nodes). Jobs that
    were paused wholly are left out. The last entry is all work of all tenants that move anything:
    after that the rest is only to be started, which is as safe as the plan at the end.
    """
    leaving: dict[str, list[Move]] = {}
    for move in moves:
        if move.source is not None:
            stop = Move(move.job, move.units, move.source, None)
            leaving.setdefault(move.job, []).append(stop)
    found = [
        _pause(problem, stops)
        for job, leave in leaving.items()
        for stops in _stops(problem, state, job, leave, paused)
    ]
    found += [
        _pause(problem, stops)
        for job in dict.fromkeys(move.job for move in moves)
        if job not in leaving and job not in paused and job in state.units
        for stops in _wholly(problem, state, job)
    ]
    found.sort(key=lambda pause: (pause.breaks_promise, pause.cost_mills_per_h))
    everything = _of_tenants(problem, state, {problem.jobs[move.job].tenant for move in moves})
    return [*found, _pause(problem, everything)] if everything else found


def _stops(
    problem: Problem, state: Plan, job: str, leaving: list[Move], paused: frozenset[str]
) -> Iterator[list[Move]]:
    yield leaving
    if job not in paused:
        yield from _wholly(problem, state, job)


def _wholly(problem: Problem, state: Plan, job: str) -> Iterator[list[Move]]:
    """Yield the stops of all of a job, and of all of its tenant if that has a contract."""
    yield _whole(state, job)
    tenant = problem.jobs[job].tenant
    if tenant in problem.workload.contract_of_tenant:
        yield _of_tenants(problem, state, {tenant})


def _of_tenants(problem: Problem, state: Plan, tenants: set[str]) -> list[Move]:
    return [
        stop
        for job in state.units
        if problem.jobs[job].tenant in tenants
        for stop in _whole(state, job)
    ]


def _whole(state: Plan, job: str) -> list[Move]:
    return [Move(job, units, rack, None) for rack, units in state.units.get(job, {}).items()]


def _pause(problem: Problem, stops: Sequence[Move]) -> Pause:
    jobs = tuple(dict.fromkeys(stop.job for stop in stops))
    records = [(problem.jobs[stop.job], stop.units) for stop in stops]
    return Pause(
        jobs,
        tuple(stops),
        sum(job.value_mills_per_gpu_h * job.gpus_per_unit * units for job, units in records),
        any(job.firm for job, _ in records),
    )
