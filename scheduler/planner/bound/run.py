"""From a problem and its best plan to a proven bound, in steps, each tighter.

Volume: all work that can be is divisible. Columns: groups that keep domains to themselves are
planned whole. Mixed: so are large jobs and wide domains, all at once. Program: small problems are
solved over classes of racks as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Compiled, Ints, Shards
from kernels.reference import score
from scheduler.planner.answer import Answer
from scheduler.planner.bound.account import Account
from scheduler.planner.bound.columns import Decomposition
from scheduler.planner.bound.deepen import Deepened, deepening, learn
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.found import Found, first_prices
from scheduler.planner.bound.guides import guides_of
from scheduler.planner.bound.mixed import large_jobs, whole_columns, with_answers
from scheduler.planner.bound.outline import Outline, in_blocks, owed_gpus, with_obligations
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.prices import prices_of
from scheduler.planner.bound.pricing import EFFORT
from scheduler.planner.bound.profit import profit_of_jobs
from scheduler.planner.bound.resolution import choose_classes
from scheduler.planner.bound.volume import box_bound, volume
from scheduler.planner.engine import Engine, Task
from scheduler.planner.guide import Guide
from scheduler.planner.lots import FINER
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.restrict import Part
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.mixed import Mixed, MixedOutcome, solve_mixed
from scheduler.planner.solvers.weak_duality import PRICE_SCALE
from scheduler.planner.worth import GapPart, Proof

COLUMN_PLACEMENTS = 10_000  # (job, class) pairs of the decomposition
LEAST_CLASSES, MOST_CLASSES = 4, 40
PROGRAM_PLACEMENTS = 2_500  # (job, class) pairs up to which the program is solved
PROGRAM_CLASSES = 16
COLUMNS_SHARE = 0.38  # of the time: the decomposition goes on while plans follow its first answers
PROGRAM_SHARE = 0.7  # of the time that is left then: plans go on from what is found
MIXED_SHARE = 0.3  # the same of a mixed program, whose bound falls soon or not at all
DEEPEN_SHARE = 0.3  # of the time that is left, where the decomposition goes on first, ...
FINE_DEEPEN_SHARE = 0.6  # ... and over many classes, where mixed programs prove little
MIXED_GAP = 2e-4  # relative gap that will do
MIXED_COLUMNS = 30_000  # of a program; a larger one proves nothing more in minutes
PROGRAM_COLUMNS_SHARE = 0.15  # of the time, where a program follows
SMALL_EFFORT = 0.01  # deterministic time of a group's answer, there
RELAX_SHARE = 0.5  # of that time, for prices to begin with


@dataclass(frozen=True, eq=False)
class Bounded:
    """A proven bound, and what it teaches."""

    proof: Proof
    profit: NDArray[np.float64] | None  # (J,) of whole jobs, beyond the room that they take
    bounds: Mapping[str, int]  # in mills, by how each was proven; the least is that of the proof
    compiled: Compiled
    account: Account | None

    def gap_parts(self, shards: Shards) -> tuple[GapPart, ...]:
        """Split ``bound - margin`` of a plan exactly."""
        margin = score(self.compiled, shards).margin_mills
        if self.account is None:
            return (GapPart("rounding", "all", self.proof.bound_mills - margin),)
        return self.account.split(shards, margin)


def bound(
    compiled: Compiled,
    *,
    best: Shards,
    met_all: bool,
    engine: Engine,
    time_limit_s: float,
    seed: int,
    stopped: Callable[[], bool],
) -> Bounded:
    """Bound the margin of every plan that meets as many firm obligations as `best`, in one go.

    See `Bounding` for the parameters.
    """
    bounding = Bounding(compiled, best, met_all, engine, time_limit_s, seed, stopped)
    bounding.begin()
    while (task := bounding.next(bounding.left_s())) is not None:
        deadline = time.monotonic() + 1.5 * bounding.left_s() + 1.0
        bounding.take(*engine.run([task], deadline=deadline, stopped=stopped))
    return bounding.bounded()


@dataclass(eq=False)
class Bounding:
    """A bound that gets tighter step by step.

    Parameters
    ----------
    best
        The best plan so far; a start for the groups' columns.
    met_all
        Whether `best` meets all firm obligations.
    engine
        Where groups are solved; its context is not used.
    time_limit_s
        Of the first steps.
    """

    compiled: Compiled
    best: Shards
    met_all: bool
    engine: Engine
    time_limit_s: float
    seed: int
    stopped: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)
    known: dict[str, int] = field(default_factory=dict)  # bound in mills by how it was proven
    profit: NDArray[np.float64] | None = None  # at the prices of the best bound so far
    ahead: list[str] = field(default_factory=list)  # programs that may follow
    program: Lowered | None = None  # of a small problem, once it is being solved
    part: Part = field(init=False)
    met: int = field(init=False)  # GPUs of obligations that every such plan meets
    found: Found = field(init=False)

    def __post_init__(self) -> None:
        self.part = presolve(self.compiled, met_all=self.met_all).part
        self.met = owed_gpus(self.part.compiled)
        if not self.met_all:
            self.met -= score(self.compiled, self.best).unmet_firm_gpus

    def begin(self) -> None:
        """Take the first steps: volume and columns, with prices."""
        self.found = self._decompose()
        self._learn_columns()
        if not self.known:
            self._volume()
        self.ahead = ["program"] if _is_small(self.part) else ["mixed", "columns"]  # last first

    def next(self, limit_s: float) -> Task | None:
        """Return a program that may prove more, to be solved by a worker; None: there is none."""
        while self.ahead and limit_s > 0 and not self.stopped():
            task = self._task(self.ahead.pop(), limit_s)
            if task is not None:
                return task
        return None

    def _task(self, what: str, limit_s: float) -> Task | None:
        if what == "columns":
            is_fine = self.found.outline.lowered.classes.count > LEAST_CLASSES
            share = FINE_DEEPEN_SHARE if is_fine else DEEPEN_SHARE
            return deepening(self.found.columns, limit_s * share)
        if what == "mixed":
            mixed = self._mixed(limit_s * MIXED_SHARE)
            return None if mixed is None else Task(solve_mixed, mixed)
        return Task(solve_mixed, self._program(limit_s * PROGRAM_SHARE))

    def take(self, result: object) -> Answer | None:
        """Learn from the program that was solved; return what it would place where, if it says."""
        if isinstance(result, Deepened):
            learn(self.found.columns, result)
            self.found = replace(self.found)  # with other prices
            self._learn_columns()
        if not isinstance(result, MixedOutcome):
            return None
        if result.bound is not None:
            is_program = self.program is not None
            self._learn(
                "program" if is_program else "mixed",
                result.bound if is_program else -(-result.bound // FINER),
            )
        if self.program is None or result.x is None:
            return None
        return self._answer(self.program, np.rint(result.x).astype(np.int64))

    def bounded(self) -> Bounded:
        """Return what is proven by now."""
        found = self.found
        by, mills = min(self.known.items(), key=lambda item: item[1])
        if found.columns.best is None:
            return Bounded(Proof(mills, by), self.profit, self.known, self.compiled, None)
        prices = prices_of(found.outline, found.prices)
        account = Account(
            self.part, found.outline, found.columns.blocks, found.names, found.columns.best, mills
        )
        return Bounded(Proof(mills, by, prices), self.profit, self.known, self.compiled, account)

    def guides(self, count: int) -> list[Guide]:
        """Return what the decomposition would place, in several ways."""
        found = self.found
        return guides_of(
            found.outline, found.columns, self.part, self.compiled.num_jobs, count, self.seed
        )

    def _volume(self) -> None:
        """Bound by everything divisible; without prices if time is out."""
        found = volume(
            self.part.compiled, self.met, time_limit_s=self.left_s() / 2, stop=self._out_of_time
        )
        self._learn("volume", found.mills)
        if found.prices is not None:
            self._take_profit(found.outline, found.prices)

    def _decompose(self) -> Found:
        """Decompose over as many classes as the number of jobs allows.

        The prices to begin with are those of the linear relaxation: where it takes too long, over
        fewer classes.
        """
        part, compiled = self.part, self.part.compiled
        block_of_job, names = blocks_of_jobs(compiled)
        share = PROGRAM_COLUMNS_SHARE if _is_small(part) else COLUMNS_SHARE
        deadline = time.monotonic() + self.left_s() * share
        affordable = COLUMN_PLACEMENTS // max(1, compiled.num_jobs)
        most = min(max(affordable, LEAST_CLASSES), MOST_CLASSES)
        while True:
            whole = in_blocks(block_of_job) | large_jobs(compiled)
            outline = Outline.of(compiled, whole, most, self.met, feeds=_is_small(part))
            limit_s = (deadline - time.monotonic()) * RELAX_SHARE
            if most <= LEAST_CLASSES:  # without prices to begin with, nothing is decomposed
                limit_s = max(limit_s, self.left_s() * RELAX_SHARE)
            relaxed = solve_relaxed(outline.arrays, time_limit_s=limit_s, stop=self._out_of_time)
            if relaxed is not None or most <= LEAST_CLASSES or self._out_of_time():
                break
            most = max(most // 2, LEAST_CLASSES)
        columns = Decomposition(
            outline.cut(block_of_job),
            outline.lowered.arrays.constant,
            self.engine,
            deadline,
            self.stopped,
            self.seed,
            SMALL_EFFORT if _is_small(part) else EFFORT,
            latest=self.began + self.time_limit_s,
        )
        columns.master.add_point(outline.point(part.to_part(self.best)))
        if relaxed is not None:
            self._learn("volume", box_bound(outline, relaxed.prices))
            columns.run(*first_prices(outline, columns, relaxed.prices, self._out_of_time))
        found = Found(outline, columns, names)
        if columns.bound is None and relaxed is not None:
            self._take_profit(outline, relaxed.prices)
        return found

    def _learn_columns(self) -> None:
        found = self.found
        if found.columns.bound is not None:
            self._learn("columns", found.columns.bound // FINER)
            self._take_profit(found.outline, found.prices / PRICE_SCALE)

    def _mixed(self, limit_s: float) -> Mixed | None:
        """Return the decomposition's program with large jobs and kept domains whole."""
        outline = self.found.outline
        whole = whole_columns(outline)
        if not whole.any() or len(whole) > MIXED_COLUMNS:
            return None
        arrays = with_answers(outline.arrays, self.found.columns)
        return Mixed(arrays, whole, limit_s, self.seed, MIXED_GAP)

    def _program(self, limit_s: float) -> Mixed:
        """Return the program of whole jobs over classes, for small problems."""
        classes = choose_classes(self.part.compiled, PROGRAM_CLASSES, feeds=True)
        self.program = lower(self.part.compiled, classes, by_kind=True)
        arrays = with_obligations(self.program, self.met)
        whole = np.ones(arrays.num_columns, bool)
        start = self.program.point(self.part.to_part(self.best))
        return Mixed(arrays, whole, limit_s, self.seed, start=start)

    def _answer(self, program: Lowered, x: Ints) -> Answer:
        """Return a solution of the program, for all jobs of the problem."""
        fixed = presolve(self.compiled, met_all=self.met_all).fixed
        units = np.zeros((self.compiled.num_jobs, program.classes.count), np.int64)
        units[self.part.jobs] = program.units(x)
        units[fixed.job, program.classes.of_rack[fixed.rack]] = fixed.units
        return Answer(program.classes, units)

    def _take_profit(self, outline: Outline, prices: NDArray[np.float64]) -> None:
        exact = np.rint(prices * PRICE_SCALE).astype(np.int64)
        self.profit = profit_of_jobs(outline, self.part, self.compiled.num_jobs, exact)

    def _learn(self, by: str, mills: int) -> None:
        self.known[by] = min(mills, self.known.get(by, mills))

    def left_s(self) -> float:
        """Return the seconds that are left of the time limit."""
        return self.time_limit_s - (time.monotonic() - self.began)

    def _out_of_time(self) -> bool:
        return self.stopped() or self.left_s() <= 0


def _is_small(part: Part) -> bool:
    return part.compiled.num_jobs * PROGRAM_CLASSES <= PROGRAM_PLACEMENTS
