"""Term `cooling_loops`: a loop's heat and flow stay within its coolant distribution units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from kernels.forms import Form, LinearLoad, Rows
from scheduler.model import NORMAL, FailureState, Finding, Kind, Loop, Plan, Problem, Site
from scheduler.model.units import part
from scheduler.terms.base import Terrain
from scheduler.terms.heat import LoopCase, Watts, design_flow_mlpm, loop_cases
from scheduler.words import power, quantity, share_of


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
            LoopRow(loop, state.name, (loop.units - 1) * loop.unit_w)
            for loop, state in cdu_losses(problem.site)
        ]
        yield from liquid_loads(self.name, terrain, normal, lost)
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
        for case in loop_cases(problem, plan):
            spare = case.loop.spare_units if case.state is NORMAL else 0
            yield self._heat(case, case.live - spare)
        flow_mlpm = design_flow_mlpm(problem)
        for name, loop in problem.site.loops.items():
            yield self._flow(loop, flow_mlpm[name], loop.units - loop.spare_units)

    def _heat(self, case: LoopCase, kept: int) -> Finding:
        loop, amount, limit = case.loop, case.heat.total_w, kept * case.loop.unit_w
        message = (
            f"{loop.name}: {power(amount)} of liquid heat, {share_of(amount, limit)} of the "
            f"{power(limit)} that {kept} of {loop.units} CDUs carry ({case.state.name})"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=loop.name,
            amount=amount,
            limit=limit,
            unit="W",
            state=case.state.name,
            jobs=case.heat.jobs,
            message=message if amount > limit else "",
        )

    def _flow(self, loop: Loop, amount: int, kept: int) -> Finding:
        limit, unit = kept * loop.unit_flow_mlpm, "mL/min"
        message = (
            f"{loop.name}: its racks are designed for {quantity(amount, unit)}, "
            f"{share_of(amount, limit)} of the {quantity(limit, unit)} of {kept} CDUs; "
            "no placement can change that"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=loop.name,
            amount=amount,
            limit=limit,
            unit=unit,
            message=message if amount > limit else "",
        )


def cdu_losses(site: Site) -> Iterator[tuple[Loop, FailureState]]:
    """Yield every loop that a failure state leaves with one CDU fewer, for `compile`."""
    for state in site.failure_states:
        for name in dict.fromkeys(state.failed):
            if name in site.loops and site.loops[name].units > 1:
                yield site.loops[name], state


def liquid_loads(
    term: str, terrain: Terrain, normal: Sequence[LoopRow], lost: Sequence[LoopRow]
) -> Iterator[LinearLoad]:
    """Yield the heat of loops with jobs at their peak, and after losses once jobs have acted."""
    yield _liquid_load(term, terrain, terrain.problem.peak_w, normal)
    if lost:
        yield _liquid_load(term, terrain, terrain.problem.acted_w, lost)


def _liquid_load(term: str, terrain: Terrain, watts: Watts, rows: Sequence[LoopRow]) -> LinearLoad:
    """Return ``liquid heat of the loop <= limit`` for every row, each unit drawing `watts`."""
    idle_w = [part(kind.idle_w, kind.liquid_permille) for kind in terrain.rack_types]
    members = _racks_of_loops(terrain)
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


def _racks_of_loops(terrain: Terrain) -> dict[str, list[int]]:
    """Return the indices of the racks on every loop."""
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
        for name, racks in _racks_of_loops(terrain).items()
    }
