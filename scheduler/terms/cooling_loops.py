"""The heat and the design flow of a loop stay within its coolant distribution units (CDUs)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from kernels.forms import Form, LinearLoad, Rows
from scheduler.model import NORMAL, Finding, Job, Kind, Loop, Plan, Problem, RackType
from scheduler.model.climate import Heat
from scheduler.model.units import part
from scheduler.terms.base import Terrain

Watts = Callable[[Job, RackType], int]  # above idle, of one unit


class LoopRow(NamedTuple):
    """A limit of a loop in a state."""

    loop: Loop
    state: str
    limit_w: int


@dataclass(frozen=True)
class CoolingLoops:
    """What goes into a loop is carried by its CDUs, the spare ones kept whole, also after a loss.

    * normal: ``heat(peak) <= (units - spare_units) * unit_w``
    * a state that takes out one CDU of several: ``heat(acted) <= (units - 1) * unit_w``
    * always: ``sum of design flows <= (units - spare_units) * unit_flow_mlpm``

    ``heat(p) = sum over the racks of the loop of ceil(phi * idle_w) + sum of x * ceil(phi * p)``
    with the liquid share ``phi = liquid_permille / 1000``; ``acted`` is the power that is left
    after the power action. A loop that loses its only CDU takes its racks out and has no row.
    Source: CDU limits with redundancy [T, LiquidStack 1,350 kW at N+1]; phi by rack type.
    """

    name: ClassVar[str] = "cooling_loops"

    def applies(self, problem: Problem) -> bool:
        """Whether the site has any loop."""
        return bool(problem.site.loops)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield heat in the normal state, heat after each loss, and the design flow."""
        problem = terrain.problem
        loops = problem.site.loops
        normal = [
            LoopRow(loop, NORMAL.name, (loop.units - loop.spare_units) * loop.unit_w)
            for loop in loops.values()
        ]
        lost = [
            LoopRow(loops[name], state.name, (loops[name].units - 1) * loops[name].unit_w)
            for state in problem.site.failure_states
            for name in dict.fromkeys(state.failed)
            if name in loops and loops[name].units > 1
        ]
        yield liquid_load(self.name, terrain, problem.peak_w, normal)
        if lost:
            yield liquid_load(self.name, terrain, problem.acted_w, lost)
        yield self._design_flow(terrain)

    def _design_flow(self, terrain: Terrain) -> LinearLoad:
        """Return the flow rows: a fact of the site that no job changes, so base only."""
        loops = tuple(terrain.problem.site.loops.values())
        flow_mlpm = flow_of_loops(terrain)
        limits = [(loop.units - loop.spare_units) * loop.unit_flow_mlpm for loop in loops]
        return LinearLoad(
            term=self.name,
            unit="mL/min",
            scale=1,
            kind_of_rack=terrain.type_of_rack,
            demand=np.zeros((len(terrain.jobs), len(terrain.rack_types)), np.int64),
            rows=Rows.build([{} for _ in loops]),
            base=np.array([flow_mlpm[loop.name] for loop in loops], np.int64),
            limit=np.array(limits, np.int64),
            subject=tuple(loop.name for loop in loops),
            state=(NORMAL.name,) * len(loops),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield heat of every loop in every state, and its design flow."""
        peak, acted = (liquid_heat(problem, plan, w) for w in (problem.peak_w, problem.acted_w))
        flow = design_flow_mlpm(problem)
        for name, loop in problem.site.loops.items():
            kept = loop.units - loop.spare_units
            yield self._heat(loop, NORMAL.name, peak[name], kept)
            for state in problem.site.failure_states:
                if name in state.failed and loop.units > 1:
                    yield self._heat(loop, state.name, acted[name], loop.units - 1)
            yield self._flow(loop, flow[name], kept)

    def _heat(self, loop: Loop, state: str, heat: Heat, live: int) -> Finding:
        amount, limit = heat.total_w, live * loop.unit_w
        message = (
            f"{loop.name}: {amount / 1000:,.1f} kW of liquid heat, {percent(amount, limit)} of the "
            f"{limit / 1000:,.1f} kW that {live} of {loop.units} CDUs carry ({state})"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=loop.name,
            amount=amount,
            limit=limit,
            unit="W",
            state=state,
            jobs=heat.largest_jobs(),
            message=message if amount > limit else "",
        )

    def _flow(self, loop: Loop, amount: int, live: int) -> Finding:
        limit = live * loop.unit_flow_mlpm
        message = (
            f"{loop.name}: its racks are designed for {amount / 1000:,.1f} L/min, "
            f"{percent(amount, limit)} of the {limit / 1000:,.1f} L/min of {live} CDUs; "
            "no placement can change that"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=loop.name,
            amount=amount,
            limit=limit,
            unit="mL/min",
            message=message if amount > limit else "",
        )


def liquid_load(term: str, terrain: Terrain, watts: Watts, rows: Sequence[LoopRow]) -> LinearLoad:
    """Return ``liquid heat of the loop <= limit`` for every row, each unit drawing `watts`."""
    idle_w = [part(kind.idle_w, kind.liquid_permille) for kind in terrain.rack_types]
    members = racks_of_loops(terrain)
    base_w = {
        name: sum(idle_w[terrain.type_of_rack[r]] for r in racks) for name, racks in members.items()
    }
    return LinearLoad(
        term=term,
        unit="W",
        scale=1,
        kind_of_rack=terrain.type_of_rack,
        demand=terrain.demand(lambda job, kind: part(watts(job, kind), kind.liquid_permille)),
        rows=Rows.build([dict.fromkeys(members[row.loop.name], 1) for row in rows]),
        base=np.array([base_w[row.loop.name] for row in rows], np.int64),
        limit=np.array([row.limit_w for row in rows], np.int64),
        subject=tuple(row.loop.name for row in rows),
        state=tuple(row.state for row in rows),
    )


def racks_of_loops(terrain: Terrain) -> dict[str, list[int]]:
    """Return the indices of the racks on every loop, for `compile`."""
    members: dict[str, list[int]] = {name: [] for name in terrain.problem.site.loops}
    for r, rack in enumerate(terrain.racks):
        if rack.loop is not None:
            members[rack.loop].append(r)
    return members


def flow_of_loops(terrain: Terrain) -> dict[str, int]:
    """Return the sum of the racks' design flows on every loop in mL/min, for `compile`."""
    flow_mlpm = [kind.flow_mlpm for kind in terrain.rack_types]
    return {
        name: sum(flow_mlpm[terrain.type_of_rack[r]] for r in racks)
        for name, racks in racks_of_loops(terrain).items()
    }


def liquid_heat(problem: Problem, plan: Plan, watts: Watts) -> dict[str, Heat]:
    """Return the heat in every loop by name, each unit of a job drawing `watts`: for `explain`."""
    site = problem.site
    heat = {name: Heat() for name in site.loops}
    for rack in site.racks.values():
        if rack.loop is not None:
            liquid_permille = site.type_of(rack).liquid_permille
            heat[rack.loop].base_w += part(problem.idle_w(rack), liquid_permille)
    for job, rack_name, units in plan.shards():
        rack = site.racks[rack_name]
        if rack.loop is not None:
            rack_type = site.type_of(rack)
            unit_w = part(watts(problem.jobs[job], rack_type), rack_type.liquid_permille)
            heat[rack.loop].of_job_w[job] += units * unit_w
    return heat


def design_flow_mlpm(problem: Problem) -> dict[str, int]:
    """Return the sum of the racks' design flows on every loop by name, for `explain`."""
    flow = dict.fromkeys(problem.site.loops, 0)
    for rack in problem.site.racks.values():
        if rack.loop is not None:
            flow[rack.loop] += problem.site.type_of(rack).flow_mlpm
    return flow


def percent(amount: int, limit: int) -> str:
    """Return `amount` in percent of `limit` for people."""
    return f"{amount / limit:.1%}" if limit > 0 else "more than 100%"
