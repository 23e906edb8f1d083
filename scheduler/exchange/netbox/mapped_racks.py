"""Racks of NetBox, and what became of each: a rack or a base load with its sides, or a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from scheduler.exchange.netbox.choices import Choices
from scheduler.exchange.netbox.objects import Device, NetBoxRack, Objects, Port
from scheduler.exchange.netbox.rack_kinds import RackKind, kind_of
from scheduler.exchange.netbox.rack_rules import guesses
from scheduler.exchange.netbox.sides import Sides, sides_of
from scheduler.exchange.netbox.supply import Supply

ABSENT = ("planned",)  # status of racks that are not there


@dataclass(kw_only=True)
class MappedRacks:
    """Racks that became something, and words on what did not."""

    kinds: dict[int, RackKind] = field(default_factory=dict)
    sides: dict[int, Sides] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def map_racks(objects: Objects, supply: Supply, choices: Choices) -> MappedRacks:
    """Return what every rack becomes, and which feeds are its A and B."""
    found = MappedRacks()
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
