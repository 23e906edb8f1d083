"""Term `inlet_temperature`: no rack breathes air above the inlet limit of its hall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import Form, LinearLoad, Rows
from scheduler.model import (
    MOST_JOBS,
    NORMAL,
    Finding,
    Hall,
    Kind,
    Plan,
    Problem,
    Recirculation,
    largest_first,
)
from scheduler.model.units import NANO_PER_MILLI, ceil_div
from scheduler.terms.air_cooling import air_load
from scheduler.terms.base import Terrain
from scheduler.terms.heat import Heat, air_heat
from scheduler.words import quantity, share_of


@dataclass(frozen=True)
class InletTemperature:
    """The air at a rack's inlet, warmed by exhaust that comes back, stays within the limit.

    ``T_in = T_sup + sum over sources of D[rack, source] * air_w(source) <= inlet_limit`` for every
    rack that the recirculation matrix D of its hall names, in nano-kelvin:
    ``sum of nk_per_w * air_w <= (inlet_limit_mc - supply_mc) * 1,000,000``. Air heat of a rack is
    ``ceil(a * idle_w) + sum of x * ceil(a * peak_w)`` with the air share a of its power.
    Source: Tang, Gupta and Varsamopoulos, TPDS 19(11), 2008 [T],
    ``D = (K - A^T K)^-1 - K^-1``.
    """

    name: ClassVar[str] = "inlet_temperature"

    def applies(self, problem: Problem) -> bool:
        """Whether any hall has a recirculation matrix."""
        return any(hall.recirculation for hall in problem.site.halls.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one row for every rack that recirculated air reaches."""
        kind_of_rack, demand, idle_w = air_load(terrain)
        base_w = idle_w.tolist()
        weights: list[dict[int, int]] = []
        subjects: list[str] = []
        limits: list[int] = []
        for hall in terrain.problem.site.halls.values():
            row_of: dict[str, dict[int, int]] = {}
            for entry in hall.recirculation:
                row = row_of.setdefault(entry.rack, {})
                source = terrain.rack_index[entry.source]
                row[source] = row.get(source, 0) + entry.nk_per_w
            weights += row_of.values()
            subjects += row_of
            limits += [_allowed_nk(hall)] * len(row_of)
        base = [sum(nk * base_w[r] for r, nk in row.items()) for row in weights]
        yield LinearLoad(
            term=self.name,
            unit="nK",
            scale=1,
            kind_of_rack=kind_of_rack,
            demand=demand,
            rows=Rows.build(weights),
            base=np.array(base, np.int64),
            limit=np.array(limits, np.int64),
            subject=tuple(subjects),
            state=(NORMAL.name,) * len(subjects),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the rise above the supply at every inlet that recirculated air reaches."""
        heat = air_heat(problem, plan)
        for hall in problem.site.halls.values():
            entries_of: dict[str, list[Recirculation]] = {}
            for entry in hall.recirculation:
                entries_of.setdefault(entry.rack, []).append(entry)
            for rack, entries in entries_of.items():
                yield self._finding(hall, rack, entries, heat)

    def _finding(
        self, hall: Hall, rack: str, entries: list[Recirculation], heat: dict[str, Heat]
    ) -> Finding:
        amount = sum(entry.nk_per_w * heat[entry.source].total_w for entry in entries)
        limit = (hall.inlet_limit_mc - hall.supply_mc) * NANO_PER_MILLI
        by_job: Counter[str] = Counter()
        for entry in entries:
            for job, heat_w in heat[entry.source].of_job_w.items():
                by_job[job] += entry.nk_per_w * heat_w
        inlet_mc = hall.supply_mc + ceil_div(amount, NANO_PER_MILLI)
        message = (
            f"{rack}: inlet air reaches {quantity(inlet_mc, 'mC')}, the limit of {hall.name} is "
            f"{quantity(hall.inlet_limit_mc, 'mC')}; recirculated heat adds "
            f"{quantity(amount, 'nK')} to the supply of {quantity(hall.supply_mc, 'mC')}, "
            f"{share_of(amount, limit)} of what is allowed"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=rack,
            amount=amount,
            limit=limit,
            unit="nK",
            jobs=largest_first(by_job)[:MOST_JOBS],
            message=message if amount > limit else "",
        )


def _allowed_nk(hall: Hall) -> int:
    """Return the rise from supply to inlet limit, for `compile`."""
    return (hall.inlet_limit_mc - hall.supply_mc) * NANO_PER_MILLI
