"""NetBox objects as a site: halls, racks, base loads and the power graph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scheduler.exchange.netbox.cables import supply_of
from scheduler.exchange.netbox.choices import Choices, notes_of, strays
from scheduler.exchange.netbox.entries import Ref
from scheduler.exchange.netbox.mapped_racks import MappedRacks, map_racks
from scheduler.exchange.netbox.names import unique_names
from scheduler.exchange.netbox.objects import NetBoxRack, Objects
from scheduler.exchange.netbox.power_nodes import failure_kinds, power_nodes
from scheduler.exchange.netbox.rack_kinds import RackKind
from scheduler.exchange.netbox.series import stages_of
from scheduler.model import BaseLoad, Hall, Rack, Site
from scheduler.model.levels import DEFAULT_LADDER

SUPPLY_MC, INLET_LIMIT_MC = 22_000, 27_000  # as in a site file: ASHRAE H1 [M], ASHRAE [T]
NOWHERE = -1  # in place of a location
DRAINED = ("reserved", "deprecated")  # racks that take no work until someone says so
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")  # as in a site


@dataclass(frozen=True, slots=True)
class Made:
    """A site, the rack of every server by name, what has no place in it, and what was chosen."""

    site: Site
    rack_of_host: Mapping[str, str]
    unmapped: list[str]
    notes: list[str]


def site_of(name: str, objects: Objects, choices: Choices) -> Made:
    """Return the site that the objects are.

    A site whose every rack was left out has no racks; the check of the written site says so.
    """
    supply, lost = supply_of(objects, choices.power_factor)
    found = map_racks(objects, supply, choices)
    named = {rack: objects.racks[rack] for rack in found.kinds}
    halls = _halls(named.values(), name)
    names = unique_names(
        {r.id: (r.name, f"{halls[_location(r)]}/{r.name}") for r in named.values()}
    )
    stages = stages_of(supply, [side for each in found.sides.values() for side in each.sides])
    power, feeds = power_nodes(supply, stages, found.sides, names, objects, halls)
    racks, loads = _loads(found, named, names, feeds, halls, choices)
    types = {kind.type.name: kind.type for kind in found.kinds.values() if kind.type}
    site = Site(
        name=name,
        power_basis=choices.power_basis,
        rack_types=dict(sorted(types.items())),
        halls={
            hall: Hall(name=hall, supply_mc=SUPPLY_MC, inlet_limit_mc=INLET_LIMIT_MC)
            for hall in sorted(halls.values())
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


def _loads(
    found: MappedRacks,
    racks: Mapping[int, NetBoxRack],
    names: Mapping[int, str],
    feeds: Mapping[int, tuple[str, ...]],
    halls: Mapping[int, str],
    choices: Choices,
) -> tuple[list[Rack], list[BaseLoad]]:
    made: list[Rack] = []
    loads: list[BaseLoad] = []
    seats: Counter[str] = Counter()
    given: set[str] = set()  # names of servers, each once in a site
    hall_of = {number: halls[_location(rack)] for number, rack in racks.items()}
    for number in sorted(racks, key=lambda each: (hall_of[each], names[each])):
        rack, kind, hall = racks[number], found.kinds[number], hall_of[number]
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


def _host_names(rack: str, kind: RackKind, given: set[str], found: MappedRacks) -> tuple[str, ...]:
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


def _halls(racks: Iterable[NetBoxRack], site: str) -> dict[int, str]:
    """Return the name of the hall of every location: names are unique within their parents only."""
    places = {_location(rack): rack.location for rack in racks}
    return unique_names(
        {
            number: (place.name, f"{place.name} #{number}") if place else (site, f"{site} hall")
            for number, place in places.items()
        }
    )


def _location(rack: NetBoxRack) -> int:
    return rack.location.id if rack.location else NOWHERE


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
