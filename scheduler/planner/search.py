"""The search: construct, bound, solve, follow. Anytime: the best plan is always at hand.

Small problems are solved as one exact program, to a proof. Larger ones are solved over classes
of racks that are alike; each solution is followed rack by rack on an exact state, and the best
value of the program bounds every plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from kernels.forms import Compiled, Ints, Shards
from kernels.score import Score
from scheduler.planner.classes import Classes, alike_racks, single_racks
from scheduler.planner.construct import Builder
from scheduler.planner.follow import follow
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.program import Arrays
from scheduler.planner.solvers import Outcome, solve_integer, solve_relaxed, with_gain, with_row

EXACT_PLACEMENTS = 4_000  # (job, rack) pairs up to which every rack is a class of its own
EXACT_RACKS = 48
RACKS_PER_CLASS = 3  # at least, on average: fewer would hardly be smaller than exact
CLASS_PLACEMENTS = 60_000  # (job, class) pairs that the class program may have
T = TypeVar("T")
RELAX_SHARE = 0.35  # of the time limit, at most, for the relaxation


@dataclass(frozen=True)
class Best:
    """The best plan so far and what is proven about any plan."""

    shards: Shards
    score: Score
    bound_mills: int | None = None  # no plan that meets as many obligations has a larger margin
    least_unmet_gpus: int = 0  # no plan leaves fewer firm GPUs unmet

    @property
    def is_optimal(self) -> bool:
        """Whether nothing can be better."""
        return (
            self.score.violation == 0
            and self.bound_mills is not None
            and self.score.margin_mills >= self.bound_mills
            and self.is_firm_optimal
        )

    @property
    def is_firm_optimal(self) -> bool:
        """Whether no plan can meet more of the firm obligations."""
        return self.score.unmet_firm_gpus <= self.least_unmet_gpus


@dataclass
class Search:
    """One run. `report` hears of every phase and of every better plan."""

    compiled: Compiled
    score: Callable[[Shards], Score]
    seed: int
    time_limit_s: float
    workers: int
    stopped: Callable[[], bool]
    report: Callable[[str, Best], None]
    began: float = field(default_factory=time.monotonic)
    best: Best | None = None
    phases_s: dict[str, float] = field(default_factory=dict)

    def run(self) -> Best:
        """Search until a proof, the time limit or a stop; always returns a plan."""
        rng = np.random.default_rng(self.seed)
        classes = self._classes()
        builder = Builder(self.compiled, alike_racks(self.compiled, self.compiled.num_racks))
        self._timed("construct", lambda: self._construct(builder, rng))
        lowered = self._timed("lower", lambda: lower(self.compiled, classes))
        self._timed("bound", lambda: self._relax(lowered, builder))
        self._timed("improve", lambda: self._solve(lowered, builder))
        assert self.best is not None
        return self.best

    # ---- phases

    def _construct(self, builder: Builder, rng: np.random.Generator) -> None:
        for order in builder.orders(rng):
            state = builder.build(order, self._out_of_time)
            self._offer("construct", state.shards())
            if self._out_of_time():
                break

    def _relax(self, lowered: Lowered, builder: Builder) -> None:
        """Bound by the linear relaxation, and follow its rounded solution."""
        if self._out_of_time():
            return
        limit = self._left() * RELAX_SHARE
        arrays = self._with_obligations(lowered)
        relaxed = solve_relaxed(arrays, time_limit_s=limit, stop=self._out_of_time)
        if relaxed is None:
            return
        self._tighten("bound", relaxed.bound)
        units = lowered.units(np.floor(relaxed.x + 1e-6).astype(np.int64))
        order = builder.orders(np.random.default_rng(self.seed))[0]
        for shards in follow(builder, lowered.classes, units, order, self._out_of_time):
            self._offer("bound", shards)

    def _solve(self, lowered: Lowered, builder: Builder) -> None:
        """Solve the program: obligations first if any is unmet, then the margin."""
        best = self._require()
        if best.score.unmet_firm_gpus and not self._out_of_time():
            self._solve_firm(lowered, builder)
        if self._out_of_time() or self._require().is_optimal:
            return
        outcome = self._integer(lowered, self._with_obligations(lowered), builder, self._left())
        if outcome.bound is not None:
            self._tighten("improve", outcome.bound)

    def _solve_firm(self, lowered: Lowered, builder: Builder) -> None:
        arrays = with_gain(lowered.arrays, lowered.firm)
        outcome = self._integer(lowered, arrays, builder, self._left() / 2)
        if outcome.bound is not None:
            least = max(0, self._owed() - outcome.bound)
            self.best = replace(self._require(), least_unmet_gpus=least)

    def _integer(
        self, lowered: Lowered, arrays: Arrays, builder: Builder, limit_s: float
    ) -> Outcome:
        order = builder.orders(np.random.default_rng(self.seed))[0]
        pending: list[Ints] = []

        def stop() -> bool:
            while pending:
                units = lowered.units(pending.pop())
                pending.clear()
                for shards in follow(builder, lowered.classes, units, order, self._out_of_time):
                    self._offer("improve", shards)
            return self._out_of_time()

        outcome = solve_integer(
            arrays,
            start=lowered.point(self._require().shards),
            time_limit_s=limit_s,
            workers=self.workers,
            seed=self.seed,
            stop=stop,
            on_solution=pending.append,
        )
        if outcome.x is not None:
            units = lowered.units(outcome.x)
            for shards in follow(builder, lowered.classes, units, order, lambda: False):
                self._offer("improve", shards)
        return outcome

    # ---- parts

    def _classes(self) -> Classes:
        num_jobs, num_racks = self.compiled.num_jobs, self.compiled.num_racks
        if num_racks <= EXACT_RACKS and num_jobs * num_racks <= EXACT_PLACEMENTS:
            return single_racks(self.compiled)
        most = min(num_racks // RACKS_PER_CLASS, CLASS_PLACEMENTS // max(1, num_jobs))
        return alike_racks(self.compiled, max(16, most))

    def _with_obligations(self, lowered: Lowered) -> Arrays:
        """Return the program in which at least as many obligations are met as in the best plan."""
        met = self._owed() - self._require().score.unmet_firm_gpus
        if met <= 0:
            return lowered.arrays
        columns = np.flatnonzero(lowered.firm)
        return with_row(lowered.arrays, columns, lowered.firm[columns], met)

    def _owed(self) -> int:
        """GPUs of all firm obligations."""
        per_job = np.zeros(self.compiled.num_jobs, np.int64)
        for form in self.compiled.forms:
            if hasattr(form, "firm_gpus"):
                per_job += form.firm_gpus
        return int(per_job @ self.compiled.units.counted_most)

    def _offer(self, phase: str, shards: Shards) -> None:
        """Keep `shards` if they are better than the best."""
        new = self.score(shards)
        if self.best is None or new < self.best.score:
            known = self.best or Best(shards, new)
            self.best = replace(known, shards=shards, score=new)
        self.report(phase, self._require())

    def _tighten(self, phase: str, bound_mills: int) -> None:
        best = self._require()
        known = bound_mills if best.bound_mills is None else min(bound_mills, best.bound_mills)
        self.best = replace(best, bound_mills=known)
        self.report(phase, self.best)

    def _require(self) -> Best:
        assert self.best is not None, "construction always yields a plan"
        return self.best

    def _timed(self, phase: str, run: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return run()
        finally:
            self.phases_s[phase] = self.phases_s.get(phase, 0.0) + time.monotonic() - began

    def _left(self) -> float:
        return self.time_limit_s - (time.monotonic() - self.began)

    def _out_of_time(self) -> bool:
        return self.stopped() or self._left() <= 0
