"""The integer program over classes of racks: solved in slices, each solution followed exactly."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from kernels.forms import Ints
from scheduler.planner.classes import Classes, alike_racks, single_racks
from scheduler.planner.construct import Builder
from scheduler.planner.course import Course
from scheduler.planner.follow import follow
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.program import Arrays
from scheduler.planner.solvers import Outcome, solve_integer, solve_large, solve_relaxed

RELAX_SHARE = 0.35  # of the time limit, at most, for the relaxation
FIRST_SLICE = 0.2  # of the time left, for SCIP
SLICES = (0.3, 0.4, 0.5, 1.0)  # of the time left each time, for CP-SAT on a class program
CLASS_GAP = 2e-4  # relative gap at which a class program counts as solved
GOOD_GAP = 2e-3  # relative gap at which a plan is not refined rack by rack
REFINE_PLACEMENTS = 20_000  # (job, rack) pairs up to which that is worth a try


@dataclass
class ClassProgram:
    """A program over `classes`; with every rack a class of its own it is exact."""

    course: Course
    classes: Classes
    seed: int
    workers: int
    builder: Builder = field(init=False)
    order: Ints = field(init=False)
    lowered: Lowered = field(init=False)

    def __post_init__(self) -> None:
        compiled = self.course.compiled
        blocks = self.classes
        if blocks.is_exact:
            blocks = alike_racks(compiled, max(16, compiled.num_racks // 3))
        self.builder = Builder(compiled, blocks)
        self.order = self.builder.orders(np.random.default_rng(self.seed))[0]
        self.lowered = lower(compiled, self.classes)

    def relax(self) -> None:
        """Bound by the linear relaxation, and follow its rounded solution."""
        course = self.course
        relaxed = solve_relaxed(
            self._with_obligations(),
            time_limit_s=course.left_s() * RELAX_SHARE,
            stop=course.tick,
        )
        if relaxed is not None:
            course.tighten(relaxed.bound, "volume")
            self._follow(np.floor(relaxed.x + 1e-6).astype(np.int64))

    def meet_obligations(self) -> None:
        """If any firm obligation is unmet: meet as many as can be, and prove how many."""
        course = self.course
        if course.best.score.unmet_firm_gpus == 0 or course.out_of_time():
            return
        arrays = self.lowered.arrays.with_gain(self.lowered.firm)
        start = self.lowered.point(course.best.shards)
        outcome = self._solve(arrays, start, course.left_s() / 2)
        if outcome.bound is not None:
            least = max(0, course.owed_gpus() - outcome.bound)
            course.best = replace(course.best, least_unmet_gpus=least)

    def improve(self) -> None:
        """Solve for the margin: an exact program at once, a class program in slices.

        SCIP begins, because it finds plans sooner. CP-SAT then starts anew a few times, from the
        same plan and from the best solution in turn: where one start gets stuck another does not.
        """
        course = self.course
        if course.out_of_time() or course.best.is_optimal:
            return
        arrays = self._with_obligations()
        start = best = self.lowered.point(course.best.shards)
        if self.classes.is_exact:
            self._solve(arrays, start, course.left_s(), bounds=[])
            return
        outcome = self._begin(arrays, start, course.left_s() * FIRST_SLICE)
        for turn, share in enumerate(SLICES):
            best = _better(arrays, best, outcome.x)
            if outcome.optimal or course.out_of_time():
                return
            begin = best if turn % 2 else start
            limit_s = course.left_s() * share
            outcome = self._solve(arrays, begin, limit_s, bounds=[], turn=turn)

    def refined(self) -> ClassProgram | None:
        """Return the exact program where classes leave a gap and the site is not too large."""
        course, compiled = self.course, self.course.compiled
        bound, margin = course.best.bound_mills, course.best.score.margin_mills
        too_large = compiled.num_jobs * compiled.num_racks > REFINE_PLACEMENTS
        if self.classes.is_exact or bound is None or too_large or course.out_of_time():
            return None
        if bound - margin <= GOOD_GAP * abs(bound):
            return None
        return ClassProgram(course, single_racks(compiled), self.seed, self.workers)

    def _begin(self, arrays: Arrays, start: Ints, limit_s: float) -> Outcome:
        """Solve a class program with SCIP and follow its solution."""
        outcome = solve_large(
            arrays,
            start=start,
            time_limit_s=limit_s,
            seed=self.seed,
            stop=self.course.tick,
            gap=CLASS_GAP,
        )
        if outcome.bound is not None:
            self.course.tighten(outcome.bound, "program")
        if outcome.x is not None:
            self._follow(outcome.x)
        return outcome

    def _solve(
        self,
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
        by = "exact" if self.classes.is_exact else "program"

        def stop() -> bool:
            if pending:
                newest = pending[-1]
                pending.clear()
                self._follow(newest)
            if bounds:
                self.course.tighten(bounds.pop(), by)
                bounds.clear()
            return self.course.tick()

        outcome = solve_integer(
            arrays,
            start=start,
            time_limit_s=limit_s,
            workers=self.workers,
            seed=self.seed + turn,
            stop=stop,
            on_solution=pending.append,
            on_bound=None if bounds is None else bounds.append,
            gap=0.0 if self.classes.is_exact else CLASS_GAP,
            repeatable=self.classes.is_exact,
        )
        if bounds is not None and outcome.bound is not None:
            self.course.tighten(outcome.bound, by)
        if outcome.x is not None:
            self._follow(outcome.x)
        return outcome

    def _with_obligations(self) -> Arrays:
        """Return the program in which at least as many obligations are met as in the best plan."""
        lowered, course = self.lowered, self.course
        met = course.owed_gpus() - course.best.score.unmet_firm_gpus
        if met <= 0:
            return lowered.arrays
        columns = np.flatnonzero(lowered.firm)
        return lowered.arrays.with_row(columns, lowered.firm[columns], met)

    def _follow(self, x: Ints) -> None:
        course, began = self.course, time.monotonic()
        units = self.lowered.units(x)
        for shards in follow(self.builder, self.classes, units, self.order, course.stopped):
            course.offer(shards)
        course.reserve_s = max(course.reserve_s, time.monotonic() - began)


def _better(arrays: Arrays, best: Ints, new: Ints | None) -> Ints:
    """Return the solution with the larger objective."""
    if new is None or arrays.objective(new) <= arrays.objective(best):
        return best
    return new
