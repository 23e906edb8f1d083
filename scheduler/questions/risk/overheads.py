"""IT power and PUE at sampled moments.

``PUE = (IT + losses + other + liquid heat * w_liquid + air heat * w_air) / IT`` with the overheads
of the rates; w_air holds fans and, in warm weather, chillers. [D]
"""

from __future__ import annotations

import numpy as np

from kernels.forms import Ints, Shards
from kernels.scenarios import LOAD_ONE
from scheduler.model import Site
from scheduler.model.units import PERMILLE
from scheduler.questions.risk.load_levels import LoadClasses
from scheduler.questions.risk.rack_draws import RackDraws
from scheduler.questions.risk.weather import PPM, Sky


class Meter:
    """Power of a plan by class of jobs, and what comes on top of it."""

    def __init__(
        self, site: Site, shards: Shards, draws: RackDraws, classes: LoadClasses, sky: Sky
    ) -> None:
        base_w = sum(load.power_w for load in site.base_loads)
        heat = dict.fromkeys(site.halls, 0)
        for load in site.base_loads:
            heat[load.hall] += load.power_w
        for r, rack in enumerate(draws.racks):
            heat[rack.hall] += int(draws.idle["air"][r] + draws.peak["air"][r])
        self._sky, self._overheads = sky, sky.overheads
        self._air_ppm = sky.air_overhead_ppm(heat)
        self._standing = {
            "all": int(draws.idle["all"].sum()) + base_w,
            "liquid": int(draws.idle["liquid"].sum()),
            "air": int(draws.idle["air"].sum()) + base_w,
        }
        self._of_class = {}
        for drawn, demand in draws.demand.items():
            unit_w = demand[shards.job, draws.kind_of_rack[shards.rack]] * shards.units
            sums = np.zeros(classes.num_classes, np.int64)
            np.add.at(sums, classes.of_job[shards.job], unit_w)
            self._of_class[drawn] = sums

    def it_w(self, level: Ints) -> Ints:
        """Return the IT power at moments, (M,)."""
        return self._at(level, "all")

    def pue_ppm(self, level: Ints, hour: Ints) -> Ints:
        """Return the PUE at moments in millionths, (M,)."""
        it_w = np.maximum(1, self.it_w(level))
        overheads = self._overheads
        fixed = (overheads.electrical_permille + overheads.other_permille) * (PPM // PERMILLE)
        liquid = self._at(level, "liquid") * (overheads.liquid_permille * (PPM // PERMILLE))
        air = self._at(level, "air") * self._air_ppm[hour]
        return PPM + fixed + (liquid + air) // it_w

    def _at(self, level: Ints, drawn: str) -> Ints:
        return self._standing[drawn] + level @ self._of_class[drawn] // LOAD_ONE
