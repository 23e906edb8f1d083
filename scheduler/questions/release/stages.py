"""The solves behind an answer: near the running plan first, then freely, then for moves alone."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from scheduler.model import Plan, Problem
from scheduler.questions.release.changed import moves_alone
from scheduler.questions.release.running import pinned
from scheduler.solve import Progress, Solution, Watch, solve

MOVE_MILLS = 1_000  # of a GPU, where nothing but moves has a price
LEAST_S = 0.5


@dataclass
class Clock:
    """Shares a time limit among stages; what one leaves, the next may use."""

    time_limit_s: float
    began: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Seconds left."""
        return self.time_limit_s - (time.monotonic() - self.began)

    def share_s(self, share: float) -> float:
        """Return a share of what is left, at least a little."""
        return max(LEAST_S, share * self.left_s())


def proven_gpus(solution: Solution) -> int:
    """Return how many GPUs leave at least, by the bound of a search for fewest moves."""
    bound = solution.bound_mills
    return 0 if bound is None else max(0, -(bound // MOVE_MILLS))


@dataclass(frozen=True)
class Solver:
    """How every stage is solved."""

    seed: int = 0
    workers: int = 2
    watch: Watch | None = None
    clock: Clock = field(default_factory=lambda: Clock(60.0))  # of all stages

    def near(
        self, problem: Problem, start: Plan, free: Collection[str], limit_s: float
    ) -> Solution:
        """Return the best plan found in which all but the jobs in `free` stay or stop.

        Most of a good answer is the running plan, so this small question is worth asking first.
        """
        home = problem.current or start
        return self._solve("near the running plan", pinned(problem, home, free), start, limit_s)

    def freely(self, problem: Problem, start: Plan, limit_s: float) -> Solution:
        """Return the best plan found from `start`, with the bound that holds for every plan."""
        return self._solve("freely", problem, start, limit_s)

    def fewest_moves(self, problem: Problem, start: Plan, limit_s: float) -> Solution:
        """Return the plan that was found with the fewest GPUs leaving; its money is moves alone."""
        return self._solve("for fewest moves", moves_alone(problem, MOVE_MILLS), start, limit_s)

    def is_stopped(self) -> bool:
        """Whether whoever watches wants an end."""
        return self.watch is not None and self.watch.stopped()

    def _solve(self, stage: str, problem: Problem, start: Plan, limit_s: float) -> Solution:
        return solve(
            problem,
            seed=self.seed,
            time_limit_s=limit_s,
            workers=self.workers,
            watch=None if self.watch is None else _Quiet(self.watch, stage, self.clock),
            start=start,
            backend="cpu",
        )


@dataclass(frozen=True)
class _Quiet:
    """Hands on progress and stops; plans of a stage are no answers yet."""

    watch: Watch
    stage: str
    clock: Clock

    def progress(self, progress: Progress) -> None:
        """Hand on how far the stage is, on the clock of all stages."""
        limit_s = self.clock.time_limit_s
        self.watch.progress(
            replace(
                progress,
                phase=f"{self.stage}, {progress.phase}",
                elapsed_s=limit_s - self.clock.left_s(),
                time_limit_s=limit_s,
            )
        )

    def incumbent(self, solution: Solution) -> None:
        """Keep quiet about plans on the way."""

    def stopped(self) -> bool:
        """Whether the stage should end."""
        return self.watch.stopped()

    def reserve_s(self) -> float:
        """Keep no time: the answer is written after all stages."""
        return 0.0
