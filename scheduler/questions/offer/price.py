"""The price at which an offer pays: what it displaces and costs, for each promised GPU-hour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from scheduler.model import Offer
from scheduler.model.units import PERMILLE

HOURS_PER_MONTH = 730
W_PER_MW = 1_000_000


@dataclass(frozen=True)
class Margins:
    """Margins in mills per hour, each with a bound: no plan earns more."""

    without_mills: int
    without_bound_mills: int | None
    with_mills: int  # the offer's own revenue left out
    with_bound_mills: int | None
    energy_mills: int  # of the offer, in the plan with it
    least_energy_mills: int  # of the offer, in any plan


@dataclass(frozen=True)
class BreakEven:
    """Prices in mills per GPU-hour at which the offer neither gains nor loses.

    ``price = ((margin_without - margin_with) / gpus + capex) / (1 - credits)`` with the margin of
    the plan that has the offer taken without its revenue: so it holds what is displaced, the
    energy of the offer, and moves. `planned` compares the two plans; `low` and `high` bound the
    price between the best plans that there may be, from the bounds of the two:

    ``low = (plan without - bound with) / gpus``, at least what the offer's energy costs in any
    plan, because whoever drops the offer keeps all else; ``high = (bound without - plan with)
    / gpus``.

    Both equal `planned` where both plans are proven the best. Source: derived [D].
    """

    planned: Fraction
    low: Fraction | None
    high: Fraction | None
    displaced: Fraction  # parts of `planned`, before credits
    energy: Fraction
    capex: Fraction
    gpus: int
    power_w: int  # of the promised GPUs, on the power basis of the site

    @property
    def is_exact(self) -> bool:
        """Whether both plans are proven the best."""
        return self.low == self.planned == self.high

    @property
    def accept_mills(self) -> int:
        """Least price in whole mills at which the plans gain."""
        return math.ceil(self.planned)

    def per_mw_month(self, price: Fraction) -> Fraction:
        """Return a price per GPU-hour in mills per megawatt and month of 730 hours."""
        return price * self.gpus * HOURS_PER_MONTH * W_PER_MW / max(1, self.power_w)


def break_even(offer: Offer, margins: Margins, power_w: int) -> BreakEven:
    """Return the break-even price of the offer at the size that its contract has.

    Parameters
    ----------
    power_w
        Power of the promised GPUs.
    """
    gpus = offer.gpus
    kept = Fraction(PERMILLE - offer.credit_permille, PERMILLE)
    capex = Fraction(offer.capex_mills_per_gpu_h)

    def price(cost_mills: int) -> Fraction:
        return (Fraction(cost_mills, gpus) + capex) / kept

    cost_mills = margins.without_mills - margins.with_mills
    low = high = None
    if margins.with_bound_mills is not None:
        least_mills = margins.without_mills - margins.with_bound_mills
        low = price(max(least_mills, margins.least_energy_mills))
    if margins.without_bound_mills is not None:
        high = price(margins.without_bound_mills - margins.with_mills)
    return BreakEven(
        planned=price(cost_mills),
        low=low,
        high=high,
        displaced=Fraction(cost_mills - margins.energy_mills, gpus),
        energy=Fraction(margins.energy_mills, gpus),
        capex=capex,
        gpus=gpus,
        power_w=power_w,
    )


def gain_mills(offer: Offer, found: BreakEven) -> int | None:
    """Return what the offer gains per hour at its own price; None if it names none."""
    if not offer.is_priced:
        return None
    kept = Fraction(PERMILLE - offer.credit_permille, PERMILLE)
    price = offer.contract.price_mills_per_gpu_h
    return math.floor((price - found.planned) * kept * offer.gpus)
