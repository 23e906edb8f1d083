"""Term `power_normal`: no power node carries more than its rating when nothing has failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import ClassVar

import numpy as np

from kernels.forms import Form, Ints, LinearLoad, Rows
from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.terms.base import Terrain
from scheduler.terms.routing import Routing, draws
from scheduler.words import power, share_of


@dataclass(frozen=True)
class PowerNormal:
    """Every power node carries at most its rating when nothing has failed.

    ``sum_c share[n, c] * power[c] <= rating[n]`` over all consumers ``c`` of node ``n``, where
    ``power`` of a rack is ``idle + sum_j peak[j] * x[j, r]`` and that of a base load is fixed.
    In watts; demands are rounded up per unit, shares are exact.
    Source: conservation of power [D]; a breaker carries 0.8 of its rating all the time [T: NEC].
    """

    name: ClassVar[str] = "power_normal"

    def applies(self, problem: Problem) -> bool:
        """Whether the site has power nodes."""
        return bool(problem.site.power_nodes)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one row for every power node, also for those that carry nothing today."""
        flows = terrain.topology.normal_flows()
        rows = [
            FlowRow(node.name, "normal", flows[node.name], node.rating_w)
            for node in terrain.problem.site.power_nodes.values()
        ]
        demand = terrain.demand(terrain.problem.peak_w)
        yield flow_form(self.name, terrain, rows, demand, standing_w(terrain.problem))

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the load of every power node."""
        loads = Routing(problem.site).loads(draws(problem, plan, problem.peak_w))
        for node in problem.site.power_nodes.values():
            load, limit = loads[node.name], node.rating_w
            amount = ceil(load.total)
            carried = f"{power(amount)}, {share_of(amount, limit)} of its {power(limit)}"
            yield Finding(
                term=self.name,
                kind=Kind.LIMIT,
                subject=node.name,
                amount=amount,
                limit=limit,
                unit="W",
                jobs=load.jobs,
                message=f"feed {node.name} carries {carried}" if amount > limit else "",
            )


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One limit on what flows through a component: a row of a form."""

    subject: str
    state: str
    shares: Mapping[str, Fraction]  # consumer -> share of its power
    limit_w: int


def standing_w(problem: Problem) -> dict[str, int]:
    """Watts that every consumer draws without any job: idle racks and base loads."""
    idle = {rack.name: problem.idle_w(rack) for rack in problem.site.racks.values()}
    return {**idle, **{load.name: load.power_w for load in problem.site.base_loads}}


def flow_form(
    term: str,
    terrain: Terrain,
    rows: Sequence[FlowRow],
    demand: Ints,
    standing: Mapping[str, int],
) -> LinearLoad:
    """Return `rows` as a form; `standing` is what consumers draw without any job, in watts.

    Shares become integers over one common denominator, the form's scale, so nothing is rounded.
    """
    scale = lcm(*{share.denominator for row in rows for share in row.shares.values()})
    weights = [
        {name: share.numerator * (scale // share.denominator) for name, share in row.shares.items()}
        for row in rows
    ]
    index = terrain.rack_index
    base = [sum(standing.get(name, 0) * weight for name, weight in row.items()) for row in weights]
    return LinearLoad(
        term=term,
        unit="W",
        scale=scale,
        kind_of_rack=terrain.type_of_rack,
        demand=demand,
        rows=Rows.build([{index[c]: w for c, w in row.items() if c in index} for row in weights]),
        base=np.array(base, np.int64),
        limit=np.array([row.limit_w * scale for row in rows], np.int64),
        subject=tuple(row.subject for row in rows),
        state=tuple(row.state for row in rows),
    )
