"""Checks of a whole site: references, the power graph, domains that nest, sensible figures."""

from __future__ import annotations

import graphlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from scheduler.inputs.mistakes import Loc, Mistakes, Place, Plain
from scheduler.inputs.salvage import Everything, Gaps
from scheduler.inputs.validation import closest, one_of
from scheduler.model import Level, Rack, Site
from scheduler.model.levels import RACK_DOMAIN_LEVELS

Check = Callable[[Site, Mistakes, Place, Gaps], None]

_UNKNOWN = "a known name"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def validate_site(site: Site, mistakes: Mistakes, place: Place, gaps: Gaps | None = None) -> None:
    """Add every mistake of an explicit site.

    The same for each form that a site is written in; `place` finds ``("racks", name, field)``.
    References to records in `gaps`, whose own mistakes are known already, are none.
    """
    gaps = gaps or Gaps()
    if not site.racks and not gaps.touch("racks"):
        mistakes.add(place, ("racks",), "at least one rack", Plain("none"))
    for check in _CHECKS:
        check(site, mistakes, place, gaps)


def known(
    names: Iterable[str],
    among: Collection[str],
    mistakes: Mistakes,
    place: Place,
    loc: Loc,
) -> bool:
    """Whether all names are among the known ones; each other one is a mistake."""
    unknown = [name for name in names if name not in among]
    for name in unknown:
        if mistakes.count_if_many(loc, _UNKNOWN):
            continue
        if mistakes.is_full:
            mistakes.count(1)
        else:
            expected = one_of(among, name)
            mistakes.add(place, loc, expected, name, closest(name, among), _UNKNOWN)
    return not unknown


def distinct(names: Iterable[str], mistakes: Mistakes, place: Place, loc: Loc) -> None:
    """Each name once."""
    for name, count in Counter(names).items():
        if count > 1:
            mistakes.add(place, loc, "each name once", Plain(f"{name} {count} times"))


def _racks(site: Site, mistakes: Mistakes, place: Place, gaps: Gaps) -> None:
    types = gaps.among("rack_types", site.rack_types)
    halls = gaps.among("halls", site.halls)
    nodes = gaps.among("power_nodes", site.power_nodes)
    loops = gaps.among("loops", site.loops)
    for rack in site.racks.values():
        loc = ("racks", rack.name)
        known([rack.type], types, mistakes, place, (*loc, "type"))
        if rack.type in site.rack_types:
            most = site.type_of(rack).nodes
            if rack.down_nodes > most:
                got = rack.down_nodes
                mistakes.add(place, (*loc, "down_nodes"), f"<= {most} nodes of the rack", got)
        known([rack.hall], halls, mistakes, place, (*loc, "hall"))
        if not 1 <= len(rack.feeds) <= 2:
            mistakes.add(place, (*loc, "feeds"), "one or two power nodes", list(rack.feeds))
        known(rack.feeds, nodes, mistakes, place, (*loc, "feeds"))
        distinct(rack.feeds, mistakes, place, (*loc, "feeds"))
        if rack.loop is not None:
            known([rack.loop], loops, mistakes, place, (*loc, "loop"))
        if rack.loop is not None and rack.loop in site.loops:
            hall = site.loops[rack.loop].hall
            if hall != rack.hall and hall in site.halls:
                expected = f"a loop of hall {rack.hall}"
                mistakes.add(place, (*loc, "loop"), expected, Plain(f"{rack.loop} of hall {hall}"))


def _hosts(site: Site, mistakes: Mistakes, place: Place, _: Gaps) -> None:
    """Host names are given for all nodes of a rack or for none, and no two nodes share one."""
    first: dict[str, str] = {}
    for rack in site.racks.values():
        loc = ("racks", rack.name, "hosts")
        nodes = site.type_of(rack).nodes if rack.type in site.rack_types else len(rack.hosts)
        if rack.hosts and len(rack.hosts) != nodes:
            mistakes.add(place, loc, f"names of all {nodes} nodes, or none", len(rack.hosts))
        for host in rack.hosts:
            if not _HOST.fullmatch(host):
                expected = "at most 63 letters, digits, '.', '_' and '-', none of these at an end"
                mistakes.add(place, loc, expected, host)
            if host in first:
                expected = "a name that no other node has"
                mistakes.add(place, loc, expected, Plain(f"{host}, also of rack {first[host]}"))
            first.setdefault(host, rack.name)


def _rack_types(site: Site, mistakes: Mistakes, place: Place, _: Gaps) -> None:
    for rack_type in site.rack_types.values():
        for field in ("nameplate_w", "observed_peak_w", "percentile_w"):
            watts = getattr(rack_type, field)
            if watts < max(1, rack_type.idle_w):
                expected = f">= {max(1, rack_type.idle_w)} W, what the rack draws idle"
                loc = ("rack_types", rack_type.name, field)
                mistakes.add(place, loc, expected, Plain(f"{watts} W"))


