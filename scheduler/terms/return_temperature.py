"""Coolant comes back no hotter than the loop allows, on the hottest day and after a CDU's loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from kernels.forms import Form
from scheduler.model import Finding, Kind, Loop, Plan, Problem
from scheduler.model.climate import Heat, coolant_heat_w, coolant_rise_mk, hottest_supply_mc
from scheduler.terms.base import Terrain
from scheduler.terms.cooling_loops import (
    LoopRow,
    design_flow_mlpm,
    flow_of_loops,
    liquid_heat,
    liquid_load,
    percent,
)


@dataclass(frozen=True)
class ReturnTemperature:
    """The coolant of a loop returns at or below the loop's return limit.

    ``T_ret = T_sup + heat / (flow * c) <= return_limit``, stated in watts so that it is linear in
    the placement: ``heat <= (return_limit - T_sup) * flow * c``, rounded down, with
    ``flow = min(sum of the racks' design flows, live CDUs * unit_flow)`` and c of PG25 (25 %
    propylene glycol). Rows: each loop with all CDUs (heat at peak), and each state that takes out
    one CDU of several (heat after the power action). Of all days the one with the hottest supply
    binds; the others need no row, because only T_sup differs.
    Source: energy balance; 1.52 L/min per kW at a rise of 10 K for PG25 [D].
    """

    name: ClassVar[str] = "return_temperature"

    def applies(self, problem: Problem) -> bool:
        """Whether the site has any loop."""
        return bool(problem.site.loops)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one row a loop, and one for each loss of one of its CDUs."""
        problem = terrain.problem
        loops = problem.site.loops
        design_mlpm = flow_of_loops(terrain)
        hottest = {name: hottest_supply_mc(problem.site, loop) for name, loop in loops.items()}

        def row(loop: Loop, live: int, loss: str = "") -> LoopRow:
            day, supply_mc = hottest[loop.name]
            flow_mlpm = min(design_mlpm[loop.name], live * loop.unit_flow_mlpm)
            limit_w = coolant_heat_w(loop.return_limit_mc - supply_mc, flow_mlpm)
            return LoopRow(loop, f"{loss} on {day}" if loss else day, limit_w)

        whole = [row(loop, loop.units) for loop in loops.values()]
        lost = [
            row(loops[name], loops[name].units - 1, state.name)
            for state in problem.site.failure_states
            for name in dict.fromkeys(state.failed)
            if name in loops and loops[name].units > 1
        ]
        yield liquid_load(self.name, terrain, problem.peak_w, whole)
        if lost:
            yield liquid_load(self.name, terrain, problem.acted_w, lost)

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the heat of every loop and what its flow may carry on the hottest day."""
        peak, acted = (liquid_heat(problem, plan, w) for w in (problem.peak_w, problem.acted_w))
        design_mlpm = design_flow_mlpm(problem)
        for name, loop in problem.site.loops.items():
            day, supply_mc = hottest_supply_mc(problem.site, loop)
            flow_mlpm = min(design_mlpm[name], loop.units * loop.unit_flow_mlpm)
            yield self._finding(loop, day, supply_mc, flow_mlpm, peak[name])
            for state in problem.site.failure_states:
                if name in state.failed and loop.units > 1:
                    flow_mlpm = min(design_mlpm[name], (loop.units - 1) * loop.unit_flow_mlpm)
                    when = f"{state.name} on {day}"
                    yield self._finding(loop, when, supply_mc, flow_mlpm, acted[name])

    def _finding(
        self, loop: Loop, state: str, supply_mc: int, flow_mlpm: int, heat: Heat
    ) -> Finding:
        amount = heat.total_w
        limit = coolant_heat_w(loop.return_limit_mc - supply_mc, flow_mlpm)
        return_mc = supply_mc + coolant_rise_mk(amount, flow_mlpm)
        message = (
            f"{loop.name}: coolant returns at {return_mc / 1000:.1f} °C ({state}; supply "
            f"{supply_mc / 1000:.1f} °C, {flow_mlpm / 1000:,.1f} L/min), the limit is "
            f"{loop.return_limit_mc / 1000:.1f} °C; {amount / 1000:,.1f} kW are "
            f"{percent(amount, limit)} of what may be carried"
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
