"""What a bound says beside its number: what limits are worth, and where the gap may lie."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """What one more unit of a limit would be worth, by the prices that prove the bound."""

    kind: str  # load: a row of linear loads; slots: room for units in some racks
    term: str
    subject: str  # the component, or the racks in words of the forms: names of two of them
    state: str
    unit: str  # of the limit: W, nK, ... or slots
    mills_per_unit: float  # mills per hour for one more unit
    units: int  # the limit itself


@dataclass(frozen=True)
class GapPart:
    """A part of ``bound - margin``; all parts together are the whole of it."""

    # unused: priced room that is empty; group, job: value that the bound counts more;
    # rounding: of lots and classes, less what a tighter proof took away
    kind: str
    subject: str
    mills: int


@dataclass(frozen=True)
class Proof:
    """How a bound came about."""

    bound_mills: int
    by: str  # volume, columns, mixed, program or exact
    prices: tuple[Price, ...] = ()
