"""From a problem and its best plan to a proven bound, in three steps, each tighter.

Volume: all work that can be is divisible. Columns: groups that keep domains to themselves are
planned whole. Program: small problems are solved over classes of racks as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Bools, Compiled, Ints, Shards
from kernels.reference import score
from scheduler.planner.bound.account import Account
from scheduler.planner.bound.columns import Decomposition, Lagrangian
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.guide import Guide, make_guide
from scheduler.planner.bound.outline import Outline, in_blocks, owed_gpus, with_obligations
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.prices import prices_of
from scheduler.planner.bound.resolution import choose_classes
from scheduler.planner.engine import Engine, Task
from scheduler.planner.lots import FINER
from scheduler.planner.lowering import lower
from scheduler.planner.restrict import Part
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.highs import Mixed, MixedOutcome, solve_mixed
from scheduler.planner.solvers.weak_duality import PRICE_SCALE, most_in_box, weigh, whole
from scheduler.planner.worth import GapPart, Proof

VOLUME_CLASSES = 8  # finer ones hardly change the volume's bound
COLUMN_PLACEMENTS = 150_000  # (lot, class) pairs of the decomposition
MOST_CLASSES, LEAST_CLASSES = 100, 12
PROGRAM_PLACEMENTS = 2_500  # (job, class) pairs up to which the program is solved
PROGRAM_CLASSES = 16
COLUMNS_SHARE = 0.35  # of the time, where a program follows
GUIDE_SHARE = 0.1  # of the time, for whole columns


@dataclass(frozen=True, eq=False)
class Bounded:
    """A proven bound, and what it teaches."""

    proof: Proof
    guide: Guide | None
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
    """Bound the margin of every plan that meets as many firm obligations as `best`.

    Parameters
    ----------
    best
        The best plan so far; a start for the groups' columns.
    met_all
        Whether `best` meets all firm obligations.
    engine
        Where groups and programs are solved; its context is not used.
    """
    return _Run(compiled, best, met_all, engine, time_limit_s, seed, stopped).run()


@dataclass(eq=False)
class _Run:
    compiled: Compiled
    best: Shards
    met_all: bool
    engine: Engine
    time_limit_s: float
    seed: int
    stopped: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)
    known: dict[str, int] = field(default_factory=dict)  # bound in mills by how it was proven

    def run(self) -> Bounded:
        part = presolve(self.compiled, met_all=self.met_all).part
        met = owed_gpus(part.compiled)
        if not self.met_all:
            met -= score(self.compiled, self.best).unmet_firm_gpus
        self._volume(part, met)
        block_of_job, names = blocks_of_jobs(part.compiled)
        outline = self._outline(part, in_blocks(block_of_job), met)
        columns = self._columns(part, outline, block_of_job)
        self._program(part, met)
        by, mills = min(self.known.items(), key=lambda item: item[1])
        if columns.best is None:
            return Bounded(Proof(mills, by), None, self.compiled, None)
        prices = _of_outline(outline, columns)
        account = Account(part, outline, columns.blocks, names, columns.best, mills)
        guide = self._guide(part, outline, columns, prices)
        proof = Proof(mills, by, prices_of(outline, prices))
        return Bounded(proof, guide, self.compiled, account)

    def _volume(self, part: Part, met: int) -> None:
        """Bound by everything divisible; without any prices if time is out already."""
        outline = Outline.of(
            part.compiled, np.zeros(part.compiled.num_jobs, bool), VOLUME_CLASSES, met
        )
        relaxed = solve_relaxed(
            outline.arrays, time_limit_s=self._left_s() / 2, stop=self._out_of_time
        )
        prices = np.zeros(outline.arrays.num_rows) if relaxed is None else relaxed.prices
        self._learn("volume", _box_bound(outline, prices))

    def _outline(self, part: Part, whole_jobs: Bools, met: int) -> Outline:
        jobs = min(part.compiled.num_jobs, COLUMN_PLACEMENTS)
        most = int(np.clip(COLUMN_PLACEMENTS // max(1, jobs), LEAST_CLASSES, MOST_CLASSES))
        return Outline.of(part.compiled, whole_jobs, most, met)

    def _columns(self, part: Part, outline: Outline, block_of_job: Ints) -> Decomposition:
        """Bound by the decomposition, from the prices of the linear relaxation on."""
        ends = self._left_s() * (COLUMNS_SHARE if _is_small(part) else 1 - 2 * GUIDE_SHARE)
        columns = Decomposition(
            outline.cut(block_of_job),
            outline.lowered.arrays.constant,
            self.engine,
            time.monotonic() + ends,
            self.stopped,
            self.seed,
        )
        columns.master.add_point(outline.point(part.to_part(self.best)))
        relaxed = solve_relaxed(outline.arrays, time_limit_s=ends / 2, stop=self._out_of_time)
        if relaxed is not None and not self._out_of_time():
            columns.run(relaxed.prices[columns.blocks.rest_rows])
        if columns.bound is not None:
            self._learn("columns", columns.bound // FINER)
        return columns

    def _program(self, part: Part, met: int) -> None:
        """Bound small problems by the program of whole jobs over classes."""
        if not _is_small(part) or self._out_of_time():
            return
        lowered = lower(part.compiled, choose_classes(part.compiled, PROGRAM_CLASSES))
        arrays = with_obligations(lowered, met)
        limit_s = self._left_s() * (1 - GUIDE_SHARE)
        outcome = self._mixed(Mixed(arrays, np.ones(arrays.num_columns, bool), limit_s, self.seed))
        if outcome is not None and outcome.bound is not None:
            self._learn("program", outcome.bound)

    def _guide(self, part: Part, outline: Outline, columns: Decomposition, prices: Ints) -> Guide:
        """Choose one column a group, the rest as it fits best."""
        master = columns.master
        limit_s = min(self._left_s(), self.time_limit_s * GUIDE_SHARE)
        chosen = self._mixed(Mixed(master.arrays(), master.is_share, limit_s, self.seed))
        if chosen is None or chosen.x is None:
            x = np.zeros(outline.arrays.num_columns)
        else:
            x = master.whole(chosen.x)
        return make_guide(outline, part, self.compiled.num_jobs, x, prices)

    def _mixed(self, mixed: Mixed) -> MixedOutcome | None:
        if mixed.time_limit_s <= 0:
            return None
        deadline = time.monotonic() + 1.5 * mixed.time_limit_s + 1.0
        task = Task(solve_mixed, mixed)
        (result,) = self.engine.run([task], deadline=deadline, stopped=self.stopped)
        return result if isinstance(result, MixedOutcome) else None

    def _learn(self, by: str, mills: int) -> None:
        self.known[by] = min(mills, self.known.get(by, mills))

    def _left_s(self) -> float:
        return self.time_limit_s - (time.monotonic() - self.began)

    def _out_of_time(self) -> bool:
        return self.stopped() or self._left_s() <= 0


def _is_small(part: Part) -> bool:
    return part.compiled.num_jobs * PROGRAM_CLASSES <= PROGRAM_PLACEMENTS


def _box_bound(outline: Outline, prices: NDArray[np.float64]) -> int:
    """Return the bound in mills that the prices of the outline's rows prove."""
    arrays = outline.arrays
    weighed = weigh(arrays, prices)
    boxes = int(most_in_box(weighed.reduced, arrays.low, arrays.high).sum())
    return (whole(weighed.sides + boxes) + arrays.constant) // FINER


def _of_outline(outline: Outline, columns: Decomposition) -> Ints:
    """Return the best prices for the rows of the whole outline, in 1/PRICE_SCALE."""
    assert isinstance(columns.best, Lagrangian)
    prices = np.zeros(outline.arrays.num_rows, np.int64)
    rounded = np.rint(columns.best.prices * PRICE_SCALE)
    prices[columns.blocks.rest_rows] = rounded.astype(np.int64)
    return prices
