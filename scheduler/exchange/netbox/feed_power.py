"""What a power feed may carry: apparent power, derated, in watts."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

PERCENT = 100


def feed_w(
    volts: int,
    amperes: int,
    percent: int,
    power_factor: Fraction,
    *,
    three_phase: bool,
) -> int:
    """Return the active power of a feed in watts, rounded down.

    ``floor(V * A * max_utilization / 100 * power_factor * (sqrt(3) if three-phase))``, with V
    between two phases. Exact: the square root is taken of integers. NetBox computes the same
    apparent power with 1.732 for the root of 3 and does not give it out.

    Source: `PowerFeed.save` of NetBox.
    """
    watts = Fraction(volts * amperes * percent, PERCENT) * power_factor
    square = watts * watts * (3 if three_phase else 1)
    return isqrt(square.numerator // square.denominator)
