"""Integers in base units: every rounding of the project happens through these functions.

Quantities are integers whose names carry the unit: ``_w`` watt, ``_mc`` milli-degree Celsius,
``_mk`` milli-kelvin (a difference), ``_mills`` 1/1000 dollar, ``_permille`` 1/1000,
``_mlpm`` millilitre per minute, ``_nk_per_w`` nano-kelvin per watt.
A demand is rounded up, a limit is rounded down, so that rounding is always on the safe side.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

Number = int | float | Decimal | Fraction

PERMILLE = 1000
NANO_PER_MILLI = 1_000_000


def exact(value: Number) -> Fraction:
    """Return `value` as the fraction that a person wrote: 0.1 is 1/10, not the nearest binary."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def round_up(value: Number, per_unit: int = 1) -> int:
    """Return ``ceil(value * per_unit)``: for demands."""
    return math.ceil(exact(value) * per_unit)


def round_down(value: Number, per_unit: int = 1) -> int:
    """Return ``floor(value * per_unit)``: for limits."""
    return math.floor(exact(value) * per_unit)


def ceil_div(numerator: int, denominator: int) -> int:
    """Return ``ceil(numerator / denominator)`` in integers; `denominator` must be positive."""
    return -(-numerator // denominator)


def part(amount: int, permille: int) -> int:
    """Return `permille` thousandths of a demand, rounded up."""
    return ceil_div(amount * permille, PERMILLE)
