"""What every baseline is given: the forms, a seed, a time limit, and a place to hand plans in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kernels.forms import Compiled, Shards
from kernels.score import Score


@dataclass
class Task:
    """One problem for one baseline. The best plan that was handed in is the baseline's."""

    compiled: Compiled
    score: Callable[[Shards], Score]
    time_limit_s: float  # wall clock since `began`
    seed: int = 0
    workers: int = 1
    began: float = field(default_factory=time.monotonic)
    best: Shards | None = None
    best_score: Score | None = None
    bound_mills: int | None = None  # proven by the baseline itself, None if it proves nothing
    curve: list[tuple[float, int]] = field(default_factory=list)  # seconds, margin in mills/h

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float:
        """Seconds until the time limit, never negative."""
        return max(0.0, self.time_limit_s - self.elapsed_s)

    def out_of_time(self) -> bool:
        """Whether the time limit has passed."""
        return self.left_s <= 0

    def offer(self, shards: Shards) -> bool:
        """Hand a plan in; return whether it is the best so far.

        Plans are compared as everywhere: limits, then firm obligations, then margin.
        """
        score = self.score(shards)
        if self.best_score is not None and score >= self.best_score:
            return False
        self.best, self.best_score = shards, score
        if score.violation == 0:
            self.curve.append((round(self.elapsed_s, 3), score.margin_mills))
        return True
