"""Dantzig and Wolfe's decomposition: every exclusive group plans for itself, prices coordinate.

At prices y of the rows that groups share, the Lagrangian bound is

    ``L(y) = y b + sum over other columns of max (c - y A) x + sum over groups g of z_g(y)``

with z_g the most that group g is worth beyond what it takes. Every L(y) is a bound, in exact
integers; the restricted master says at which prices to ask next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.planner.bound.master import Master
from scheduler.planner.bound.pricing import EFFORT, Chunk, Priced, price_chunk
from scheduler.planner.bound.trust import Trust
from scheduler.planner.decompose import Block, Blocks
from scheduler.planner.engine import Engine, Task
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.weak_duality import PRICE_SCALE, most_in_box, weigh, whole

AGREED = 2e-4  # relative difference of master and bound at which no more columns are asked for
KEPT = 0.3  # share of the best prices so far in the next ones, after a round that was no better
CHUNKS_PER_WORKER = 3  # more even out the load, fewer save messages
MOST_ROUNDS = 200
CONVERGED = 2e-3  # relative difference of master and bound at which little is to be gained
SHARES_S = 5.0  # for the master's solution in the end
HARDER, MOST_EFFORT = 1.5, 0.3  # blocks are solved the better the closer the end is


@dataclass(frozen=True, eq=False)
class Lagrangian:
    """The bound at some prices, part by part; in 1/PRICE_SCALE of the objective."""

    prices: NDArray[np.float64]  # (rows of the rest,)
    total: int
    of_blocks: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Model:
    """The least bound that the known columns let expect, and the prices there."""

    value: float
    prices: NDArray[np.float64]


@dataclass(eq=False)
class Decomposition:
    """One run; `best` and `master` hold what is known at its end."""

    blocks: Blocks
    constant: int
    engine: Engine
    deadline: float
    stopped: Callable[[], bool]
    seed: int
    effort: float = EFFORT
    latest: float = 0.0  # until when the first answer is waited for, if after the deadline
    best: Lagrangian | None = None
    asked: list[Lagrangian] = field(default_factory=list)  # all answers so far
    master: Master = field(init=False)
    history: list[tuple[float, int, float]] = field(default_factory=list)  # (s, bound, master)
    is_settled: bool = False  # master and bound agree, in the widest box

    def __post_init__(self) -> None:
        self.master = Master(self.blocks)

    @property
    def bound(self) -> int | None:
        """The best bound on the whole program's objective."""
        return None if self.best is None else whole(self.best.total) + self.constant

    @property
    def has_converged(self) -> bool:
        """Whether more prices would hardly make the bound better."""
        if not self.history:
            return False
        _, bound, value = self.history[-1]
        return bound - value <= CONVERGED * abs(bound)

    def shares(self) -> list[list[tuple[Ints, float]]] | None:
        """Return the answers of every block that the master uses, and its share of each."""
        solved = self.master.solve(SHARES_S, lambda: False)
        if solved is None:
            return None
        shares: list[list[tuple[Ints, float]]] = [[] for _ in self.blocks.blocks]
        for column, share in self.master.used(solved.x):
            shares[column.block].append((column.x, share))
        return shares

    def run(self, *first: NDArray[np.float64]) -> None:
        """Ask and answer, from the best of some prices of the rest's rows on."""
        if self._begin(first):
            self.go_on()

    def go_on(self) -> None:
        """Ask and answer, from the best prices so far on, until time is out or all agree."""
        began, trust = time.monotonic(), Trust(self.blocks.coupling)
        for _ in range(MOST_ROUNDS):
            assert self.best is not None
            if self._out_of_time():
                return
            model = self._model(trust, self.best)
            if model is None or self._out_of_time():
                return
            bound = whole(self.best.total)
            self.history.append((time.monotonic() - began, bound, model.value))
            while bound - model.value <= AGREED * abs(bound):
                if not trust.widen():  # what looks settled nearby may be far from it further on
                    self.is_settled = True
                    return
                wider = self._model(trust, self.best)
                if wider is None:
                    return
                model = wider
            better = self._learn(KEPT * self.best.prices + (1 - KEPT) * model.prices)
            if better is None:
                return
            trust.learn(better=better)
            if not better:
                self.effort = min(self.effort * HARDER, MOST_EFFORT)

    def _begin(self, first: tuple[NDArray[np.float64], ...]) -> bool:
        """Ask at the first prices, as many as there is time for; return whether any answered."""
        spent_s = 0.0
        for prices in first:
            if self.best is not None and self.left_s() < spent_s:
                break
            asked = time.monotonic()
            if self._learn(prices) is None:
                break
            spent_s = time.monotonic() - asked
        return self.best is not None

    def _learn(self, prices: NDArray[np.float64]) -> bool | None:
        """Ask at `prices`; return whether the bound got better, None if there is no answer."""
        asked = self._ask(prices)
        if asked is None:
            return None
        self.asked.append(asked)
        better = self.best is None or asked.total < self.best.total
        if better:
            self.best = asked
        return better

    def _model(self, trust: Trust, best: Lagrangian) -> Model | None:
        """Return where the known columns would have the bound least, within the trust region."""
        master = trust.boxed(self.master.arrays(), best.prices, best.total / PRICE_SCALE)
        solved = solve_relaxed(master, time_limit_s=self.left_s(), stop=self._out_of_time)
        if solved is None:
            return None
        rest = self.blocks.rest
        return Model(float(master.gain @ solved.x), solved.prices[: rest.num_rows])

    def _ask(self, prices: NDArray[np.float64]) -> Lagrangian | None:
        """Return the bound at `prices`, and take the blocks' answers as columns."""
        weighed = weigh(self.blocks.rest, prices)
        answers = self._answers(weighed.prices[self.blocks.coupling])
        if answers is None:
            return None
        for number, answer in enumerate(answers):
            for x in answer.solutions:
                self.master.add(number, x)
        rest = self.blocks.rest
        others = int(most_in_box(weighed.reduced, rest.low, rest.high).sum())
        of_blocks = tuple(answer.most for answer in answers)
        exact = weighed.prices / PRICE_SCALE
        return Lagrangian(exact, weighed.sides + others + sum(of_blocks), of_blocks)

    def _answers(self, prices: Ints) -> list[Priced] | None:
        """Price every block on the engine; None if time ran out before all were."""
        count = min(len(self.blocks.blocks), CHUNKS_PER_WORKER * self.engine.workers)
        dealt = deal(self.blocks.blocks, count)
        chosen = [tuple(self.blocks.blocks[n] for n in numbers) for numbers in dealt]
        tasks = [Task(price_chunk, Chunk(b, prices, self.effort, self.seed)) for b in chosen]
        deadline = self.deadline if self.best is not None else max(self.deadline, self.latest)
        results = self.engine.run(tasks, deadline=deadline, stopped=self.stopped)
        answers: dict[int, Priced] = {}
        for numbers, result in zip(dealt, results, strict=True):
            if not isinstance(result, list):
                return None
            answers.update(zip(numbers, result, strict=True))
        return [answers[number] for number in range(len(self.blocks.blocks))]

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def _out_of_time(self) -> bool:
        return self.stopped() or self.left_s() <= 0


def deal(blocks: tuple[Block, ...], count: int) -> list[list[int]]:
    """Deal blocks to `count` hands, the largest first, each to the hand with the least so far."""
    hands: list[list[int]] = [[] for _ in range(count)]
    held = [0] * count
    for number in sorted(range(len(blocks)), key=lambda n: -len(blocks[n].arrays.value)):
        hand = held.index(min(held))
        hands[hand].append(number)
        held[hand] += len(blocks[number].arrays.value) + 1
    return hands
