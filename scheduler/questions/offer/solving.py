"""Solves of a question: one seed, one number of workers, watches that end them early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.model import Plan, Problem
from scheduler.questions.offer.budget import Budget
from scheduler.solve import Progress, Solution, solve


@dataclass(frozen=True)
class Solver:
    """How the solves of one question are run."""

    budget: Budget
    seed: int = 0
    workers: int = 2

    def solve(
        self,
        problem: Problem,
        time_limit_s: float,
        *,
        start: Plan | None = None,
        known_bound_mills: int | None = None,
        known_bound_by: str = "",
        is_enough: Callable[[Progress], bool] | None = None,
    ) -> Solution:
        """Plan `problem`; the search ends once `is_enough` says so of its progress."""
        return solve(
            problem,
            seed=self.seed,
            time_limit_s=time_limit_s,
            workers=self.workers,
            watch=_Watch(self.budget.stopped, is_enough),
            start=start,
            known_bound_mills=known_bound_mills,
            known_bound_by=known_bound_by,
        )


class _Watch:
    """Ends a search when the question is stopped or its answer is good enough."""

    def __init__(
        self, stopped: Callable[[], bool], is_enough: Callable[[Progress], bool] | None
    ) -> None:
        self._stopped, self._is_enough = stopped, is_enough
        self._done = False

    def progress(self, progress: Progress) -> None:
        """Look whether that is enough."""
        if self._is_enough is not None:
            self._done = self._done or self._is_enough(progress)

    def incumbent(self, solution: Solution) -> None:
        """Nothing is kept on the way."""

    def stopped(self) -> bool:
        """Whether the search should end."""
        return self._done or self._stopped()

    def reserve_s(self) -> float:
        """Nothing comes after the search."""
        return 0.0


def all_met(progress: Progress) -> bool:
    """Whether a plan meets every firm obligation: enough where nothing else is asked."""
    return progress.violation == 0 and progress.unmet_firm_gpus == 0
