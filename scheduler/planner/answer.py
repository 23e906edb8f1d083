"""What a program over classes of racks has decided, laid out rack by rack.

`follow` lays jobs out one after another, and leaves out what fits only in another order. Fast
steps go on from there: first every job stays on the classes that the program chose for it, until
all of it is in; then it may leave them, for what the classes could not tell apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kernels.cpu import NumpyBackend
from kernels.forms import AssignmentCost, Compiled, Ints, Shards
from scheduler.planner import fast
from scheduler.planner.classes import Classes
from scheduler.planner.construct import Builder
from scheduler.planner.follow import follow
from scheduler.planner.placing import Placer
from scheduler.planner.starts import settle_steps
from scheduler.planner.state import Ground, State


@dataclass(frozen=True, eq=False)
class Answer:
    """How many units of each job go to each class of racks."""

    classes: Classes
    units: Ints  # (J, C)

    def narrowed(self, compiled: Compiled) -> Compiled:
        """Return the problem in which jobs lie on the classes of the answer or nowhere."""
        stay = AssignmentCost.prohibition("answer", self.classes.of_rack, self.units > 0)
        return replace(compiled, forms=(*compiled.forms, stay))

    def kept_by(self, shards: Shards) -> Shards:
        """Return the jobs of a plan that lie on the classes of the answer alone."""
        strays = self.units[shards.job, self.classes.of_rack[shards.rack]] == 0
        stays = ~np.isin(shards.job, shards.job[strays])
        return Shards.build(shards.job[stays], shards.rack[stays], shards.units[stays])


@dataclass(frozen=True, eq=False)
class Layout:
    """What a worker is to lay out, and how."""

    answer: Answer
    seed: int
    until: float  # ``time.time()`` at which what is found by then is returned


def lay_out(compiled: Compiled, layout: Layout) -> Shards:
    """Return the best plan that follows an answer more or less freely; a task for a worker."""
    steps = settle_steps(compiled)
    plans = followed(
        compiled, layout.answer, layout.seed, steps, lambda: time.time() > layout.until
    )
    score = NumpyBackend().load(compiled).score
    return min(plans, key=lambda plan: score(plan).key)


def followed(
    compiled: Compiled, answer: Answer, seed: int, steps: int, stop: Callable[[], bool]
) -> list[Shards]:
    """Return plans that follow an answer, more and more freely; any may be the best.

    `steps` are those within the classes, and as many again beyond them.
    """
    builder = Builder(compiled, answer.classes)
    order = builder.orders(np.random.default_rng(seed))[0]
    plans = list(follow(builder, answer.classes, answer.units, order, stop))
    if not fast.can_plan(compiled):
        return plans
    narrow, ground = Ground(answer.narrowed(compiled)), Ground(compiled)
    kept = answer.kept_by(plans[0])
    within = fast.ruin(Placer(narrow), kept, seed).run(steps, stop, period=steps)
    beyond = fast.ruin(Placer(ground), within, seed).run(steps, stop, period=steps)
    state = State.of(ground, beyond)
    builder.insert(state, order, stop)
    return [*plans, within, beyond, state.shards()]
