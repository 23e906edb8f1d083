"""What a plan is worth: limits first, then firm obligations, then money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TermScore:
    """What one rule says about a plan."""

    violation: int = 0  # sum of what is above its limits, in each limit's own unit
    margin_mills: int = 0  # mills per hour that it adds to the margin


@dataclass(frozen=True)
class Score:
    """A plan's score. A smaller one is better: ``min(scores)`` is the best.

    Compared by `key`: ``(violation, unmet_firm_gpus, -margin_mills)``, never by a weighted sum.
    """

    violation: int
    unmet_firm_gpus: int
    margin_mills: int
    by_term: Mapping[str, TermScore] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> tuple[int, int, int]:
        """What scores are ordered by, smallest first."""
        return self.violation, self.unmet_firm_gpus, -self.margin_mills

    def __lt__(self, other: Score) -> bool:
        return self.key < other.key

    def __le__(self, other: Score) -> bool:
        return self.key <= other.key

    def __gt__(self, other: Score) -> bool:
        return self.key > other.key

    def __ge__(self, other: Score) -> bool:
        return self.key >= other.key
