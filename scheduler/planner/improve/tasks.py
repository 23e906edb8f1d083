"""What is done to one part: ruin and recreate, or an exact program."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.cpu import NumpyBackend
from kernels.forms import Bools, Compiled, Ints, Shards
from scheduler.planner import fast
from scheduler.planner.classes import Classes, single_racks
from scheduler.planner.construct import Builder
from scheduler.planner.follow import follow
from scheduler.planner.lowering import lower
from scheduler.planner.placing import Placer
from scheduler.planner.restrict import Part, restrict, without
from scheduler.planner.ruin import Ruin
from scheduler.planner.solvers import solve_integer
from scheduler.planner.state import Ground

CORES = 1  # threads of a task
GAP = 1e-4  # relative gap at which an exact program counts as solved


@dataclass(frozen=True, eq=False)
class Work:
    """A part of a plan, and how much is to be done to it."""

    shards: Shards  # the whole plan
    jobs: Ints  # that may move; each lies on `racks` alone, or nowhere
    racks: Ints
    seed: int
    effort: int  # steps of ruin and recreate, or thousandths of deterministic seconds
    period: int  # steps between two kicks, where steps are fast
    until: float  # ``time.time()`` at which what is found by then is returned
    profit: NDArray[np.float64] | None = None  # of all jobs, beyond the room that they take


@dataclass(frozen=True, eq=False)
class Found:
    """A better arrangement of a part."""

    jobs: Ints  # that moved or could have
    shards: Shards  # where they are, in the whole


def ruin_part(compiled: Compiled, work: Work) -> Found | None:
    """Ruin and recreate a part; None if nothing better was found."""
    if not len(work.jobs):  # a part may hold nothing that moves, and nothing may wait
        return None
    part, before = _begin(compiled, work)
    profit = None if work.profit is None else work.profit[part.jobs]
    placer = Placer(Ground(part.compiled), profit)

    def late() -> bool:
        return time.time() > work.until

    if fast.can_plan(compiled):
        search = fast.ruin(placer, before, work.seed)
        found = search.run(work.effort, late, period=work.period)
    else:
        found = Ruin(placer, before, work.seed).run(work.effort, late)
    return _better(part, before, [found])


def solve_part(compiled: Compiled, work: Work) -> Found | None:
    """Solve a part with every rack a class of its own; None if nothing better was found."""
    part, before = _begin(compiled, work)
    classes = single_racks(part.compiled)
    lowered = lower(part.compiled, classes)
    start = lowered.point(before)
    outcome = solve_integer(
        lowered.arrays,
        start=start,
        time_limit_s=work.until - time.time(),
        work_limit_s=work.effort / 1000,
        workers=CORES,
        seed=work.seed,
        stop=lambda: False,
        gap=GAP,
    )
    if outcome.x is None or lowered.arrays.objective(start) >= (outcome.objective or 0):
        return None
    return _better(part, before, _followed(part, classes, lowered.units(outcome.x), work.seed))


def _followed(part: Part, classes: Classes, units: Ints, seed: int) -> list[Shards]:
    builder = Builder(part.compiled, classes)
    order = builder.orders(np.random.default_rng(seed))[0]
    return list(follow(builder, classes, units, order, lambda: False))


def _begin(compiled: Compiled, work: Work) -> tuple[Part, Shards]:
    free: Bools = np.zeros(compiled.num_jobs, bool)
    free[work.jobs] = True
    part = restrict(compiled, work.jobs, work.racks, without(work.shards, free))
    return part, part.to_part(work.shards)


def _better(part: Part, before: Shards, plans: list[Shards]) -> Found | None:
    """Return the best of `plans` if it is better than `before`, by the exact score of the part."""
    score = NumpyBackend().load(part.compiled).score
    old = score(before)
    best = min(plans, key=lambda plan: score(plan).key, default=before)
    new = score(best)
    if not new < old:
        return None
    return Found(part.jobs, part.to_whole(best))
