"""A rack of the catalogue for each NetBox rack with GPUs, and a base load for each without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scheduler.exchange.netbox.objects import Device, NetBoxRack, Port
from scheduler.exchange.netbox.rack_rules import BASE_LOAD, LEAVE_OUT, Rule
from scheduler.inputs.catalogue import catalogue
from scheduler.model import Level, RackType
from scheduler.model.units import ceil_div

COUNTED = ("active", "failed", "offline")  # status of devices that stand in the rack
BROKEN = ("failed", "offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class RackKind:
    """What a rack became: a rack type, a base load, or nothing, and why."""

    type: RackType | None = None
    down_nodes: int = 0
    base_w: int | None = None
    why_not: str = ""
    notes: tuple[str, ...] = ()  # the same words for racks alike, so that they can be counted
    hosts: tuple[str, ...] = ()  # names of its servers, broken ones last


def kind_of(
    rack: NetBoxRack,
    devices: Sequence[Device],
    ports: Sequence[Port],
    rules: Sequence[Rule],
    guessed: Sequence[Rule],
) -> RackKind:
    """Return what a rack becomes by the first rule that fits, else by guess, else by its power.

    `devices` are those of the rack, `ports` the inlets of its devices that have no outlets.
    """
    for rule in (*rules, *guessed):
        matched = [device for device in devices if rule.fits_device(device)]
        if rule.fits_rack(rack) or any(each.status in COUNTED for each in matched):
            if rule.becomes == LEAVE_OUT:
                return RackKind(why_not="left out by a rule of the map")
            if rule.becomes == BASE_LOAD:
                return _base_load(devices, ports)
            hosts = matched or _hosts(devices, rule, guessed)
            note = (
                (f"device type {rule.value} is taken as {rule.becomes} [A]; --map says otherwise",)
                if rule in guessed
                else ()
            )
            kind = _filled(catalogue()[rule.becomes], hosts, rule, note)
            return replace(kind, hosts=_names(hosts))
    return _base_load(devices, ports)


def scaled(rack_type: RackType, nodes: int) -> RackType:
    """Return a rack of `nodes` such nodes: its power and flow are ``nodes / usual`` of the type's.

    Demands are rounded up, the heat flow of its air down.
    """
    usual = rack_type.nodes
    if nodes == usual:
        return rack_type

    def part(amount: int) -> int:
        return ceil_div(amount * nodes, usual)

    return replace(
        rack_type,
        name=f"{rack_type.name}-{nodes}n",
        nodes=nodes,
        nameplate_w=part(rack_type.nameplate_w),
        observed_peak_w=part(rack_type.observed_peak_w),
        percentile_w=part(rack_type.percentile_w),
        idle_w=part(rack_type.idle_w),
        flow_mlpm=part(rack_type.flow_mlpm),
        air_w_per_k=rack_type.air_w_per_k * nodes // usual,
        source=f"[D] {nodes} of {usual} nodes of {rack_type.name}; {rack_type.source}"[:2000],
    )


def _filled(
    rack_type: RackType, hosts: Sequence[Device], rule: Rule, notes: tuple[str, ...]
) -> RackKind:
    states = Counter(device.status for device in hosts)
    nodes = rule.nodes or sum(states[status] for status in COUNTED)
    broken = min(nodes, sum(states[status] for status in BROKEN))
    name = rack_type.name
    if nodes == 0:
        notes = (*notes, f"racks without counted servers are taken as full: {name} [A]")
        return RackKind(type=rack_type, notes=notes)
    if rack_type.nvlink_domain is Level.RACK:
        if nodes == 1 and rule.nodes is None:
            notes = (*notes, f"one device stands for a whole rack: {name} [A]")
            return RackKind(type=rack_type, down_nodes=broken * rack_type.nodes, notes=notes)
        if nodes > rack_type.nodes:
            notes = (*notes, f"more servers than a rack holds, the rest left out: {name}")
        missing = max(0, rack_type.nodes - nodes)
        down = min(rack_type.nodes, missing + broken)
        return RackKind(type=rack_type, down_nodes=down, notes=notes)
    return RackKind(type=scaled(rack_type, nodes), down_nodes=broken, notes=notes)


def _names(hosts: Sequence[Device]) -> tuple[str, ...]:
    counted = [device for device in hosts if device.status in COUNTED]
    return tuple(each.name for each in sorted(counted, key=lambda each: each.status in BROKEN))


def _hosts(devices: Sequence[Device], rule: Rule, guessed: Sequence[Rule]) -> list[Device]:
    """Servers of a rack that a rule of the rack itself typed: those of the same GPU by guess."""
    alike = [each for each in guessed if each.becomes == rule.becomes]
    return [device for device in devices if any(each.fits_device(device) for each in alike)]


def _base_load(devices: Sequence[Device], ports: Sequence[Port]) -> RackKind:
    """Take the draw of the inlets, as NetBox sums it: allocated, or at most if that is not said."""
    running = {device.id for device in devices if device.status == "active"}
    draws = [
        port.maximum_w if port.allocated_w is None else port.allocated_w
        for port in ports
        if port.device in running
    ]
    known = [watts for watts in draws if watts]
    if not known:
        return RackKind(why_not="no GPUs that are known, and no power draw")
    return RackKind(base_w=sum(known))
