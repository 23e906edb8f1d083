"""NetBox objects as a site: halls, racks, base loads and the power graph."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduler.exchange.netbox.cables import supply_of
from scheduler.exchange.netbox.choices import Choices, notes_of, strays
from scheduler.exchange.netbox.entries import Ref
from scheduler.exchange.netbox.names import unique_names
from scheduler.exchange.netbox.objects import Device, NetBoxRack, Objects, Port
from scheduler.exchange.netbox.power_nodes import failure_kinds, power_nodes
from scheduler.exchange.netbox.rack_kinds import RackKind, kind_of
from scheduler.exchange.netbox.rack_rules import guesses
from scheduler.exchange.netbox.series import stages_of
from scheduler.exchange.netbox.sides import Sides, sides_of
from scheduler.exchange.netbox.supply import Supply
from scheduler.model import BaseLoad, Hall, Rack, Site
from scheduler.model.levels import DEFAULT_LADDER

SUPPLY_MC, INLET_LIMIT_MC = 22_000, 27_000  # as in a site file: ASHRAE H1 [M], ASHRAE [T]
DRAINED = ("reserved", "deprecated")  # racks that take no work until someone says so
ABSENT = ("planned",)
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")  # as in a site


@dataclass(frozen=True, slots=True)
class Made:
    """A site, the rack of every server by name, what has no place in it, and what was chosen."""

    site: Site
    rack_of_host: Mapping[str, str]
    unmapped: list[str]
    notes: list[str]


@dataclass(kw_only=True)
class _Found:
    """Racks that became something, and words on what did not."""

    kinds: dict[int, RackKind] = field(default_factory=dict)
    sides: dict[int, Sides] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def site_of(name: str, objects: Objects, choices: Choices) -> Made:
    """Return the site that the objects are.

    A site whose every rack was left out has no racks; the check of the written site says so.
    """
    supply, lost = supply_of(objects, choices.power_factor)
    found = _found(objects, supply, choices)
    named = {rack: objects.racks[rack] for rack in found.kinds}
    names = unique_names({r.id: (r.name, f"{_hall(r, name)}/{r.name}") for r in named.values()})
    stages = stages_of(supply, [side for each in found.sides.values() for side in each.sides])
    halls = sorted({_hall(rack, name) for rack in named.values()})
    power, feeds = power_nodes(supply, stages, found.sides, names, objects, halls)
    racks, loads = _loads(found, named, names, feeds, name, choices)
    types = {kind.type.name: kind.type for kind in found.kinds.values() if kind.type}
    site = Site(
        name=name,
        power_basis=choices.power_basis,
        rack_types=dict(sorted(types.items())),
        halls={
            hall: Hall(name=hall, supply_mc=SUPPLY_MC, inlet_limit_mc=INLET_LIMIT_MC)
            for hall in halls
        },
        racks={rack.name: rack for rack in racks},
        power_nodes=power,
        loops={},
        base_loads=tuple(loads),
        failure_kinds=choices.survive or failure_kinds(power, found.sides.values()),
        isolation_ladder=dict(DEFAULT_LADDER),
    )
    hosts = {host: names[rack] for rack, kind in found.kinds.items() for host in kind.hosts}
    unmapped = [*found.unmapped, *lost, *strays(objects)]
    return Made(site, hosts, unmapped, notes_of(found.notes, objects, choices, site))


def _found(objects: Objects, supply: Supply, choices: Choices) -> _Found:
    found = _Found()
    devices: dict[int, list[Device]] = defaultdict(list)
    for device in objects.devices.values():
        if device.rack is not None:
            devices[device.rack.id].append(device)
    spreading = {outlet.device for outlet in objects.outlets.values()}
    ports: dict[int, list[Port]] = defaultdict(list)  # by device
    for port in objects.ports.values():
        if port.device not in spreading:
            ports[port.device].append(port)
    guessed = list(guesses(objects.devices.values()))
    for rack in objects.racks.values():
        inside = devices[rack.id]
        inlets = [port for device in inside for port in ports[device.id]]
        kind = kind_of(rack, inside, inlets, choices.rules, guessed)
        sides = sides_of(supply, objects, rack.id)
        if why := _why_not(rack, kind, sides):
            found.unmapped.append(f"rack {rack.name}: {why}")
            continue
        assert sides, "a rack without power has a reason to be left out"
        found.kinds[rack.id], found.sides[rack.id] = kind, sides
        found.notes.update(kind.notes)
        if not sides.is_told:
            found.notes["A and B are feeds of one type, which NetBox does not tell apart"] += 1
        if len(sides.sides) == 1:
            found.notes["only one side: the loss of its feed takes the rack out"] += 1
        types = sorted({r.becomes for r in guessed for d in inside if r.fits_device(d)})
        if kind.type is not None and len(types) > 1:
            what = f"servers with different GPUs ({', '.join(types)})"
            found.unmapped.append(f"rack {rack.name}: {what}, counted as {kind.type.name} alone")
    return found


def _why_not(rack: NetBoxRack, kind: RackKind, sides: Sides | None) -> str:
    if rack.status in ABSENT:
        return f"its status is {rack.status}"
    if kind.why_not:
        return kind.why_not
    return "" if sides else "no active feed leads to it"


def _loads(
    found: _Found,
    racks: Mapping[int, NetBoxRack],
    names: Mapping[int, str],
    feeds: Mapping[int, tuple[str, ...]],
    site: str,
    choices: Choices,
) -> tuple[list[Rack], list[BaseLoad]]:
    made: list[Rack] = []
    loads: list[BaseLoad] = []
    seats: Counter[str] = Counter()
    given: set[str] = set()  # names of servers, each once in a site
    for number in sorted(racks, key=lambda each: (_hall(racks[each], site), names[each])):
        rack, kind, hall = racks[number], found.kinds[number], _hall(racks[number], site)
        if kind.type is None:
            watts = kind.base_w or 0
            name, at = names[number], feeds[number]
            loads.append(BaseLoad(name=name, hall=hall, feeds=at, power_w=watts))
            continue
        array = rack.custom_fields.get(choices.array_field) or (rack.group and rack.group.name)
        made.append(
            Rack(
                name=names[number],
                type=kind.type.name,
                hall=hall,
                array=f"{hall}/{array}"[:200].strip() if array else hall,
                pod=hall,
                feeds=feeds[number],
                position=seats[hall],
                down_nodes=kind.down_nodes,
                drained=rack.status in DRAINED,
                hosts=_host_names(names[number], kind, given, found),
            )
        )
        seats[hall] += 1
    return made, loads


def _host_names(rack: str, kind: RackKind, given: set[str], found: _Found) -> tuple[str, ...]:
    """Return the names of a rack's servers, if they can be those of its nodes."""
    hosts = kind.hosts
    if not hosts:
        return ()
    nodes = kind.type.nodes if kind.type else 0
    usable = all(map(HOST.fullmatch, hosts)) and len(set(hosts)) == len(hosts) == nodes
    if usable and given.isdisjoint(hosts):
        given.update(hosts)
        return hosts
    why = "not one host name for each node" if len(hosts) != nodes else "no host names of their own"
    found.unmapped.append(f"rack {rack}: its {nodes} nodes are named after it, for there is {why}")
    return ()


def _hall(rack: NetBoxRack, site: str) -> str:
    return rack.location.name if rack.location else site


def with_site(objects: Objects, wanted: str) -> Objects:
    """Return the objects of one NetBox site, named by its slug or its name."""

    def here(site: Ref | None) -> bool:
        return site is None or wanted.lower() in (site.name.lower(), site.slug.lower())

    panels = {key: panel for key, panel in objects.panels.items() if here(panel.site)}
    return replace(
        objects,
        racks={key: rack for key, rack in objects.racks.items() if here(rack.site)},
        devices={key: device for key, device in objects.devices.items() if here(device.site)},
        panels=panels,
        feeds={
            key: feed
            for key, feed in objects.feeds.items()
            if feed.panel in panels or feed.panel not in objects.panels
        },
    )
