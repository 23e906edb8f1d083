"""What limits are worth, from the prices of a bound."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

import numpy as np

from kernels.forms import GroupPresence, Ints, LinearLoad, Packing
from scheduler.planner.bound.outline import Outline
from scheduler.planner.lots import FINER
from scheduler.planner.lowering.draft import LimitRows
from scheduler.planner.solvers.weak_duality import PRICE_SCALE
from scheduler.planner.worth import Price

MOST_PRICES = 5_000  # records, those that are worth most


def prices_of(outline: Outline, prices: Ints) -> tuple[Price, ...]:
    """Return the limits of most worth; `prices` are of the outline's rows, in 1/PRICE_SCALE."""
    found = (
        price for limits in outline.lowered.limits for price in _of_limits(outline, limits, prices)
    )
    return tuple(heapq.nlargest(MOST_PRICES, found, key=lambda p: p.mills_per_unit * p.units))


def _of_limits(outline: Outline, limits: LimitRows, prices: Ints) -> Iterator[Price]:
    compiled = outline.lots.compiled
    form = compiled.forms[limits.form]
    high = outline.arrays.row_high[limits.rows]
    mills = prices[limits.rows] / PRICE_SCALE / FINER / limits.scale  # for one unit of the limit
    for n in np.flatnonzero(mills > 0).tolist():
        at, worth = int(limits.of_form[n]), float(mills[n])
        if isinstance(form, LinearLoad):
            yield Price(
                "load",
                form.term,
                form.subject[at],
                form.state[at],
                form.unit,
                worth * form.scale,
                int(form.limit[at]) // form.scale,
            )
        elif isinstance(form, Packing | GroupPresence):
            racks = outline.lowered.classes.members[at].tolist()
            subject = between([compiled.rack_names[rack] for rack in racks])
            yield Price("slots", form.term, subject, "", "slots", worth, int(high[n]))


def between(names: Sequence[str]) -> str:
    """Name many by the first and the last of them."""
    if not names:
        return ""
    return names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}"
