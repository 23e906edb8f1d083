"""How the time limit is divided over the solves of a question, and who may stop them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_S = 0.5  # of one solve, however late it is


@dataclass
class Budget:
    """Time that is left, divided by weights over what is still to be done.

    `tell` hears of each step; `stopped` says whether the question should end.
    """

    time_limit_s: float
    tell: Callable[[str], None]
    stopped: Callable[[], bool]
    weight_left: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def expect(self, weight: float) -> None:
        """Say that a step of such a weight will come."""
        self.weight_left += weight

    def drop(self, weight: float) -> None:
        """Say that a step is not needed any more: its time is for the others."""
        self.weight_left = max(0.0, self.weight_left - weight)

    def take(self, weight: float, step: str) -> float:
        """Begin a step that was expected, and return the seconds that it may take."""
        share = min(1.0, weight / self.weight_left) if self.weight_left > 0 else 1.0
        seconds = max(LEAST_S, share * self.left_s())
        self.drop(weight)
        self.tell(step)
        return seconds

    def is_over(self) -> bool:
        """Whether the question was stopped or its time has run out."""
        return self.stopped() or self.left_s() <= 0

    def left_s(self) -> float:
        """Seconds that are left of the whole."""
        return max(0.0, self.time_limit_s - self.elapsed_s())

    def elapsed_s(self) -> float:
        """Seconds since the question was asked."""
        return time.monotonic() - self.began
