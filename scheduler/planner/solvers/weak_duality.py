"""Weak duality in exact integers: rows moved into the objective at a price.

Any prices prove a bound (Neumaier and Shcherbina, 2004); good prices only make it tight. So prices
may come from anywhere, a solver that stopped early included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.planner.program import FREE, Arrays

Exact = NDArray[Any]  # int64, or Python's integers as objects

PRICE_SCALE = 2**30  # prices are rounded to multiples of 1/PRICE_SCALE
SAFE = 2.0**62  # sums of which the terms add up to less fit into int64


@dataclass(frozen=True, eq=False)
class Weighed:
    """A program without its rows: ``max c x <= sides + max over the box of reduced @ x``.

    Everything is in 1/PRICE_SCALE of the objective. `reduced` holds int64, or Python's integers
    where those would overflow.
    """

    prices: Ints  # (rows,) of the sign of a side that exists
    sides: int  # sum of price times side
    reduced: Exact  # (columns,)


def weigh(arrays: Arrays, prices: NDArray[np.float64]) -> Weighed:
    """Return ``y b`` and ``c - y A`` for prices y, those of no use set to 0."""
    scaled = _rounded(prices)
    side = np.where(scaled > 0, arrays.row_high, arrays.row_low)
    scaled = np.where(np.abs(side) < FREE, scaled, 0)
    priced = np.flatnonzero(scaled)
    sides = int(scaled[priced].astype(object) @ side[priced].astype(object)) if len(priced) else 0
    return Weighed(scaled, sides, reduced(arrays, scaled))


def reduced(arrays: Arrays, prices: Ints) -> Exact:
    """Return ``c - y A`` in 1/PRICE_SCALE, exactly, (columns,)."""
    price = np.repeat(prices, np.diff(arrays.start))
    entry = np.flatnonzero(price)
    return subtracted(arrays.gain, arrays.column[entry], price[entry], arrays.value[entry])


def subtracted(gain: Ints, column: Ints, price: Ints, value: Ints) -> Exact:
    """Return ``gain * PRICE_SCALE`` less ``price * value`` of every entry, exactly."""
    size = np.abs(gain) * float(PRICE_SCALE)
    np.add.at(size, column, np.abs(price.astype(np.float64) * value))
    if size.max(initial=0.0) < SAFE:
        rest = gain * PRICE_SCALE
        np.subtract.at(rest, column, price * value)
        return rest
    exact = gain.astype(object) * PRICE_SCALE
    np.subtract.at(exact, column, price.astype(object) * value.astype(object))
    return exact


def most_in_box(rest: Exact, low: Ints, high: Ints) -> Exact:
    """Return the most of ``rest * x`` over ``low <= x <= high`` for every column, exactly."""
    most = np.zeros(len(rest), object)
    some = np.flatnonzero((rest != 0) & ((rest > 0) & (high != 0) | (rest < 0) & (low != 0)))
    at = np.where(rest[some] > 0, high[some], low[some])
    most[some] = rest[some].astype(object) * at.astype(object)
    return most


def whole(total: int) -> int:
    """Return an exact bound in 1/PRICE_SCALE as one in units of an integer objective."""
    return int(total // PRICE_SCALE)


def certified_bound(arrays: Arrays, prices: NDArray[np.float64]) -> int:
    """Return an upper bound on the objective that holds for any `prices`, in exact arithmetic.

    ``max c x <= sum_i y_i b_i + sum_j max over x_j of (c_j - (y A)_j) x_j`` with the side b of a
    row that the sign of its price asks for.
    """
    weighed = weigh(arrays, prices)
    boxes = most_in_box(weighed.reduced, arrays.low, arrays.high)
    return whole(weighed.sides + int(boxes.sum())) + arrays.constant


def _rounded(prices: NDArray[np.float64]) -> Ints:
    """Return prices as integers; those that are no numbers or beyond all reason are 0."""
    scaled = np.rint(np.nan_to_num(prices, nan=0.0, posinf=0.0, neginf=0.0) * PRICE_SCALE)
    return np.where(np.abs(scaled) < FREE, scaled, 0.0).astype(np.int64)
