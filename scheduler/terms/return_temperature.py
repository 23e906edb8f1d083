"""Term `return_temperature`: coolant comes back no hotter than its loop allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from kernels.forms import Form
from scheduler.model import NORMAL, Finding, Kind, Loop, Plan, Problem
from scheduler.model.climate import coolant_heat_w, coolant_rise_mk, hottest_supply_mc
from scheduler.terms.base import Terrain
from scheduler.terms.cooling_loops import LoopRow, cdu_losses, flow_of_loops, liquid_loads
from scheduler.terms.heat import LoopCase, design_flow_mlpm, loop_cases
from scheduler.words import power, quantity, share_of


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
        lost = [row(loop, loop.units - 1, state.name) for loop, state in cdu_losses(problem.site)]
        yield from liquid_loads(self.name, terrain, whole, lost)

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the heat of every loop and what its flow may carry on the hottest day."""
        design_mlpm = design_flow_mlpm(problem)
        for case in loop_cases(problem, plan):
            yield self._finding(problem, case, design_mlpm[case.loop.name])

    def _finding(self, problem: Problem, case: LoopCase, design_mlpm: int) -> Finding:
        loop, amount = case.loop, case.heat.total_w
        day, supply_mc = hottest_supply_mc(problem.site, loop)
        state = day if case.state is NORMAL else f"{case.state.name} on {day}"
        flow_mlpm = min(design_mlpm, case.live * loop.unit_flow_mlpm)
        limit = coolant_heat_w(loop.return_limit_mc - supply_mc, flow_mlpm)
        return_mc = supply_mc + coolant_rise_mk(amount, flow_mlpm)
        message = (
            f"{loop.name}: coolant returns at {quantity(return_mc, 'mC')} ({state}; supply "
            f"{quantity(supply_mc, 'mC')}, {quantity(flow_mlpm, 'mL/min')}), the limit is "
            f"{quantity(loop.return_limit_mc, 'mC')}; {power(amount)} are "
            f"{share_of(amount, limit)} of what may be carried"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=loop.name,
            amount=amount,
            limit=limit,
            unit="W",
            state=state,
            jobs=case.heat.jobs,
            message=message if amount > limit else "",
        )