def _nesting(site: Site, mistakes: Mistakes, place: Place, _: Gaps) -> None:
    """An array lies in one pod and hall, a pod in one hall."""
    inside: tuple[tuple[str, str, Callable[[Rack], str], Callable[[Rack], str]], ...] = (
        ("array", "pod", lambda rack: rack.array, lambda rack: rack.pod),
        ("array", "hall", lambda rack: rack.array, lambda rack: rack.hall),
        ("pod", "hall", lambda rack: rack.pod, lambda rack: rack.hall),
    )
    for small, large, small_of, large_of in inside:
        seen: dict[str, str] = {}
        for rack in site.racks.values():
            first = seen.setdefault(small_of(rack), large_of(rack))
            if first != large_of(rack):
                expected = f"{large} {first}, where the other racks of {small} {small_of(rack)} are"
                mistakes.add(place, ("racks", rack.name, large), expected, large_of(rack))


def _power(site: Site, mistakes: Mistakes, place: Place, gaps: Gaps) -> None:
    nodes = gaps.among("power_nodes", site.power_nodes)
    halls = gaps.among("halls", site.halls)
    for node in site.power_nodes.values():
        loc: Loc = ("power_nodes", node.name)
        known(node.parents, nodes, mistakes, place, (*loc, "parents"))
        distinct(node.parents, mistakes, place, (*loc, "parents"))
        if node.hall is not None:
            known([node.hall], halls, mistakes, place, (*loc, "hall"))
        if node.rating_w <= 0:
            mistakes.add(place, (*loc, "rating_w"), "> 0 W", Plain(f"{node.rating_w} W"))
    graph = {node.name: node.parents for node in site.power_nodes.values()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        cycle = list(reversed(error.args[1]))  # from each node to its parent
        loc = ("power_nodes", cycle[0], "parents")
        got = Plain(f"a cycle {' -> '.join(cycle[:10])}{' -> ...' if len(cycle) > 10 else ''}")
        mistakes.add(place, loc, "feeds without a cycle", got)
    for name in site.power_nodes.keys() & site.loops.keys():
        mistakes.add(place, ("loops", name, "name"), "a name that no power node has", name)


def _loads(site: Site, mistakes: Mistakes, place: Place, gaps: Gaps) -> None:
    distinct((load.name for load in site.base_loads), mistakes, place, ("base_loads",))
    nodes = gaps.among("power_nodes", site.power_nodes)
    halls = gaps.among("halls", site.halls)
    for number, load in enumerate(site.base_loads):
        loc = ("base_loads", number)
        known([load.hall], halls, mistakes, place, (*loc, "hall"))
        if not load.feeds:
            mistakes.add(place, (*loc, "feeds"), "at least one power node", Plain("none"))
        known(load.feeds, nodes, mistakes, place, (*loc, "feeds"))
        distinct(load.feeds, mistakes, place, (*loc, "feeds"))


def _cooling(site: Site, mistakes: Mistakes, place: Place, gaps: Gaps) -> None:
    halls, racks = gaps.among("halls", site.halls), gaps.among("racks", site.racks)
    for loop in site.loops.values():
        loc = ("loops", loop.name)
        known([loop.hall], halls, mistakes, place, (*loc, "hall"))
        if loop.spare_units >= loop.units:
            expected = f"< {loop.units} units of the loop"
            mistakes.add(place, (*loc, "spare_units"), expected, loop.spare_units)
        if loop.return_limit_mc <= loop.supply_mc:
            expected = f"> {loop.supply_mc} m°C, the supply"
            mistakes.add(place, (*loc, "return_limit_mc"), expected, loop.return_limit_mc)
    for hall in site.halls.values():
        loc = ("halls", hall.name)
        if hall.inlet_limit_mc <= hall.supply_mc:
            expected = f"> {hall.supply_mc} m°C, the supply"
            mistakes.add(place, (*loc, "inlet_limit_mc"), expected, hall.inlet_limit_mc)
        for number, entry in enumerate(hall.recirculation):
            for field, name in (("rack", entry.rack), ("source", entry.source)):
                rack = site.racks.get(name)
                if name not in racks or (rack is not None and rack.hall != hall.name):
                    where = (*loc, "recirculation", number, field)
                    mistakes.add(place, where, f"a rack of hall {hall.name}", name)


def _failures(site: Site, mistakes: Mistakes, place: Place, gaps: Gaps) -> None:
    kinds = {node.kind for node in site.power_nodes.values()}
    if not gaps.touch("power_nodes"):
        known(site.failure_kinds, sorted(kinds | {"cdu"}), mistakes, place, ("failure_kinds",))
    nodes = gaps.among("power_nodes", site.power_nodes)
    loops = gaps.among("loops", site.loops)
    unreadable = next((each for each in (nodes, loops) if isinstance(each, Everything)), None)
    components = unreadable or {**dict.fromkeys(nodes), **dict.fromkeys(loops)}
    for number, failed in enumerate(site.failure_sets):
        loc = ("failure_sets", number)
        if not failed:
            mistakes.add(place, loc, "at least one component", Plain("none"))
        known(failed, components, mistakes, place, loc)
        distinct(failed, mistakes, place, loc)
    distinct((day.name for day in site.weather), mistakes, place, ("weather",))
    levels = {str(level) for level in Level}
    for level, domains in site.isolation_ladder.items():
        known([level], levels, mistakes, place, ("isolation_ladder",))
        known(domains, (*RACK_DOMAIN_LEVELS, "loop"), mistakes, place, ("isolation_ladder", level))


_CHECKS: tuple[Check, ...] = (
    _rack_types,
    _racks,
    _hosts,
    _nesting,
    _power,
    _loads,
    _cooling,
    _failures,
)
