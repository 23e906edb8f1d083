"""Term `power_failover`: after any failure no power node carries more than it may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import ClassVar

from kernels.forms import Form, Ints
from scheduler.model import (
    FailureState,
    Finding,
    Kind,
    Plan,
    PowerNode,
    Problem,
    Site,
    slots_per_unit,
)
from scheduler.model.units import PERMILLE, ceil_div
from scheduler.terms.base import Terrain
from scheduler.terms.power_normal import FlowRow, flow_form, standing_w
from scheduler.terms.routing import NodeLoad, Routing, draws
from scheduler.topology import Topology
from scheduler.words import power, share_of


@dataclass(frozen=True)
class PowerFailover:
    """After any failure every power node stays within its rating once jobs have acted.

    Until then, for `power_action_s`, it stays within what it tolerates for that long.
    After the action: ``sum_c share[s, n, c] * acted[c] <= rating[n]``, where a ``shed`` job falls
    to idle, a ``cap`` job to its cap and a ``firm`` job stays at its peak. Before the action:
    ``sum_c share[s, n, c] * peak[c] <= rating[n] * emergency_permille[n] / 1000`` if the node
    bears that for `power_action_s`, else ``<= rating[n]``. In watts, for every state ``s`` and
    every live node ``n`` that some consumer leans on more than before. Lost racks draw nothing.
    Source: pairwise failover ``L_v + sum of P_r / 2`` [D]; overload for seconds [M]; work that
    gives way to a failure: Flex, ISCA 2021 [T].
    """

    name: ClassVar[str] = "power_failover"

    def applies(self, problem: Problem) -> bool:
        """Whether the site has power nodes and names failures that it must survive."""
        return bool(problem.site.power_nodes and problem.site.failure_states)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield the rows after the action, then those before it.

        A row is left out if no plan that fits into the racks can break it: if its limit holds
        with every rack full of the units that draw most. `explain` looks at every row.
        """
        problem = terrain.problem
        states = [_Aftermath.of(terrain.topology, state) for state in problem.site.failure_states]
        standing = standing_w(problem)
        for acted in (True, False):
            demand = terrain.demand(problem.acted_w if acted else problem.peak_w)
            worst = _worst_w(terrain, demand, standing)
            rows = [row for state in states for row in state.rows(acted, worst)]
            if rows:
                yield flow_form(self.name, terrain, rows, demand, standing)

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the load of every node that a failure adds to, after and before the action."""
        routing = Routing(problem.site)
        for acted in (True, False):
            drawn = draws(problem, plan, problem.acted_w if acted else problem.peak_w)
            normal = routing.loads(drawn)
            for state in problem.site.failure_states:
                for name, load in routing.grown_loads(state, drawn, normal):
                    node = problem.site.power_nodes[name]
                    yield self._finding(problem.site, state, node, load, acted)

    def _finding(
        self, site: Site, state: FailureState, node: PowerNode, load: NodeLoad, acted: bool
    ) -> Finding:
        amount, limit = ceil(load.total), limit_w(site, node, acted)
        what = f"{power(amount)}{'' if acted else f' for {site.power_action_s} s'}"
        words = (
            f"feed {node.name} would carry {what} after losing {' and '.join(state.failed)}, "
            f"{share_of(amount, limit)} of its {power(limit)}"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=node.name,
            amount=amount,
            limit=limit,
            unit="W",
            state=state_name(state, acted),
            jobs=load.jobs,
            message=words if amount > limit else "",
        )


def state_name(state: FailureState, acted: bool) -> str:
    """Name a failure state after or before the power action."""
    return state.name if acted else f"{state.name} (before action)"


def limit_w(site: Site, node: PowerNode, acted: bool) -> int:
    """Watts that a node may carry after the action, or until it has taken effect."""
    if acted or node.emergency_s < site.power_action_s:
        return node.rating_w
    return node.rating_w * node.emergency_permille // PERMILLE


@dataclass(frozen=True)
class _Aftermath:
    """Where power flows in one failure state."""

    topology: Topology
    state: FailureState
    lost: frozenset[str]
    flows: Mapping[str, Mapping[tuple[str, ...], Fraction]]

    @staticmethod
    def of(topology: Topology, state: FailureState) -> _Aftermath:
        lost, flows = topology.lost_racks(state.failed), topology.failure_flows_by_feeds(state)
        return _Aftermath(topology, state, lost, flows)

    def rows(self, acted: bool, worst_w: Mapping[tuple[str, ...], int]) -> Iterator[FlowRow]:
        """Yield the limits that the worst draw of the consumers could break."""
        site = self.topology.site
        for name, by_feeds in self.flows.items():
            limit = limit_w(site, site.power_nodes[name], acted)
            scale = lcm(*{share.denominator for share in by_feeds.values()})
            worst = sum(
                worst_w[feeds] * share.numerator * (scale // share.denominator)
                for feeds, share in by_feeds.items()
            )
            if worst > limit * scale:
                shares = {
                    consumer: share
                    for feeds, share in by_feeds.items()
                    for consumer in self.topology.consumers_on[feeds]
                    if consumer not in self.lost
                }
                yield FlowRow(name, state_name(self.state, acted), shares, limit)


def _worst_w(
    terrain: Terrain, demand: Ints, standing: Mapping[str, int]
) -> dict[tuple[str, ...], int]:
    """Most watts that the consumers on each set of feeds can draw together.

    Units on a rack take at most its GPUs, so their power is at most that of a rack full of the
    job with the most watts per slot: ``ceil(gpus * max_j demand[j] / slots[j])``. With rounding
    up per unit this can be a few watts more than the rack's basis power.
    """
    full = {
        rack_type.name: max(
            (
                ceil_div(int(demand[j, k]) * rack_type.gpus, slots_per_unit(job, rack_type))
                for j, job in enumerate(terrain.jobs)
            ),
            default=0,
        )
        for k, rack_type in enumerate(terrain.rack_types)
    }
    racks = terrain.problem.site.racks
    return {
        feeds: sum(
            standing[name] + (full[racks[name].type] if name in racks else 0) for name in names
        )
        for feeds, names in terrain.topology.consumers_on.items()
    }
