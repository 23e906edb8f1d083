"""The limits that can be exceeded in an outage, as rows for the kernels.

Power: ``sum of share * power <= rating`` of every node that has more to carry, before and after
the power action. Loops: heat of the live CDU units, and heat that the return temperature allows,
``heat * c <= (return_limit - T_sup) * flow``. Halls: air heat against derated air cooling. Inlets:
the rows of the term. Jobs are at their peak in a row; scenarios take them below it. So a row that
holds with every job at its peak in the hottest weather can never be exceeded, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from math import lcm

import numpy as np

from kernels.forms import Compiled, LinearLoad
from scheduler.model import Loop, PowerNode, Problem
from scheduler.model.climate import MLPM_MK_PER_W
from scheduler.model.units import PERMILLE
from scheduler.questions.risk.limits import (
    AIR_COOLING,
    BEFORE_ACTION,
    INLETS,
    LOOPS,
    POWER_FAILOVER,
    POWER_NORMAL,
    RETURNS,
    Limit,
)
from scheduler.questions.risk.outages import Outage
from scheduler.questions.risk.rack_draws import RackDraws
from scheduler.questions.risk.rough_flow import RoughFlow
from scheduler.questions.risk.weather import AIR, PPM, Sky
from scheduler.topology import Topology
from scheduler.topology.flows import split


class LimitBook:
    """Limits by what is out, each set of them built once."""

    def __init__(
        self, problem: Problem, topology: Topology, compiled: Compiled, draws: RackDraws, sky: Sky
    ) -> None:
        self._site, self._topology, self._draws = problem.site, topology, draws
        self._hottest = {name: int(column.max()) for name, column in sky.ambient.items()}
        self._index = {rack.name: r for r, rack in enumerate(draws.racks)}
        self._standing = {load.name: load.power_w for load in problem.site.base_loads}
        self._compiled = compiled
        most_w = (draws.idle["all"] + draws.peak["all"]).tolist()
        peak_w = {rack.name: w for rack, w in zip(draws.racks, most_w, strict=True)}
        self.rough = RoughFlow(topology, {**peak_w, **self._standing}, self._least_w)
        self._of_power: dict[tuple[str, ...], tuple[Limit, ...]] = {}
        self._of_loop: dict[tuple[str, int], tuple[Limit, ...]] = {}
        self._of_outage: dict[Outage, tuple[Limit, ...]] = {}

    def of(self, outage: Outage) -> tuple[Limit, ...]:
        """Return the limits that can be exceeded in an outage."""
        found = self._of_outage.get(outage)
        if found is None:
            missing = dict(outage.missing)
            whole = [x for name, x in self._whole_loops.items() if name not in missing]
            found = self._of_outage[outage] = (
                *self._power(outage.nodes),
                *(limit for key in missing.items() for limit in self._loop(*key)),
                *(limit for limits in whole for limit in limits),
                *self._rooms,
            )
        return found

    def _power(self, nodes: tuple[str, ...]) -> tuple[Limit, ...]:
        found = self._of_power.get(nodes)
        if found is None:
            rows = self._after(nodes) if nodes else self._normal()
            found = self._of_power[nodes] = tuple(filter(self._could_be_exceeded, rows))
        return found

    def _normal(self) -> Iterator[Limit]:
        for name, shares in self._topology.normal_flows().items():
            node = self._site.power_nodes[name]
            yield self._flow(POWER_NORMAL, name, shares, node.rating_w)

    def _after(self, nodes: tuple[str, ...]) -> Iterator[Limit]:
        """Yield nodes that have more to carry, and those that carry too much as it is."""
        flows = self._flows(nodes, self.rough.tight(nodes))
        for name, shares in flows.items():
            node = self._site.power_nodes[name]
            yield self._flow(POWER_FAILOVER, name, shares, node.rating_w)
            yield self._flow(BEFORE_ACTION, name, shares, self._brief_w(node))
        too_much = [limit for limit in self._power(()) if limit.subject not in flows]
        below = self._topology.below(nodes) if too_much else ()
        yield from (limit for limit in too_much if limit.subject not in below)

    def _flows(self, failed: tuple[str, ...], names: list[str]) -> dict[str, dict[str, Fraction]]:
        """Return the share of every consumer that flows through some nodes while others are out."""
        found: dict[str, dict[str, Fraction]] = {name: {} for name in names}
        if found:
            routes = self._topology.routes_without(failed)
            for feeds, consumers in self._topology.consumers_on.items():
                shares = split(feeds, routes)
                for name in found.keys() & shares.keys():
                    found[name].update(dict.fromkeys(consumers, shares[name]))
        return found

    def _least_w(self, node: PowerNode) -> int:
        return min(node.rating_w, self._brief_w(node))

    def _brief_w(self, node: PowerNode) -> int:
        """Return what a node bears until the power action has taken effect."""
        if node.emergency_s < self._site.power_action_s:
            return node.rating_w
        return node.rating_w * node.emergency_permille // PERMILLE

    def _flow(self, kind: str, subject: str, shares: Mapping[str, Fraction], limit_w: int) -> Limit:
        scale = lcm(*{share.denominator for share in shares.values()})
        weight = {n: share.numerator * (scale // share.denominator) for n, share in shares.items()}
        racks = sorted((self._index[n], w) for n, w in weight.items() if n in self._index)
        standing = sum(self._standing.get(n, 0) * w for n, w in weight.items())
        return self._limit(kind, subject, "all", racks, standing, limit_w * scale, scale)

    @cached_property
    def _whole_loops(self) -> dict[str, tuple[Limit, ...]]:
        """Limits of loops with all their CDU units, of loops that can exceed any."""
        found = {name: self._loop(name, 0) for name in self._site.loops}
        return {name: limits for name, limits in found.items() if limits}

    def _loop(self, name: str, missing: int) -> tuple[Limit, ...]:
        found = self._of_loop.get((name, missing))
        if found is None:
            rows = self._cooled(self._site.loops[name], missing)
            found = tuple(filter(self._could_be_exceeded, rows))
            self._of_loop[name, missing] = found
        return found

    def _cooled(self, loop: Loop, missing: int) -> Iterator[Limit]:
        live = loop.units - missing
        on_loop = self._topology.racks_on_loop.get(loop.name, ())
        if live <= 0 or not on_loop:
            return  # its racks are lost
        racks = sorted((self._index[rack], 1) for rack in on_loop)
        kept = live if missing else live - loop.spare_units
        yield self._limit(LOOPS, loop.name, "liquid", racks, 0, kept * loop.unit_w, 1)
        design = sum(self._site.type_of(self._site.racks[rack]).flow_mlpm for rack in on_loop)
        flow = min(design, live * loop.unit_flow_mlpm)
        weighted = [(rack, MLPM_MK_PER_W) for rack, _ in racks]
        allowed = (loop.return_limit_mc - loop.supply_mc) * flow
        yield self._limit(
            RETURNS, loop.name, "liquid", weighted, 0, allowed, MLPM_MK_PER_W, loop.name, flow
        )

    @cached_property
    def _rooms(self) -> tuple[Limit, ...]:
        """Limits of air that can be exceeded: air cooling of halls, and inlets."""
        rows = (*self._air_cooling(), *self._inlets())
        return tuple(filter(self._could_be_exceeded, rows))

    def _air_cooling(self) -> Iterator[Limit]:
        derate = self._site.plant.air_derate_permille_per_k
        for hall in self._site.halls.values():
            if hall.air_cooling_w is None:
                continue
            own = [r for r, rack in enumerate(self._draws.racks) if rack.hall == hall.name]
            base = sum(each.power_w for each in self._site.base_loads if each.hall == hall.name)
            racks, limit = [(r, PPM) for r in own], hall.air_cooling_w * PPM
            slope = hall.air_cooling_w * derate
            yield self._limit(
                AIR_COOLING, hall.name, "air", racks, base * PPM, limit, PPM, AIR, slope
            )

    def _inlets(self) -> Iterator[Limit]:
        """Yield the rows of the term, which no weather changes."""
        for form in self._compiled.forms:
            if isinstance(form, LinearLoad) and form.term == INLETS:
                for i, subject in enumerate(form.subject):
                    own = slice(*form.rows.start[i : i + 2].tolist())
                    racks, weights = form.rows.rack[own], form.rows.weight[own]
                    base, limit = int(form.base[i]), int(form.limit[i])
                    yield Limit(INLETS, subject, "air", racks, weights, base, limit, 1)

    def _limit(
        self,
        kind: str,
        subject: str,
        drawn: str,
        racks: list[tuple[int, int]],
        standing: int,
        limit: int,
        scale: int,
        ambient: str | None = None,
        slope: int = 0,
    ) -> Limit:
        columns = np.array(racks, np.int64).reshape(-1, 2).T
        index, weights = columns[0].astype(np.int32), columns[1].copy()
        base = standing + int((self._draws.idle[drawn][index] * weights).sum())
        return Limit(kind, subject, drawn, index, weights, base, limit, scale, ambient, slope)

    def _could_be_exceeded(self, row: Limit) -> bool:
        most = row.base + int((self._draws.peak[row.drawn][row.racks] * row.weights).sum())
        hottest = self._hottest[row.ambient] if row.ambient is not None else 0
        return most > row.limit - row.slope * hottest
