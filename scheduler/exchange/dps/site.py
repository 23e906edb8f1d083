"""From the power topology of NVIDIA DPS to a site: limits, static loads, A and B feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scheduler.exchange.bare_site import INLET_LIMIT_MC, SUPPLY_MC, known_type, site_text
from scheduler.exchange.dps.read import COMPUTE, DOMAIN, Entity, parents_of, read_topology
from scheduler.exchange.dps.write import ROOT_KIND
from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.rack_sizes import sized
from scheduler.inputs.catalogue import catalogue
from scheduler.model import BaseLoad, Hall, PowerNode, Rack, RackType, Site
from scheduler.model.levels import DEFAULT_LADDER
from scheduler.words import some

MOST_FEEDS = 2
MOST_NAMED = 8
POD = "P1"
_BETWEEN = "A~"
NOTES = (
    "DPS knows no cooling and no fabric: no loops, one pod, an array for each A feed",
    "hosts with the same feeds and the same beginning of their names are taken as a rack",
    "limits are value times power factor",
)
# The number at the end of a host name, with the word for a node that may stand before it.
_END = re.compile(r"[-_.]?(?:n|node|compute|tray|host)?[-_.]?[0-9]+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Seat:
    """Which rack a host belongs to: hosts that agree in all of this share one, if it has room."""

    feeds: tuple[str, ...]
    type: str
    stem: str


def import_dps(path: Path, *, rack_type: str = "") -> Imported:
    """Return ``site.json`` with the power distribution of a DPS topology file.

    Parameters
    ----------
    rack_type
        Built-in rack type of all systems; by default the one with the GPU that their model names.

    Raises
    ------
    ExchangeError
        With every mistake of the file, or every system that has no feed, more than two, or a model
        that says no known GPU.
    """
    topology = read_topology(path)
    entities = topology.entities
    parents = parents_of(entities.values())
    tags = _tags(entities, parents)
    base = known_type(rack_type) if rack_type else None
    racks, types = _racks(topology.name, entities, parents, tags, base)
    most_w = sum(types[rack.type].nameplate_w for rack in racks.values())
    most_w += sum(entity.static_w for entity in entities.values())
    nodes, lines = _power_nodes(topology.name, entities, parents, max(1, most_w))
    site = Site(
        name=topology.name,
        power_basis="nameplate",
        rack_types=types,
        halls={
            topology.name: Hall(
                name=topology.name, supply_mc=SUPPLY_MC, inlet_limit_mc=INLET_LIMIT_MC
            )
        },
        racks=racks,
        power_nodes=nodes,
        loops={},
        base_loads=tuple(_base_loads(topology.name, entities, parents)),
        failure_kinds=_survived(racks, nodes, tags),
        isolation_ladder=DEFAULT_LADDER,
    )
    odd = sorted({entity.tag for entity in entities.values() if entity.tag} - {"A", "B"})
    lines += [f"FeedTag {tag}: kept as the order of feeds" for tag in odd]
    return Imported(
        files={"site.json": site_text(site)},
        unmapped=(*topology.unmapped, *lines),
        notes=(*NOTES, *_survival_note(site)),
    )


def _tags(entities: Mapping[str, Entity], parents: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the feed that every entity hangs on: its own tag, or that of all above it."""
    found: dict[str, str] = {}

    def tag_of(name: str) -> str:
        if name not in found:
            above = {tag_of(parent) for parent in parents.get(name, ())}
            found[name] = entities[name].tag or (above.pop() if len(above) == 1 else "")
        return found[name]

    for name in _from_the_top(entities, parents):
        tag_of(name)
    return found


