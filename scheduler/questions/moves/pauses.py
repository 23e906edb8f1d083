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
    were paused wholly are left out.
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
        _pause(problem, _whole(state, job))
        for job in dict.fromkeys(move.job for move in moves)
        if job not in leaving and job not in paused and job in state.units
    ]
    return sorted(found, key=lambda pause: (pause.breaks_promise, pause.cost_mills_per_h))


def _stops(
    problem: Problem, state: Plan, job: str, leaving: list[Move], paused: frozenset[str]
) -> Iterator[list[Move]]:
    yield leaving
    if job in paused:
        return
    yield _whole(state, job)
    tenant = problem.jobs[job].tenant
    if tenant in problem.workload.contract_of_tenant:
        yield [
            stop
            for other in state.units
            if problem.jobs[other].tenant == tenant
            for stop in _whole(state, other)
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
