"""What scarce limits are worth, in words: ``another 1 MW on the 4 UPS of hall H3 ...``.

The prices are those of the proof of the bound. They say what the bound would gain from a little
more of a limit, all else equal: a guide to the plan's gain, and never less than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduler.families import INLETS, POWER, SLOTS, SWING, Family, family_of, slots_in_all
from scheduler.model import Problem, Site
from scheduler.planner import Price
from scheduler.words import state_words

HOURS_PER_MONTH = 730
NOTHING_SCARCE = "no limit is scarce: everything that pays is placed"
_STEPS = {  # unit -> (units of one step, the step in words)
    "W": (1_000_000, "1 MW"),
    "nK": (1_000_000_000, "1 K"),
    "mL/min": (1_000_000, "1,000 L/min"),
    "slots": (100, "100 GPU slots"),
    "GPU slots": (100, "100 GPU slots"),
}
_ON = {POWER: "on", SLOTS: "of", INLETS: "at", SWING: "of swing on"}


@dataclass(frozen=True)
class Scarce:
    """A limit of a family of components, and what one more unit of it is worth."""

    family: Family
    term: str
    state: str  # in which it is worth most
    unit: str
    mills_per_unit: float
    total_mills: float  # of the limit as a whole
    components: int  # that have a price

    @property
    def usd_per_h_per_unit(self) -> float:
        """Dollars per hour for one more unit."""
        return self.mills_per_unit / 1000

    @property
    def usd_per_kw_month(self) -> float | None:
        """Dollars for a month of one more kilowatt."""
        return self.usd_per_h_per_unit * 1000 * HOURS_PER_MONTH if self.unit == "W" else None

    @property
    def usd_per_gpu_h(self) -> float | None:
        """Dollars for an hour of one more GPU slot."""
        return self.usd_per_h_per_unit if self.unit.endswith("slots") else None

    @property
    def words(self) -> str:
        """The price as a sentence."""
        units, step = _STEPS.get(self.unit, (1, f"1 {self.unit}".strip()))
        worth = usd(self.usd_per_h_per_unit * units)
        spread = ", spread over all," if len(self.family.capacity) > 1 else ""
        per = ""
        if self.usd_per_kw_month is not None:
            per = f" (${self.usd_per_kw_month:,.2f}/kW-month)"
        elif self.usd_per_gpu_h is not None:
            per = f" (${self.usd_per_gpu_h:,.2f}/GPU-h)"
        on = _ON.get(self.family.aspect, "of heat on" if self.unit == "W" else "for")
        when = state_words(self.state).strip(" ()")
        most = f", most of it {when}" if when else ""
        return f"another {step} {on} {self.family.words}{spread} is worth {worth}/h{per}{most}"

    def record(self) -> dict[str, object]:
        """Return it as plain data, for ``result.json``."""
        per = {
            "usd_per_kw_month": self.usd_per_kw_month,
            "usd_per_gpu_h": self.usd_per_gpu_h,
        }
        return {
            "term": self.term,
            "subject": self.family.words,
            "state": self.state,
            "unit": self.unit,
            "usd_per_h_per_unit": self.usd_per_h_per_unit,
            **{name: value for name, value in per.items() if value is not None},
            "words": self.words,
        }


def scarce_of(problem: Problem, prices: Iterable[Price]) -> list[Scarce]:
    """Return families of limits with a positive price, those worth most in all first.

    A component's prices are added up over its failure states and over the normal one: its rating
    counts in all of them.
    """
    found: dict[tuple[Family, str], _Members] = {}
    for price in prices:
        if price.mills_per_unit > 0:
            family, component = family_of(problem.site, price.kind, price.term, price.subject)
            found.setdefault((family, price.unit), _Members()).add(component, price)
    scarce = [
        members.scarce(problem.site, family, unit) for (family, unit), members in found.items()
    ]
    return sorted(scarce, key=lambda each: (-each.total_mills, each.family.words, each.term))


@dataclass
class _Members:
    """The priced limits of one family."""

    prices: list[Price] = field(default_factory=list)
    by_component: dict[str, float] = field(default_factory=dict)

    def add(self, component: str, price: Price) -> None:
        self.prices.append(price)
        before = self.by_component.get(component, 0.0)
        self.by_component[component] = before + price.mills_per_unit

    def scarce(self, site: Site, family: Family, unit: str) -> Scarce:
        total_mills = sum(price.mills_per_unit * price.units for price in self.prices)
        slots = slots_in_all(site, family) if family.aspect == SLOTS else 0
        most = max(self.prices, key=lambda price: (price.mills_per_unit, price.units))
        return Scarce(
            family=family,
            term=most.term,
            state=most.state,
            unit=unit,
            mills_per_unit=total_mills / slots if slots else family.per_unit(self.by_component),
            total_mills=total_mills,
            components=len(self.by_component),
        )


def usd(amount: float) -> str:
    """Return ``$41.50`` or, from a hundred on, ``$1,234``."""
    return f"${amount:,.2f}" if abs(amount) < 100 else f"${amount:,.0f}"
