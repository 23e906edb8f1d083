"""From the compact site file to the explicit site: every rack, feed and loop written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scheduler.inputs.climate import plant, weather
from scheduler.inputs.expand_cooling import (
    check_air,
    check_loops,
    default_pue_permille,
    hall_air,
    loops,
)
from scheduler.inputs.expand_layout import HallPlan, expand_halls
from scheduler.inputs.expand_power import (
    balance,
    base_loads,
    busway_nodes,
    check_power,
    ups_nodes,
    utility_nodes,
    with_swing_limits,
)
from scheduler.inputs.expand_types import check_arrays, rack_types
from scheduler.inputs.mistakes import Mistakes, Place
from scheduler.inputs.quantities import permille_down
from scheduler.inputs.site_file import FabricFile, PricesFile, SiteFile
from scheduler.inputs.validation import closest
from scheduler.model import (
    BaseLoad,
    Fabric,
    Level,
    Loop,
    PowerNode,
    Prices,
    Rack,
    RackType,
    Site,
)
from scheduler.model.levels import DEFAULT_LADDER
from scheduler.model.units import round_down, round_up


@dataclass(slots=True)
class _Tree:
    """Power and cooling of all halls while they are written out."""

    nodes: list[PowerNode] = field(default_factory=list)
    base: list[BaseLoad] = field(default_factory=list)
    loops: dict[str, Loop] = field(default_factory=dict)
    feeds_of_array: dict[str, tuple[str, ...]] = field(default_factory=dict)
    loop_of_array: dict[str, str] = field(default_factory=dict)


def expand_site(site_file: SiteFile, document: Place, mistakes: Mistakes) -> Site | None:
    """Return the explicit site, or None after mistakes, all of which are added to `mistakes`."""
    before = len(mistakes)
    types = rack_types(site_file, document, mistakes)
    check_arrays(site_file, types, document, mistakes)
    if len(mistakes) > before:
        return None
    halls = expand_halls(site_file, types, document, mistakes)
    if halls is None:
        return None
    for hall in {hall.index: hall for hall in halls}.values():
        check_power(hall, document, mistakes)
        check_loops(hall, document, mistakes)
    _check_rack_names(site_file, halls, document, mistakes)
    if len(mistakes) > before:
        return None
    site = _site(site_file, types, halls)
    _check_failure_sets(site_file, site, document, mistakes)
    for hall in {hall.index: hall for hall in halls}.values():
        loc = ("halls", hall.index, "cooling", "air")
        check_air(site.halls[hall.name], loc, document, mistakes)
    return site if len(mistakes) == before else None


def _site(site_file: SiteFile, types: Mapping[str, RackType], halls: Sequence[HallPlan]) -> Site:
    at_plant, days = plant(site_file.plant), weather(site_file.ambient)
    pue = site_file.prices.pue
    pue_permille = (
        default_pue_permille(halls, at_plant, days) if pue is None else round_up(pue, 1000)
    )
    tree = _tree(site_file, halls, pue_permille)
    used = {array.type.name for hall in halls for array in hall.arrays}
    swing_mw = site_file.swing.site_mw
    return Site(
        name=site_file.name,
        power_basis=site_file.power_basis,
        rack_types={name: each for name, each in types.items() if name in used},
        halls={hall.name: hall_air(hall, site_file.power_basis) for hall in halls},
        racks={rack.name: rack for hall in halls for rack in _racks(hall, tree)},
        power_nodes={node.name: node for node in with_swing_limits(site_file, tree.nodes)},
        loops=tree.loops,
        base_loads=tuple(tree.base),
        failure_kinds=tuple(dict.fromkeys(site_file.failure_states)),
        failure_sets=tuple(map(tuple, site_file.failure_sets)),
        weather=days,
        plant=at_plant,
        fabric=_fabric(site_file.fabric),
        prices=_prices(site_file.prices, pue_permille),
        power_action_s=site_file.power_action_s,
        site_swing_limit_w=None if swing_mw is None else round_down(swing_mw, 10**6),
        isolation_ladder=DEFAULT_LADDER
        | {level: tuple(domains) for level, domains in site_file.isolation_ladder.items()},
    )


def _tree(site_file: SiteFile, halls: Sequence[HallPlan], pue_permille: int) -> _Tree:
    """Write out power and loops; busways are spread by nameplate, like the cables themselves."""
    tree = _Tree(nodes=list(utility_nodes(site_file.utility, pue_permille)))
    feeds = [node.name for node in tree.nodes]
    for hall in halls:
        nodes, outlets = ups_nodes(hall, site_file.utility, feeds)
        tree.nodes += nodes
        chosen = balance(outlets, [array.nameplate_w for array in hall.arrays])
        for array, outlet in zip(hall.arrays, chosen, strict=True):
            power_factor = site_file.utility.power_factor
            busways = busway_nodes(hall, array, outlets[outlet], power_factor)
            tree.nodes += busways
            tree.feeds_of_array[array.name] = tuple(busway.name for busway in busways)
        tree.base += base_loads(hall, outlets)
        for loop, served in loops(hall):
            tree.loops[loop.name] = loop
            tree.loop_of_array |= dict.fromkeys(served, loop.name)
    return tree


def _racks(hall: HallPlan, tree: _Tree) -> Iterator[Rack]:
    for array in hall.arrays:
        entry = hall.file.arrays[array.entry]
        drained = set(entry.drained)
        for seat in array.seats:
            yield Rack(
                name=seat.rack,
                type=array.type.name,
                hall=hall.name,
                array=array.name,
                pod=array.pod,
                feeds=tree.feeds_of_array[array.name],
                loop=tree.loop_of_array.get(array.name),
                row=seat.row,
                position=seat.position,
                down_nodes=entry.down_nodes.get(seat.rack, 0),
                drained=seat.rack in drained,
            )


def _fabric(file: FabricFile) -> Fabric:
    return Fabric(
        kind=file.kind,
        rails=file.rails,
        link_mbps=round_down(file.link_gbps, 1000),
        efficiency_permille=permille_down(file.efficiency),
        oversubscription_permille=round_up(file.oversubscription, 1000),
        joins=Level(file.joins),
    )


def _prices(file: PricesFile, pue_permille: int) -> Prices:
    return Prices(
        energy_mills_per_mwh=round_up(file.energy_usd_per_mwh, 1000),
        pue_permille=pue_permille,
        move_mills_per_gpu=round_up(file.move_usd_per_gpu, 1000),
    )


def _check_rack_names(
    site_file: SiteFile, halls: Sequence[HallPlan], place: Place, mistakes: Mistakes
) -> None:
    """Drained racks and racks with broken nodes are named in the line of their own arrays."""
    of_entry: dict[tuple[int, int], dict[str, RackType]] = {}
    for hall in halls:
        for array in hall.arrays:
            racks = of_entry.setdefault((hall.index, array.entry), {})
            racks |= {seat.rack: array.type for seat in array.seats}
    for (h, a), racks in of_entry.items():
        entry, loc = site_file.halls[h].arrays[a], ("halls", h, "arrays", a)
        expected = "a rack of these arrays"
        for index, rack in enumerate(entry.drained):
            if rack not in racks:
                hint = closest(rack, racks)
                mistakes.add(place, (*loc, "drained", index), expected, rack, hint)
        for rack, down in entry.down_nodes.items():
            at = (*loc, "down_nodes", rack)
            if rack not in racks:
                mistakes.add(place, at, expected, rack, closest(rack, racks))
            elif not 0 <= down <= racks[rack].nodes:
                mistakes.add(place, at, f"0 to {racks[rack].nodes} nodes", down)


def _check_failure_sets(site_file: SiteFile, site: Site, place: Place, mistakes: Mistakes) -> None:
    known = [*site.power_nodes, *site.loops]
    components = set(known)
    for index, names in enumerate(site_file.failure_sets):
        if not names:
            mistakes.add(place, ("failure_sets", index), "at least one component", "an empty list")
        for position, name in enumerate(names):
            if name not in components:
                loc = ("failure_sets", index, position)
                expected = "a power node or loop, such as " + ", ".join(known[:3])
                mistakes.add(place, loc, expected, name, closest(name, known))
