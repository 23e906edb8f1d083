"""The search: construct, bound, solve, follow. Anytime: the best plan is always at hand.

Small problems are solved as one exact program, to a proof. Larger ones are solved over classes
of racks that are alike; each solution is followed rack by rack on an exact state, and the best
value of the program bounds every plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from kernels.forms import AssignmentCost, Compiled, Ints, Shards
from kernels.score import Score
from scheduler.planner.classes import Classes, alike_racks, single_racks
from scheduler.planner.construct import Builder
from scheduler.planner.engine import Name as EngineName
from scheduler.planner.follow import follow
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.program import Arrays
from scheduler.planner.solvers import Outcome, solve_integer, solve_large, solve_relaxed
from scheduler.planner.worth import GapPart, Price

EXACT_PLACEMENTS = 4_000  # (job, rack) pairs up to which every rack is a class of its own
EXACT_RACKS = 48
RACKS_PER_CLASS = 3  # at least, on average: fewer would hardly be smaller than exact
CLASS_PLACEMENTS = 60_000  # (job, class) pairs that the class program may have
RELAX_SHARE = 0.35  # of the time limit, at most, for the relaxation
FIRST_SLICE = 0.2  # of the time left, for SCIP
SLICES = (0.3, 0.4, 0.5, 1.0)  # of the time left each time, for CP-SAT on a class program
CLASS_GAP = 2e-4  # relative gap at which a class program counts as solved
GOOD_GAP = 2e-3  # relative gap at which a plan is not refined rack by rack
REFINE_PLACEMENTS = 20_000  # (job, rack) pairs up to which that is worth a try
TICK_S = 0.5  # between two reports of a running solver


@dataclass(frozen=True)
class Best:
    """The best plan so far and what is proven about any plan."""

    shards: Shards
    score: Score
    bound_mills: int | None = None  # no plan that meets as many obligations has a larger margin
    least_unmet_gpus: int = 0  # no plan leaves fewer firm GPUs unmet
    bound_by: str = ""  # volume, columns, program or exact; see `Proof`
    prices: tuple[Price, ...] = ()  # what limits are worth, from the bound
    gap_parts: tuple[GapPart, ...] = ()  # where bound and margin differ

    @property
    def is_optimal(self) -> bool:
        """Whether nothing can be better."""
        return (
            self.score.violation == 0
            and self.bound_mills is not None
            and self.score.margin_mills >= self.bound_mills
            and self.score.unmet_firm_gpus <= self.least_unmet_gpus
        )


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
    start: Shards | None = None  # an earlier plan that breaks no limit
    known_bound_mills: int | None = None  # proven earlier, for plans that meet as much as `start`
    known_bound_by: str = ""
    engine: EngineName = "auto"
    memory_limit_mib: int | None = None  # of each worker
    began: float = field(default_factory=time.monotonic)
    phases_s: dict[str, float] = field(default_factory=dict)
    phase: str = ""
    reported: float = 0.0  # when `report` was last called
    follow_s: float = 0.0  # longest time that following a solution took: kept in reserve
    builder: Builder = field(init=False)
    orders: list[Ints] = field(init=False)
    best: Best = field(init=False)

    def __post_init__(self) -> None:
        self.builder = Builder(self.compiled, alike_racks(self.compiled, self._most_classes()))
        self.orders = self.builder.orders(np.random.default_rng(self.seed))
        self.best = Best(_nothing(), self.score(_nothing()))

    def run(self) -> Best:
        """Search until a proof, the time limit or a stop; always returns a plan."""
        self._begin_from_start()
        classes = self._classes()
        with self._phase("construct"):
            self._construct()
        with self._phase("bound"):
            lowered = lower(self.compiled, classes)
            self._relax(lowered)
        with self._phase("improve"):
            self._meet_obligations(lowered)
            self._improve(lowered)
        if not classes.is_exact:
            with self._phase("refine"):
                self._refine()
        return self.best

    # ---- phases

    def _begin_from_start(self) -> None:
        """Begin with the plan and the bound of an earlier search, if there was one."""
        if self.start is not None:
            with self._phase("start"):
                self._offer(self.start)
        if self.known_bound_mills is not None:
            self.best = replace(self.best, bound_by=self.known_bound_by)
            self._tighten(self.known_bound_mills)

    def _construct(self) -> None:
        for order in self.orders:
            if self._out_of_time():
                break
            self._offer(self.builder.build(order, self._out_of_time).shards())

    def _relax(self, lowered: Lowered) -> None:
        """Bound by the linear relaxation, and follow its rounded solution."""
        limit_s = self._left_s() * RELAX_SHARE
        arrays = self._with_obligations(lowered)
        relaxed = solve_relaxed(arrays, time_limit_s=limit_s, stop=self._tick)
        if relaxed is not None:
            self._tighten(relaxed.bound)
            self._follow(lowered, np.floor(relaxed.x + 1e-6).astype(np.int64))

    def _meet_obligations(self, lowered: Lowered) -> None:
        """If any firm obligation is unmet: meet as many as can be, and prove how many."""
        if self.best.score.unmet_firm_gpus == 0 or self._out_of_time():
            return
        arrays = lowered.arrays.with_gain(lowered.firm)
        start = lowered.point(self.best.shards)
        outcome = self._solve(lowered, arrays, start, self._left_s() / 2)
        if outcome.bound is not None:
            least = max(0, self._owed() - outcome.bound)
            self.best = replace(self.best, least_unmet_gpus=least)

    def _improve(self, lowered: Lowered) -> None:
        """Solve for the margin: an exact program at once, a class program in slices.

        SCIP begins, because it finds plans sooner. CP-SAT then starts anew a few times, from the
        same plan and from the best solution in turn: where one start gets stuck another does not.
        """
        if self._out_of_time() or self.best.is_optimal:
            return
        arrays = self._with_obligations(lowered)
        start = best = lowered.point(self.best.shards)
        if lowered.classes.is_exact:
            self._solve(lowered, arrays, start, self._left_s(), bounds=[])
            return
        outcome = self._begin(lowered, arrays, start, self._left_s() * FIRST_SLICE)
        for turn, share in enumerate(SLICES):
            best = _better(arrays, best, outcome.x)
            if outcome.optimal or self._out_of_time():
                return
            begin = best if turn % 2 else start
            limit_s = self._left_s() * share
            outcome = self._solve(lowered, arrays, begin, limit_s, bounds=[], turn=turn)

    def _begin(self, lowered: Lowered, arrays: Arrays, start: Ints, limit_s: float) -> Outcome:
        """Solve a class program with SCIP and follow its solution."""
        outcome = solve_large(
            arrays,
            start=start,
            time_limit_s=limit_s,
            seed=self.seed,
            stop=self._tick,
            gap=CLASS_GAP,
        )
        if outcome.bound is not None:
            self._tighten(outcome.bound)
        if outcome.x is not None:
            self._follow(lowered, outcome.x)
        return outcome

    def _refine(self) -> None:
        """Where classes of racks leave a gap and time is left: solve rack by rack."""
        bound, margin = self.best.bound_mills, self.best.score.margin_mills
        too_large = self.compiled.num_jobs * self.compiled.num_racks > REFINE_PLACEMENTS
        if bound is None or too_large or bound - margin <= GOOD_GAP * abs(bound):
            return
        if not self._out_of_time():
            self._improve(lower(self.compiled, single_racks(self.compiled)))

    def _solve(
        self,
        lowered: Lowered,
        arrays: Arrays,
        start: Ints,
        limit_s: float,
        bounds: list[int] | None = None,
        turn: int = 0,
    ) -> Outcome:
        """Solve with CP-SAT and follow every better solution on the way.

        `bounds` is given where the objective is the margin: it collects bounds on the way.
        """
        pending: list[Ints] = []

        def stop() -> bool:
            if pending:
                newest = pending[-1]
                pending.clear()
                self._follow(lowered, newest)
            if bounds:
                self._tighten(bounds.pop())
                bounds.clear()
            return self._tick()

        outcome = solve_integer(
            arrays,
            start=start,
            time_limit_s=limit_s,
            workers=self.workers,
            seed=self.seed + turn,
            stop=stop,
            on_solution=pending.append,
            on_bound=None if bounds is None else bounds.append,
            gap=0.0 if lowered.classes.is_exact else CLASS_GAP,
            repeatable=lowered.classes.is_exact,
        )
        if bounds is not None and outcome.bound is not None:
            self._tighten(outcome.bound)
        if outcome.x is not None:
            self._follow(lowered, outcome.x)
        return outcome

    # ---- parts

    def _classes(self) -> Classes:
        num_jobs, num_racks = self.compiled.num_jobs, self.compiled.num_racks
        if num_racks <= EXACT_RACKS and num_jobs * num_racks <= EXACT_PLACEMENTS:
            return single_racks(self.compiled)
        return alike_racks(self.compiled, self._most_classes())

    def _most_classes(self) -> int:
        affordable = CLASS_PLACEMENTS // max(1, self.compiled.num_jobs)
        return max(16, min(self.compiled.num_racks // RACKS_PER_CLASS, affordable))

    def _with_obligations(self, lowered: Lowered) -> Arrays:
        """Return the program in which at least as many obligations are met as in the best plan."""
        met = self._owed() - self.best.score.unmet_firm_gpus
        if met <= 0:
            return lowered.arrays
        columns = np.flatnonzero(lowered.firm)
        return lowered.arrays.with_row(columns, lowered.firm[columns], met)

    def _owed(self) -> int:
        """GPUs of all firm obligations."""
        counted = self.compiled.units.counted_most
        costs = (form for form in self.compiled.forms if isinstance(form, AssignmentCost))
        return sum(int(form.firm_gpus @ counted) for form in costs)

    def _follow(self, lowered: Lowered, x: Ints) -> None:
        began, units = time.monotonic(), lowered.units(x)
        for shards in follow(self.builder, lowered.classes, units, self.orders[0], self.stopped):
            self._offer(shards)
        self.follow_s = max(self.follow_s, time.monotonic() - began)

    def _offer(self, shards: Shards) -> None:
        """Keep `shards` if they are better than the best."""
        score = self.score(shards)
        if score < self.best.score:
            self.best = replace(self.best, shards=shards, score=score)
        self._report()

    def _tighten(self, bound_mills: int) -> None:
        known = self.best.bound_mills
        bound_mills = bound_mills if known is None else min(bound_mills, known)
        self.best = replace(self.best, bound_mills=bound_mills)
        self._report()

    # ---- time

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.phase, began = name, time.monotonic()
        try:
            yield
        finally:
            self.phases_s[name] = time.monotonic() - began

    def _report(self) -> None:
        self.reported = time.monotonic()
        self.report(self.phase, self.best)

    def _tick(self) -> bool:
        """Report now and then while a solver runs; return whether it must end."""
        if time.monotonic() - self.reported > TICK_S:
            self._report()
        return self._out_of_time()

    def _left_s(self) -> float:
        return self.time_limit_s - self.follow_s - (time.monotonic() - self.began)

    def _out_of_time(self) -> bool:
        return self.stopped() or self._left_s() <= 0


def _nothing() -> Shards:
    """Return the empty plan."""
    return Shards.build(*np.zeros((3, 0), np.int64))


def _better(arrays: Arrays, best: Ints, new: Ints | None) -> Ints:
    """Return the solution with the larger objective."""
    if new is None or arrays.objective(new) <= arrays.objective(best):
        return best
    return new
