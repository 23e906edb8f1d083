"""Which contracts may be ended in time, and what it would cost to end the others."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model import Contract
from scheduler.words import clean

HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Ending:
    """Whether a contract may end within the days that are given.

    Attributes
    ----------
    short_days
        Days of notice, or of the term, that lie beyond; None if nobody knows.
    cost_mills
        The fee of those days: what the tenant would have to be paid if it ended all the same.
    """

    contract: Contract
    within_days: int
    may_end: bool
    short_days: int | None = 0
    cost_mills: int | None = 0

    @property
    def words(self) -> str:
        """Why it may or may not end, and what the days that lack cost."""
        notice, within = self.contract.notice_days, self.within_days
        if self.may_end:
            if notice is None:
                return "not firm and no notice agreed: may end at any time"
            return f"notice of {notice} days fits into {within} days: may end"
        if notice is not None:
            why = f"notice of {notice} days is longer than {within} days"
        elif self.contract.term_days is not None:
            why = f"firm, no notice agreed, term of {self.contract.term_days} days"
        else:
            why = "firm, and neither notice nor term agreed"
        if self.cost_mills is None:
            return f"{why}: may only move"
        return f"{why}: may only move; its fee for {self.short_days} days is {_usd(self)}"


def ending_of(contract: Contract, within_days: int) -> Ending:
    """Return whether `contract` may end within so many days.

    It may if its notice is no longer, or if it is not firm and no notice was agreed. A firm
    contract without notice runs to the end of its term, counted from today because no file says
    when it began. ``cost = price * promised GPUs * 24 * (notice - within)`` in mills.
    """
    notice = contract.notice_days
    if notice is None and not contract.firm:
        return Ending(contract, within_days, may_end=True)
    last_day = contract.term_days if notice is None else notice
    if last_day is None:
        return Ending(contract, within_days, may_end=False, short_days=None, cost_mills=None)
    short_days = max(0, last_day - within_days)
    if notice is not None and short_days == 0:
        return Ending(contract, within_days, may_end=True)
    mills_per_h = contract.price_mills_per_gpu_h * contract.units * contract.gpus_per_unit
    cost_mills = mills_per_h * HOURS_PER_DAY * short_days
    return Ending(contract, within_days, False, short_days, cost_mills)


def ending_line(ending: Ending) -> str:
    """Return contract, tenant and what holds for them, cleaned for a terminal."""
    return clean(f"{ending.contract.name} of {ending.contract.tenant}: {ending.words}")


def _usd(ending: Ending) -> str:
    return f"${(ending.cost_mills or 0) / 1000:,.0f}"
