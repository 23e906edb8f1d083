"""Term `air_cooling`: the air heat of a hall stays within what its air cooling removes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import Form, Index, Ints, LinearLoad, Rows
from scheduler.model import Finding, Hall, Kind, Plan, Problem
from scheduler.model.climate import least_air_capacity_w
from scheduler.model.units import PERMILLE
from scheduler.terms.base import Terrain
from scheduler.terms.heat import Heat, air_heat
from scheduler.words import power, share_of


@dataclass(frozen=True)
class AirCooling:
    """What a hall's racks and base loads give to the room is removed by its air cooling.

    ``sum of base loads + sum over racks of ceil(a * idle_w) + sum of x * ceil(a * peak_w)
    <= air_cooling_w * (1 - derate * max(0, dry bulb - rating point))`` with the air share
    ``a = 1 - liquid_permille / 1000``, and 1 for a rack without a loop. Only for halls that name
    ``air_cooling_w``. Of all days the one with the least air cooling binds; the others need no
    row, because the heat is the same.
    Source: derating of air-cooled plant 0.7 % per kelvin [T]; liquid share by rack type.
    """

    name: ClassVar[str] = "air_cooling"

    def applies(self, problem: Problem) -> bool:
        """Whether any hall says how much air heat it can remove."""
        return any(hall.air_cooling_w is not None for hall in problem.site.halls.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one row a hall."""
        site = terrain.problem.site
        kind_of_rack, demand, idle_w = air_load(terrain)
        of_hall: dict[str, list[int]] = {name: [] for name in site.halls}
        for r, rack in enumerate(terrain.racks):
            of_hall[rack.hall].append(r)
        base_w = dict.fromkeys(site.halls, 0)
        for load in site.base_loads:
            base_w[load.hall] += load.power_w
        limited = {
            hall.name: least_air_capacity_w(site, hall.air_cooling_w)
            for hall in site.halls.values()
            if hall.air_cooling_w is not None
        }
        yield LinearLoad(
            term=self.name,
            unit="W",
            scale=1,
            kind_of_rack=kind_of_rack,
            demand=demand,
            rows=Rows.build([dict.fromkeys(of_hall[name], 1) for name in limited]),
            base=np.array([base_w[n] + idle_w[of_hall[n]].sum() for n in limited], np.int64),
            limit=np.array([capacity_w for _, capacity_w in limited.values()], np.int64),
            subject=tuple(limited),
            state=tuple(day for day, _ in limited.values()),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the air heat of every hall that limits it."""
        heat_of_hall = {name: Heat() for name in problem.site.halls}
        for load in problem.site.base_loads:
            heat_of_hall[load.hall].base_w += load.power_w
        for rack, heat in air_heat(problem, plan).items():
            heat_of_hall[problem.site.racks[rack].hall].add(heat)
        for hall in problem.site.halls.values():
            if hall.air_cooling_w is not None:
                day, capacity_w = least_air_capacity_w(problem.site, hall.air_cooling_w)
                yield self._finding(hall, day, capacity_w, heat_of_hall[hall.name])

    def _finding(self, hall: Hall, day: str, capacity_w: int, heat: Heat) -> Finding:
        amount = heat.total_w
        message = (
            f"{hall.name}: {power(amount)} of air heat, {share_of(amount, capacity_w)} of the "
            f"{power(capacity_w)} that air cooling removes on {day} "
            f"({power(hall.air_cooling_w or 0)} rated)"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=hall.name,
            amount=amount,
            limit=capacity_w,
            unit="W",
            state=day,
            jobs=heat.jobs,
            message=message if amount > capacity_w else "",
        )


def air_load(terrain: Terrain) -> tuple[Index, Ints, Ints]:
    """Return the air heat as arrays, for `compile`: kinds (R,), W per unit (J, K), idle W (R,).

    Every rack type makes two kinds: on a loop (its air share) and without one (all of its heat).
    """
    types = terrain.rack_types
    share = np.array([PERMILLE - kind.liquid_permille for kind in types], np.int64)
    peak_w = terrain.demand(terrain.problem.peak_w)
    demand = np.hstack([-(-peak_w * share // PERMILLE), peak_w])
    idle_w = np.array([kind.idle_w for kind in types], np.int64)
    idle_of_kind = np.hstack([-(-idle_w * share // PERMILLE), idle_w])
    without_loop = np.array([rack.loop is None for rack in terrain.racks], bool)
    kind_of_rack = (terrain.type_of_rack + len(types) * without_loop).astype(np.int32)
    return kind_of_rack, demand, idle_of_kind[kind_of_rack]
