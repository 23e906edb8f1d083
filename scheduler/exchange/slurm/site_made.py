"""A site from Slurm's topology and nodes; all that Slurm does not know is filled in and told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from scheduler.exchange.slurm.cluster_state import NodeState
from scheduler.exchange.slurm.places import places_of
from scheduler.exchange.slurm.rack_groups import NodeGroup, rack_groups
from scheduler.exchange.slurm.rack_types import UNKNOWN_HOST, UNKNOWN_RACK, rack_type_of
from scheduler.exchange.slurm.topologies import Switch, Topologies
from scheduler.inputs.catalogue import catalogue
from scheduler.model import Fabric, Hall, Level, PowerNode, Rack, RackType, Site
from scheduler.model.levels import DEFAULT_LADDER

SUPPLY_MC, INLET_LIMIT_MC = 22_000, 27_000  # as in the site file
_FEED = "grid"


@dataclass
class SiteMade:
    """A site, and what was left out or filled in."""

    site: Site
    unmapped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def site_made(
    topologies: Topologies,
    nodes: Mapping[str, NodeState] | None,
    *,
    busy: Collection[str] = (),
    name: str = "slurm",
    nodes_per_rack: int | None = None,
) -> SiteMade:
    """Return a site with the fabric, racks and nodes of a cluster.

    Parameters
    ----------
    nodes
        None if they were not given: then every node has the GPUs of a built-in type.
    busy
        Nodes on which jobs run: they can be used, even if they drain.
    """
    unmapped: list[str] = []
    notes: list[str] = []
    tree = _with_gpus(_tree(topologies, unmapped), nodes, unmapped)
    places = places_of(tree)
    unmapped += places.unmapped
    whole = Topologies(switches=tree, blocks=topologies.blocks)

    def kind_of(node: str) -> tuple[str, int]:
        state = nodes[node] if nodes is not None else None
        return (state.gpu_type, state.gpus) if state else ("", 0)

    types: dict[str, RackType] = {}
    racks: dict[str, Rack] = {}
    for group in rack_groups(whole, kind_of, nodes_per_rack, unmapped):
        rack_type = _type_of(group, *kind_of(group.nodes[0]))
        types[rack_type.name] = rack_type
        domains = places.domains[group.leaf]
        racks[group.name] = _rack(
            Rack(
                name=group.name,
                type=rack_type.name,
                hall=domains[Level.HALL],
                array=domains[Level.ARRAY],
                pod=domains[Level.POD],
                feeds=(_FEED,),
                hosts=group.nodes,
            ),
            nodes or {},
            busy,
            notes,
        )
    halls = dict.fromkeys(rack.hall for rack in racks.values())
    nameplate_w = sum(types[rack.type].nameplate_w for rack in racks.values())
    site = Site(
        name=places.site or name,
        power_basis="observed_peak",
        rack_types=types,
        halls={
            hall: Hall(name=hall, supply_mc=SUPPLY_MC, inlet_limit_mc=INLET_LIMIT_MC)
            for hall in halls
        },
        racks=racks,
        power_nodes={_FEED: PowerNode(name=_FEED, kind="utility", rating_w=max(1, nameplate_w))},
        loops={},
        fabric=Fabric(joins=places.joins),
        isolation_ladder=DEFAULT_LADDER,
    )
    notes += _filled_in(site, nodes)
    return SiteMade(site, unmapped, notes)


def _tree(topologies: Topologies, unmapped: list[str]) -> tuple[Switch, ...]:
    """Return the switches; blocks alone become one leaf."""
    blocked = {n: b.name for each in topologies.blocks for b in each.blocks for n in b.nodes}
    if not topologies.switches:
        return (Switch(name="leaf", nodes=tuple(blocked)),)
    hung = {node for switch in topologies.switches for node in switch.nodes}
    for node, block in blocked.items():
        if node not in hung:
            unmapped.append(f"node {node}: in block {block}, but on no switch of the topology")
    return topologies.switches


def _with_gpus(
    tree: tuple[Switch, ...], nodes: Mapping[str, NodeState] | None, unmapped: list[str]
) -> tuple[Switch, ...]:
    """Return the tree without nodes that are unknown or have no GPUs, and leaves left bare."""
    if nodes is None:
        return tree
    hung = {node for switch in tree for node in switch.nodes}
    for node, state in nodes.items():
        if node not in hung and state.gpus:
            unmapped.append(f"node {node}: on no switch of the topology")
    kept: list[Switch] = []
    gone: set[str] = set()
    for switch in tree:
        for node in switch.nodes:
            if node not in nodes:
                unmapped.append(f"node {node}: in the topology, but not among the nodes")
            elif not nodes[node].gpus:
                unmapped.append(f"node {node}: no GPUs")
        inside = tuple(n for n in switch.nodes if n in nodes and nodes[n].gpus)
        if switch.nodes and not inside:
            unmapped.append(f"switch {switch.name}: no nodes with GPUs")
            gone.add(switch.name)
        else:
            kept.append(replace(switch, nodes=inside))
    return _without(tuple(kept), gone)


def _without(tree: tuple[Switch, ...], gone: set[str]) -> tuple[Switch, ...]:
    """Return the tree without the switches `gone`, and those that joined nothing else."""
    while gone:
        kept = [
            replace(s, children=tuple(c for c in s.children if c not in gone))
            for s in tree
            if s.name not in gone
        ]
        gone = {switch.name for switch in kept if not switch.children and not switch.nodes}
        tree = tuple(kept)
    return tree


def _type_of(group: NodeGroup, gpu_type: str, gpus: int) -> RackType:
    stand_in = catalogue()[UNKNOWN_RACK if group.block else UNKNOWN_HOST]
    return rack_type_of(
        gpu_type or stand_in.gpu_type,
        len(group.nodes),
        gpus or stand_in.gpus_per_node,
        block=group.block,
    )


def _rack(
    rack: Rack, nodes: Mapping[str, NodeState], busy: Collection[str], notes: list[str]
) -> Rack:
    """Return the rack with its broken nodes last; drained if all of its nodes are."""
    states = {host: nodes[host] for host in rack.hosts if host in nodes}
    idle = {host: state for host, state in states.items() if host not in busy}
    if idle and len(idle) == len(rack.hosts) and all(state.drained for state in idle.values()):
        return replace(rack, drained=True)
    out = [host for host, state in idle.items() if state.drained or state.broken]
    notes += [f"node {host}: drained, counted as broken" for host in out if idle[host].drained]
    working = [host for host in rack.hosts if host not in out]
    return replace(rack, hosts=(*working, *out), down_nodes=len(out))


def _filled_in(site: Site, nodes: Mapping[str, NodeState] | None) -> list[str]:
    notes = [
        "power: one feed that carries the nameplate of all racks; Slurm knows no power",
        "cooling: no loops, inlets of 22 °C below a limit of 27 °C; Slurm knows no heat",
    ]
    if nodes is None:
        notes.append(
            f"GPUs: as in {UNKNOWN_HOST}, in blocks as in {UNKNOWN_RACK}; --sinfo tells them"
        )
    if site.fabric.joins is Level.HALL:
        notes.append("the topology has several roots: each is a fabric of its own, here a hall")
    built_in = catalogue()
    made = [each for each in site.rack_types.values() if each != built_in.get(each.name)]
    notes += [f"rack type {each.name}: {each.source}" for each in made]
    return notes
