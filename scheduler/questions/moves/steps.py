"""Moves that go together, from the gentlest way to cut a change into steps to the coarsest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from scheduler.model import Problem
from scheduler.questions.moves.moves import Move

Step = tuple[Move, ...]


class Cut(Enum):
    """How a change is cut into steps, in the order in which cuts are tried."""

    JOBS = "each job at once"
    PARTS = "as many units as fit"
    TENANTS = "a tenant's contracts with the jobs inside them"
    ALL = "everything at once"


def steps(problem: Problem, moves: Iterable[Move], cut: Cut) -> list[Step]:
    """Return the steps: those that only stop something first, then large ones before small."""
    groups: dict[object, list[Move]] = {}
    for move in moves:
        groups.setdefault(_group(problem, move, cut), []).append(move)
    found = [tuple(group) for group in groups.values()]
    return sorted(found, key=lambda step: (_starts(step), -step_gpus(problem, step)))


def parts(step: Step) -> Iterator[Step]:
    """Yield the step, and of a single move also half of its units, a quarter, down to one."""
    yield step
    if len(step) == 1:
        units = step[0].units // 2
        while units:
            yield (step[0].of(units),)
            units //= 2


def step_gpus(problem: Problem, step: Iterable[Move]) -> int:
    """Return the GPUs that a step moves, starts or stops."""
    return sum(move.units * problem.jobs[move.job].gpus_per_unit for move in step)


def _group(problem: Problem, move: Move, cut: Cut) -> object:
    match cut:
        case Cut.JOBS:
            return move.job
        case Cut.PARTS:
            return move
        case Cut.TENANTS:
            return problem.jobs[move.job].tenant
    return None


def _starts(step: Step) -> int:
    """0: only stops; 1: moves; 2: only starts."""
    if all(move.target is None for move in step):
        return 0
    return 2 if all(move.source is None for move in step) else 1
