"""What a rule says about a plan: an amount, its limit and the names behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

MOST_JOBS = 5  # jobs that a finding about a whole feed, loop or hall names


class Kind(StrEnum):
    """How a finding counts."""

    LIMIT = "limit"  # hard: ``amount > limit`` is a violation of ``amount - limit``
    OBLIGATION = "obligation"  # firm capacity: ``limit - amount`` GPUs are unmet, if positive
    MONEY = "money"  # `amount` mills per hour that count towards the margin (cost is negative)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One limit, obligation or sum of money that a term looked at, kept or not."""

    term: str
    kind: Kind
    subject: str  # the power node, loop, rack, tenant or job
    amount: int
    limit: int
    unit: str
    state: str = "normal"  # failure state or day
    jobs: tuple[str, ...] = ()  # the jobs behind the amount, largest first
    message: str = ""  # in plain words; may be empty for a limit that is kept

    @property
    def violation(self) -> int:
        """Amount above a hard limit, 0 if it holds."""
        return max(0, self.amount - self.limit) if self.kind is Kind.LIMIT else 0

    @property
    def unmet(self) -> int:
        """Firm GPUs that are missing."""
        return max(0, self.limit - self.amount) if self.kind is Kind.OBLIGATION else 0


def largest_first(amounts: Mapping[str, int] | Mapping[str, Fraction]) -> tuple[str, ...]:
    """Return the names with an amount, largest first, equal ones by name."""
    return tuple(
        sorted((name for name in amounts if amounts[name]), key=lambda name: (-amounts[name], name))
    )
