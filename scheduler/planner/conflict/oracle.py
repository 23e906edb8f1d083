"""Asks the solver whether all firm obligations can be met under some of the limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kernels.forms import Compiled, Ints
from scheduler.planner.classes import Classes
from scheduler.planner.conflict.firm import owed_gpus
from scheduler.planner.conflict.keep import keep
from scheduler.planner.conflict.limits import Limit
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.lowering.draft import Draft
from scheduler.planner.solvers import Outcome, solve_integer


@dataclass
class Oracle:
    """Questions about the firm jobs over one partition of the racks.

    Over classes of several racks the program is a relaxation: that it has no solution proves that
    the obligations cannot be met; that it has one proves nothing of the racks themselves.
    """

    compiled: Compiled  # firm jobs alone
    classes: Classes
    places: Sequence[str]
    deadline: float  # on the monotonic clock
    patience_s: float  # for one question
    workers: int
    seed: int
    answers: dict[frozenset[Limit], bool] = field(default_factory=dict)
    lowering_s: float = 0.0  # longest time that lowering took: kept in reserve

    def out_of_time(self) -> bool:
        """Whether nothing more is asked."""
        return time.monotonic() + self.lowering_s >= self.deadline

    def impossible(self, limits: Iterable[Limit]) -> bool | None:
        """Whether `limits` alone rule out that all is met; None if that was not found out."""
        asked = frozenset(limits)
        if asked not in self.answers:
            answer = self.is_impossible(keep(self.compiled, asked, self.places))
            if answer is None:
                return None
            self.answers[asked] = answer
        return self.answers[asked]

    def is_impossible(self, variant: Compiled) -> bool | None:
        """Return the same of a problem that has been made from these limits."""
        if self.out_of_time():
            return None
        lowered = self.lowered(variant)
        outcome = self.solve(lowered, np.zeros(lowered.arrays.num_columns, np.int64))
        if outcome.infeasible:
            return True
        return None if outcome.x is None else False

    def lowered(self, variant: Compiled, also: Callable[[Draft], None] | None = None) -> Lowered:
        """Lower a problem that has been made from these limits, and note how long it takes."""
        began = time.monotonic()
        lowered = lower(variant, self.classes, also)
        self.lowering_s = max(self.lowering_s, time.monotonic() - began)
        return lowered

    def solve(self, lowered: Lowered, gain: Ints, *, all_met: bool = True) -> Outcome:
        """Maximise `gain` over plans that meet all obligations, or over all plans."""
        arrays = lowered.arrays.with_gain(gain)
        if all_met:
            columns, owed = np.flatnonzero(lowered.firm), owed_gpus(self.compiled)
            if lowered.firm @ arrays.high < owed:
                return Outcome(None, None, None, optimal=False, infeasible=True)
            arrays = arrays.with_row(columns, lowered.firm[columns], owed)
        return solve_integer(
            arrays,
            start=None,
            time_limit_s=min(self.patience_s, self.deadline - time.monotonic()),
            workers=self.workers,
            seed=self.seed,
            stop=self.out_of_time,
        )

    def least_unmet_gpus(self, limits: Iterable[Limit]) -> int:
        """GPUs of firm obligation that no plan meets, as far as it is proven in time."""
        if self.out_of_time():
            return 0
        lowered = self.lowered(keep(self.compiled, limits, self.places))
        outcome = self.solve(lowered, lowered.firm, all_met=False)
        owed = owed_gpus(self.compiled)
        return 0 if outcome.bound is None else max(0, owed - outcome.bound)
