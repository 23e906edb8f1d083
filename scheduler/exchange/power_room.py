"""How much power each part of the site may draw so that every limit holds, in every state.

Neighbours that know power know it as a tree of sums: this many watts for a rack group, this many
for the hall. The site's power is no tree (two feeds, shared spares), and its limits change after
a failure. What is told to them is therefore a box: as long as each group stays within its watts,
no power node is overloaded, normally or after any failure, whatever the groups draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from scheduler.model import Job, Plan, PowerNode, Problem, RackType
from scheduler.model.units import PERMILLE
from scheduler.topology import Topology
from scheduler.topology.flows import split

Feeds = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomGroup:
    """Racks of one hall on the same feeds, and the watts that they may draw together."""

    hall: str
    feeds: Feeds
    racks: tuple[str, ...]
    planned_w: int  # peak of the plan, idle power included
    room_w: int  # what may be drawn in every state


def power_room(problem: Problem, plan: Plan) -> tuple[RoomGroup, ...]:
    """Return the watts that each group of racks may draw, in the order of the site.

    All groups grow from what the plan draws towards full racks by the same share, in thousandths,
    until a limit of a power node is reached; then the groups that load this node stop and the
    others go on. ``planned <= room <= full`` for each. What is drawn beyond the plan counts as
    firm: no failure lowers it. Planned jobs act in failures as the plan has them act.
    Source: max-min fair filling; limits as in the terms power_normal and power_failover [D].
    """
    topology, site = Topology(problem.site), problem.site
    peak = _drawn(problem, plan, problem.peak_w)
    acted = _drawn(problem, plan, problem.acted_w)
    groups: dict[tuple[str, Feeds], list[str]] = {}
    for rack in site.racks.values():
        groups.setdefault((rack.hall, rack.feeds), []).append(rack.name)
    keys = list(groups)
    planned = [sum(peak[rack] for rack in groups[key]) for key in keys]
    full = [
        sum(max(site.basis_w(site.type_of(site.racks[r])), peak[r]) for r in groups[key])
        for key in keys
    ]
    growth = [full[g] - planned[g] for g in range(len(keys))]
    by_feeds: dict[Feeds, list[int]] = {}
    for g, (_hall, feeds) in enumerate(keys):
        by_feeds.setdefault(feeds, []).append(g)
    rows = list(_rows(topology, peak, acted, by_feeds, growth))
    shares = _filled(rows, len(keys))
    return tuple(
        RoomGroup(
            hall=hall,
            feeds=feeds,
            racks=tuple(groups[hall, feeds]),
            planned_w=planned[g],
            room_w=planned[g] + growth[g] * shares[g] // PERMILLE,
        )
        for g, (hall, feeds) in enumerate(keys)
    )


@dataclass(slots=True)
class _Row:
    """A limit of a power node in a state: ``sum slope[g] * share[g] <= slack``, share 0..1."""

    slack: int
    slope: dict[int, int]


def _drawn(problem: Problem, plan: Plan, watts: Callable[[Job, RackType], int]) -> dict[str, int]:
    """Return what every rack and base load draws, idle power included."""
    site = problem.site
    drawn = {rack.name: problem.idle_w(rack) for rack in site.racks.values()}
    for job, rack, units in plan.shards():
        drawn[rack] += units * watts(problem.jobs[job], site.type_of(site.racks[rack]))
    return drawn | {load.name: load.power_w for load in site.base_loads}


def _rows(
    topology: Topology,
    peak: Mapping[str, int],
    acted: Mapping[str, int],
    by_feeds: Mapping[Feeds, list[int]],
    growth: list[int],
) -> Iterator[_Row]:
    """Yield the limits of all power nodes in all states that any group adds to."""
    site = topology.site

    def row(shares: Mapping[Feeds, Fraction], drawn: Mapping[str, int], limit_w: int) -> _Row:
        scale = lcm(*(share.denominator for share in shares.values()))
        weight = {feeds: int(share * scale) for feeds, share in shares.items()}
        load = sum(
            weight[feeds] * drawn[name] for feeds in shares for name in topology.consumers_on[feeds]
        )
        slope = {g: weight[feeds] * growth[g] for feeds in shares for g in by_feeds.get(feeds, ())}
        return _Row(limit_w * scale - load, {g: each for g, each in slope.items() if each})

    normal: dict[str, dict[Feeds, Fraction]] = {}
    for feeds in topology.consumers_on:
        for name, share in split(feeds, topology.routes).items():
            normal.setdefault(name, {})[feeds] = share
    for name, shares in normal.items():
        yield row(shares, peak, site.power_nodes[name].rating_w)
    for state in site.failure_states:
        for name, flows in topology.failure_flows_by_feeds(state).items():
            node = site.power_nodes[name]
            yield row(flows, acted, node.rating_w)
            yield row(flows, peak, _until_action_w(node, site.power_action_s))


def _until_action_w(node: PowerNode, power_action_s: int) -> int:
    """Watts that a node bears until jobs have acted."""
    if node.emergency_s < power_action_s:
        return node.rating_w
    return node.rating_w * node.emergency_permille // PERMILLE


def _filled(rows: list[_Row], groups: int) -> list[int]:
    """Return how far each group may grow, in thousandths: all alike until a limit stops some."""
    share = [PERMILLE] * groups
    active = set(range(groups))
    on: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        for g in row.slope:
            on.setdefault(g, []).append(i)
    total = [sum(row.slope.values()) for row in rows]  # of the groups that still grow
    while active:
        stops = {
            i: max(0, rows[i].slack * PERMILLE // total[i])
            for i in range(len(rows))
            if total[i] > 0
        }
        first = min(stops.values(), default=PERMILLE)
        if first >= PERMILLE:
            break
        bound = {g for i, stop in stops.items() if stop == first for g in rows[i].slope} & active
        for g in bound:
            share[g] = first
            for i in on[g]:
                total[i] -= rows[i].slope[g]
                rows[i].slack -= -(-rows[i].slope[g] * first // PERMILLE)
        active -= bound
    return share
