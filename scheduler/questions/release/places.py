"""Which racks belong to a named place of a site."""

from __future__ import annotations

from scheduler.model import Level, Site
from scheduler.topology import Topology

KINDS = (Level.HALL, Level.POD, Level.ARRAY, Level.RACK)


def place_names(site: Site) -> tuple[str, ...]:
    """Return the names of all places that can be emptied."""
    racks = [site.domain_of(rack, kind) for kind in KINDS for rack in site.racks.values()]
    named = [name for name in racks if name is not None]
    return tuple(dict.fromkeys([*named, *site.loops, *site.power_nodes]))


def racks_of(site: Site, place: str) -> tuple[str, ...]:
    """Return the racks of a hall, pod, array or rack, on a loop, or fed through a power node.

    The largest kind of that name counts. Racks that draw from a power node by any way in the
    wiring belong to it, also those that have another feed.
    """
    for kind in KINDS:
        found = [name for name, rack in site.racks.items() if site.domain_of(rack, kind) == place]
        if found:
            return tuple(found)
    if place in site.loops:
        return tuple(name for name, rack in site.racks.items() if rack.loop == place)
    if place in site.power_nodes:
        consumers = Topology(site).consumers_of(place)
        return tuple(name for name in consumers if name in site.racks)
    return ()


def racks_by_domain(site: Site, level: Level) -> dict[str, tuple[str, ...]]:
    """Return the racks of every array, or of every hall."""
    found: dict[str, list[str]] = {}
    for name, rack in site.racks.items():
        domain = site.domain_of(rack, level)
        if domain is not None:
            found.setdefault(domain, []).append(name)
    return {domain: tuple(names) for domain, names in found.items()}