def _from_the_top(
    entities: Mapping[str, Entity], parents: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """Yield every entity after all that feed it."""
    waiting = {name: len(parents.get(name, ())) for name in entities}
    free = [name for name, count in waiting.items() if not count]
    while free:
        name = free.pop()
        yield name
        for child in entities[name].children:
            waiting[child] -= 1
            if not waiting[child]:
                free.append(child)


def _racks(
    hall: str,
    entities: Mapping[str, Entity],
    parents: Mapping[str, tuple[str, ...]],
    tags: Mapping[str, str],
    base: RackType | None,
) -> tuple[dict[str, Rack], dict[str, RackType]]:
    seats: dict[_Seat, list[str]] = {}
    mistakes = []
    for entity in entities.values():
        if entity.type != COMPUTE:
            continue
        feeds = parents.get(entity.name, ())
        if not 1 <= len(feeds) <= MOST_FEEDS:
            mistakes.append(f"{entity.name}: expected one or two feeds, got {len(feeds)}")
        found = base or _type_of_model(entity.model)
        if found is None:
            expected = "a model that names a known GPU (or --rack-type)"
            mistakes.append(f"{entity.name}: expected {expected}, got {entity.model}")
            continue
        # A first, then B, whatever order the file has them in; one without a tag is in between.
        ordered = tuple(sorted(feeds, key=lambda feed: tags[feed] or _BETWEEN))
        seat = _Seat(ordered, found.name, _END.sub("", entity.name))
        seats.setdefault(seat, []).append(entity.name)
    if mistakes:
        raise ExchangeError(mistakes)
    racks: dict[str, Rack] = {}
    types: dict[str, RackType] = {}
    for seat, hosts in seats.items():
        whole = known_type(seat.type)
        for start in range(0, len(hosts), whole.nodes):
            inside = hosts[start : start + whole.nodes]
            rack_type = sized(whole, len(inside), whole.gpus_per_node, whole.nvlink_domain)
            types[rack_type.name] = rack_type
            name = _free(seat.stem if len(hosts) <= whole.nodes else "", seat.feeds[0], racks)
            racks[name] = Rack(
                name=name,
                type=rack_type.name,
                hall=hall,
                array=seat.feeds[0],
                pod=POD,
                feeds=seat.feeds,
                hosts=tuple(inside),
            )
    return racks, types


def _free(wanted: str, feed: str, racks: Mapping[str, Rack]) -> str:
    if wanted and wanted not in racks:
        return wanted
    number = 1
    while (name := f"{feed}-R{number}") in racks:
        number += 1
    return name


def _type_of_model(model: str | None) -> RackType | None:
    """Return the built-in rack type whose GPU a model such as ``DGX_GB300`` names."""
    by_length = sorted(catalogue().values(), key=lambda each: -len(each.gpu_type))
    return next((each for each in by_length if each.gpu_type in (model or "").lower()), None)


def _power_nodes(
    hall: str,
    entities: Mapping[str, Entity],
    parents: Mapping[str, tuple[str, ...]],
    most_w: int,
) -> tuple[dict[str, PowerNode], list[str]]:
    """Return the power nodes; one without a limit carries `most_w`, all that there is."""
    unlimited = []
    nodes = {}
    for entity in entities.values():
        if entity.type == COMPUTE:
            continue
        if entity.limit_w is None:
            unlimited.append(entity.name)
        kind = entity.model or (ROOT_KIND if entity.type == DOMAIN else entity.type)
        nodes[entity.name] = PowerNode(
            name=entity.name,
            kind=kind,
            parents=parents.get(entity.name, ()),
            rating_w=most_w if entity.limit_w is None else entity.limit_w,
            hall=hall if entity.name in parents else None,
        )
    lines = [f"{len(unlimited)} entities without OperatingLimit: {some(unlimited, MOST_NAMED)}"]
    return nodes, lines if unlimited else []


def _base_loads(
    hall: str, entities: Mapping[str, Entity], parents: Mapping[str, tuple[str, ...]]
) -> Iterator[BaseLoad]:
    """Yield static loads: of a power node on itself, of a system on what feeds it."""
    for entity in entities.values():
        if entity.static_w:
            feeds = parents[entity.name] if entity.type == COMPUTE else (entity.name,)
            name = f"static load of {entity.name}"
            yield BaseLoad(name=name, hall=hall, feeds=feeds, power_w=entity.static_w)


def _survived(
    racks: Mapping[str, Rack], nodes: Mapping[str, PowerNode], tags: Mapping[str, str]
) -> tuple[str, ...]:
    """Kinds of feed of which every rack has an A and a B: the loss of any one is survived."""
    kinds: dict[str, bool] = {}
    for rack in racks.values():
        redundant = len({tags[feed] for feed in rack.feeds}) == MOST_FEEDS
        for feed in rack.feeds:
            kind = nodes[feed].kind
            kinds[kind] = kinds.get(kind, True) and redundant
    return tuple(kind for kind, redundant in kinds.items() if redundant)


def _survival_note(site: Site) -> Iterator[str]:
    if site.failure_kinds:
        yield f"A and B feeds: the loss of any one is to be survived: {some(site.failure_kinds, 8)}"
    else:
        yield "no rack kind has an A and a B feed throughout: no failure states"
