"""How often components fail, how long repairs take, and how a site uses power besides racks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OTHER = "other"  # the kind whose rates hold for kinds without rates of their own
NODE, RACK, CDU = "node", "rack", "cdu"  # kinds that are no kind of power node


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRates:
    """Failures of one kind of component: exponential times between failures and of repairs.

    Of all failures of a component, `beta_permille` thousandths have a cause that takes out every
    component of its kind in its group at once (the beta-factor model).
    """

    kind: str
    mtbf_s: int  # mean time from the end of a repair to the next failure
    mttr_s: int  # mean time of a repair
    beta_permille: int = 0
    group: str = "hall"  # hall, loop or site: where a common cause strikes
    source: str = ""  # evidence tags and sources of the figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """Power besides the racks, as thousandths of what it serves."""

    electrical_permille: int  # of IT power: losses of transformers, UPS and distribution
    liquid_permille: int  # of heat in liquid: pumps and towers
    fans_permille: int  # of heat in air
    other_permille: int  # of IT power: light, offices, controls
    air_approach_mk: int  # facility water to supply air; warmer water needs chillers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """All rates of a site."""

    kinds: Mapping[str, KindRates]  # `OTHER` and `NODE` are always there
    hot_day_permille: int  # share of the hours of each listed day after the first
    overheads: Overheads

    def of(self, kind: str) -> KindRates:
        """Return the rates of a kind, those of `OTHER` if it has none of its own."""
        return self.kinds.get(kind, self.kinds[OTHER])
