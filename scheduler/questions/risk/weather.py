"""The weather of a sampled hour, and what it does to coolant, air cooling and overheads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.forms import Ints
from scheduler.model import Hall, Loop, Site, Weather
from scheduler.model.climate import facility_water_mc
from scheduler.model.rates import Overheads, Rates
from scheduler.model.units import PERMILLE
from scheduler.questions.risk.draws import Purpose, Words, below, pick, thresholds, words

PPM = 1_000_000
AIR = ""  # the column of `Sky.ambient` for air cooling; loops stand under their names


@dataclass(frozen=True, eq=False)
class Sky:
    """Hours that a year consists of: listed days, or every hour of a file."""

    site: Site
    overheads: Overheads
    days: tuple[Weather, ...]  # at least one
    table: Words | None  # thresholds of the days; None: all equally likely

    @staticmethod
    def build(site: Site, rates: Rates, hours: Sequence[Weather] = ()) -> Sky:
        """Take `hours`, or else the site's days: the first, and each other one for `hot_day`."""
        if hours:
            return Sky(site, rates.overheads, tuple(hours), None)
        hot = rates.hot_day_permille / PERMILLE
        others = max(0, len(site.weather) - 1)
        hot = min(hot, 1 / max(1, others))
        share = np.array([1 - hot * others] + [hot] * others)
        return Sky(site, rates.overheads, site.weather or (_mild(site),), thresholds(share))

    def draw(self, seed: int, scenario: Ints, number: Ints) -> Ints:
        """Return the hour of snapshot `number` of scenarios, (S,)."""
        word = words(seed, Purpose.WEATHER, scenario, number)[0]
        return below(word, len(self.days)) if self.table is None else pick(word, self.table)

    @cached_property
    def water_mc(self) -> Ints:
        """Temperature of the facility water, (H,)."""
        return np.array([facility_water_mc(self.site.plant, day) for day in self.days], np.int64)

    @cached_property
    def ambient(self) -> dict[str, Ints]:
        """By loop how far its supply is above its lowest, in mK, (H,); `AIR`: kelvin of derating.

        The latter in mK of dry bulb above the rating point, at most what leaves no air cooling.
        """
        found = {loop.name: self._above_mk(loop) for loop in self.site.loops.values()}
        plant = self.site.plant
        dry = np.array([day.dry_bulb_mc for day in self.days], np.int64)
        most = PPM // max(1, plant.air_derate_permille_per_k)
        found[AIR] = np.clip(dry - plant.air_rating_mc, 0, most)
        return found

    def _above_mk(self, loop: Loop) -> Ints:
        if not self.site.weather and self.table is not None:
            return np.zeros(len(self.days), np.int64)
        return np.maximum(0, self.water_mc + loop.approach_mk - loop.supply_mc)

    def air_overhead_ppm(self, heat_of_hall: dict[str, int]) -> Ints:
        """Return the power for each watt of heat in air, halls weighted by their heat, (H,)."""
        total = max(1, sum(heat_of_hall.values()))
        sums = np.zeros(len(self.days), np.int64)
        for name, heat_w in heat_of_hall.items():
            sums += heat_w * self._chillers_ppm(self.site.halls[name])
        return sums // total + self.overheads.fans_permille * (PPM // PERMILLE)

    def _chillers_ppm(self, hall: Hall) -> Ints:
        """Return the power of chillers for each watt of air heat, (H,).

        ``f / CoP(T)`` with ``CoP = 0.0068 T^2 + 0.0008 T + 0.458`` at the supply temperature T
        [T: Moore et al. 2005]. Without chillers, f = 0, while facility water is an approach below
        the supply air; all of it, f = 1, when water is as warm as the air; in between linear [A].
        """
        supply_c = hall.supply_mc / 1000
        cop = 0.0068 * supply_c**2 + 0.0008 * supply_c + 0.458
        approach = max(1, self.overheads.air_approach_mk)
        part = np.clip(self.water_mc + approach - hall.supply_mc, 0, approach)
        return part * round(PPM / cop) // approach


def _mild(site: Site) -> Weather:
    """Return the only day of a site without weather: water just cold enough for every hall."""
    coldest = min((hall.supply_mc for hall in site.halls.values()), default=0)
    mild_mc = min(coldest, site.plant.water_set_mc) - site.plant.approach_mk
    return Weather(name="design", dry_bulb_mc=mild_mc, wet_bulb_mc=mild_mc)
