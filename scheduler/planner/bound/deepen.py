"""The decomposition goes on: by one worker alone, while others improve the plan."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kernels.forms import Ints
from scheduler.planner.bound.columns import Decomposition, Lagrangian
from scheduler.planner.bound.master import Column
from scheduler.planner.decompose import Blocks
from scheduler.planner.engine import Task, make_engine


@dataclass(frozen=True, eq=False)
class Deepening:
    """Where a decomposition ended, and how long it is to go on."""

    blocks: Blocks
    constant: int
    seed: int
    effort: float
    best: Lagrangian
    known: tuple[Column, ...]
    limit_s: float


@dataclass(frozen=True, eq=False)
class Deepened:
    """What it found then."""

    asked: tuple[Lagrangian, ...]
    columns: tuple[tuple[int, Ints], ...]  # blocks, and what they answered
    is_settled: bool


def deepening(columns: Decomposition, limit_s: float) -> Task | None:
    """Return the task of going on; None where there is nothing to begin with, or to gain."""
    if columns.best is None or columns.is_settled:
        return None
    work = Deepening(
        columns.blocks,
        columns.constant,
        columns.seed,
        columns.effort,
        columns.best,
        tuple(columns.master.columns),
        limit_s,
    )
    return Task(deepen, work)


def deepen(_context: object, work: Deepening) -> Deepened:
    """Go on with a decomposition, alone (a task for the engine)."""
    with make_engine("inline", None, workers=1) as engine:
        columns = Decomposition(
            work.blocks,
            work.constant,
            engine,
            time.monotonic() + work.limit_s,
            lambda: False,
            work.seed,
            work.effort,
            best=work.best,
        )
        for column in work.known:
            columns.master.add(column.block, column.x)
        columns.go_on()
    new = columns.master.columns[len(work.known) :]
    answers = tuple((column.block, column.x) for column in new)
    return Deepened(tuple(columns.asked), answers, columns.is_settled)


def learn(columns: Decomposition, found: Deepened) -> None:
    """Let a decomposition know what was found when it went on."""
    assert columns.best is not None
    for number, x in found.columns:
        columns.master.add(number, x)
    columns.asked += found.asked
    columns.best = min(columns.asked, key=lambda each: each.total)
    columns.is_settled = found.is_settled
