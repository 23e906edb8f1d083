"""A site from its fabric alone: what it does not say is filled in so that nothing is limited.

Topology files name switches, nodes and NVLink domains; they know no power and no cooling. The
site that is made of them is complete, so that it can be read and exported at once; its power and
cooling are to be filled in before it is planned with, and the notes say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.fabric_nodes import FabricNode
from scheduler.exchange.rack_sizes import sized
from scheduler.inputs import site_document
from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.document import Document
from scheduler.inputs.explicit import read_site
from scheduler.inputs.mistakes import InputError, Mistakes
from scheduler.model import Fabric, Hall, Level, PowerNode, Rack, RackType, Site
from scheduler.model.levels import DEFAULT_LADDER

SUPPLY_MC, INLET_LIMIT_MC = 22_000, 27_000  # air of a hall, as in a site file that says nothing
JOINS = (Level.ARRAY, Level.POD, Level.HALL, Level.SITE)  # by the number of layers of switches
NOTE_LIMITS = (
    "power and cooling are not known: each hall has one supply that carries all nameplates, "
    "and no loop; fill them in before planning"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What is known of a node beside its place in the fabric."""

    type: RackType  # its racks are like this one
    gpus: int | None = None  # of the node, if it is known; else as in its type
    usable: bool = True


def known_type(name: str) -> RackType:
    """Return a built-in rack type; `ExchangeError` if there is none of that name."""
    types = catalogue()
    if name not in types:
        raise ExchangeError([f"rack type: expected one of {', '.join(types)}; got {name}"])
    return types[name]


def bare_site(
    name: str, nodes: Sequence[FabricNode], facts: Mapping[str, NodeFacts]
) -> tuple[Site, list[str]]:
    """Return a site with these nodes, and a line for everything that has no place in it.

    The closest layer of switches becomes arrays, the next pods, then halls, then the site. Nodes
    of one NVLink domain, or of one rack where it is known, are a rack; others fill racks of their
    type in their order. A rack of fewer or more nodes than its type gets a type of its own, with
    power in proportion.

    Parameters
    ----------
    facts
        What is known of every node, by host.

    Raises
    ------
    ExchangeError
        No node has a switch, or the switches form more layers than a site has levels.
    """
    placed = [node for node in nodes if node.layers]
    lines = [f"node {node.host}: no switch above it" for node in nodes if not node.layers]
    depth = max((len(node.layers) for node in placed), default=0)
    _check_layers(placed, depth)
    site_name = placed[0].layers[3] if depth == len(JOINS) else name
    types: dict[str, RackType] = {}
    racks: dict[str, Rack] = {}
    used = {name for node in placed for name in (node.domain, node.rack) if name}
    for group in _groups(placed, facts, lines):
        first = group[0]
        known = facts[first.host]
        reach = Level.RACK if first.domain else Level.HOST
        gpus = known.gpus or known.type.gpus_per_node
        rack_type = sized(known.type, len(group), gpus, reach)
        types[rack_type.name] = rack_type
        array, pod, hall = (_layer(first, index) for index in range(3))
        rack_name = _rack_name(first, array, racks, used, lines)
        down = [node for node in group if not facts[node.host].usable]
        up = [node for node in group if facts[node.host].usable]
        racks[rack_name] = Rack(
            name=rack_name,
            type=rack_type.name,
            hall=hall,
            array=array,
            pod=pod,
            feeds=(_supply(hall),),
            hosts=tuple(node.host for node in (*up, *down)),
            down_nodes=len(down),
        )
    site = Site(
        name=site_name,
        power_basis="nameplate",
        rack_types=types,
        halls={
            hall: Hall(name=hall, supply_mc=SUPPLY_MC, inlet_limit_mc=INLET_LIMIT_MC)
            for hall in dict.fromkeys(rack.hall for rack in racks.values())
        },
        racks=racks,
        power_nodes={node.name: node for node in _supplies(racks.values(), types)},
        loops={},
        fabric=Fabric(joins=JOINS[depth - 1]),
        isolation_ladder=DEFAULT_LADDER,
    )
    return site, lines


def site_text(site: Site) -> str:
    """Return the site in full as JSON, after reading it as any other site is read.

    Raises
    ------
    ExchangeError
        With every mistake that reading finds.
    """
    document = site_document(site)
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    mistakes = Mistakes()
    read_site(document, Document("site.json", document, text=text), mistakes)
    try:
        mistakes.raise_if_any()
    except InputError as error:
        raise ExchangeError([str(mistake) for mistake in error.mistakes]) from None
    return text


def _check_layers(placed: Sequence[FabricNode], depth: int) -> None:
    if not placed:
        raise ExchangeError(["switches: expected at least one node below a switch, got none"])
    if depth > len(JOINS):
        deep = next(node for node in placed if len(node.layers) == depth)
        got = " < ".join(deep.layers)
        raise ExchangeError([f"node {deep.host}: expected at most {len(JOINS)} layers, got {got}"])
    roots = sorted({node.layers[-1] for node in placed})
    if depth == len(JOINS) and len(roots) > 1:
        expected = f"at most {len(JOINS) - 1} layers in each of several fabrics"
        raise ExchangeError([f"switches: expected {expected}, got {depth} and {', '.join(roots)}"])


def _layer(node: FabricNode, index: int) -> str:
    """Return the switch of a layer; where a node has fewer, its last one stands for the others."""
    return node.layers[min(index, len(node.layers) - 1)]


def _groups(
    placed: Sequence[FabricNode], facts: Mapping[str, NodeFacts], lines: list[str]
) -> list[list[FabricNode]]:
    """Return the nodes of every rack: they share leaf, type, and domain or rack where it is known.

    A domain that lies behind several leaves becomes a rack behind each; `lines` tells.
    """
    groups: dict[tuple[object, ...], list[FabricNode]] = {}
    leaves: dict[str, set[str]] = {}
    for node in placed:
        together = node.domain or node.rack
        kind = (facts[node.host].type.name, facts[node.host].gpus)
        groups.setdefault((node.layers, node.domain, together, kind), []).append(node)
        if node.domain:
            leaves.setdefault(node.domain, set()).add(node.layers[0])
    for domain, behind in leaves.items():
        if len(behind) > 1:
            lines.append(f"NVLink domain {domain}: behind {len(behind)} leaves, so a rack for each")
    found: list[list[FabricNode]] = []
    for group in groups.values():
        whole = group[0].domain or group[0].rack
        size = len(group) if whole else facts[group[0].host].type.nodes
        found += [group[start : start + size] for start in range(0, len(group), size)]
    return found


def _rack_name(
    node: FabricNode,
    array: str,
    racks: Mapping[str, Rack],
    used: set[str],
    lines: list[str],
) -> str:
    """Return the name of the domain or rack, or the array's with a number that is free."""
    wanted = node.domain or node.rack
    if wanted is not None and wanted not in racks:
        return wanted
    if wanted is not None:
        lines.append(f"rack {wanted}: its nodes behind {array} are a rack of their own")
    number = 1
    while (found := f"{array}-R{number}") in racks or found in used:
        number += 1
    return found


def _supply(hall: str) -> str:
    return f"supply of {hall}"


def _supplies(racks: Iterable[Rack], types: Mapping[str, RackType]) -> list[PowerNode]:
    carried: dict[str, int] = {}
    for rack in racks:
        carried[rack.hall] = carried.get(rack.hall, 0) + types[rack.type].nameplate_w
    return [
        PowerNode(name=_supply(hall), kind="utility", rating_w=watts, hall=hall)
        for hall, watts in carried.items()
    ]
