"""What NetBox does not know: what the user may say, and what is told of the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.exchange.netbox.objects import Objects
from scheduler.exchange.netbox.rack_rules import Rule
from scheduler.model import Site


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What NetBox does not know and the user may say."""

    rules: tuple[Rule, ...] = ()
    power_factor: Fraction = Fraction(95, 100)
    power_basis: str = "observed_peak"
    survive: tuple[str, ...] = ()  # kinds of component; by default as `failure_kinds` chooses
    array_field: str = ""  # custom field of racks that names their array


def strays(objects: Objects) -> list[str]:
    """Return what the objects hold that no site has a place for."""
    lines = [
        f"{words}: reservations are a matter of the workload" for words in objects.reservations
    ]
    lines += [
        f"device {device.name}: it stands in no rack that was read"
        for device in objects.devices.values()
        if device.rack is None or device.rack.id not in objects.racks
    ]
    for device in objects.devices.values():
        if device.status not in ("active", "failed", "offline"):
            lines.append(f"device {device.name}: its status is {device.status}, it is not counted")
    return lines


def notes_of(
    counted: Mapping[str, int], objects: Objects, choices: Choices, site: Site
) -> list[str]:
    """Return what is told of defaults and choices; `counted` has words and their racks."""
    notes = [f"{words} ({count:,} racks)" for words, count in sorted(counted.items())]
    if any(outlet.leg for outlet in objects.outlets.values()):
        notes.append("legs A, B and C of feeds are taken as evenly loaded")
    drained = sum(rack.drained for rack in site.racks.values())
    if drained:
        notes.append(f"{drained:,} racks are reserved or deprecated: drained, they take no work")
    return [
        *notes,
        f"VA to W with a power factor of {float(choices.power_factor):g}; direct current has 1",
        "panels have no limit in NetBox: theirs is the sum of their feeds",
        f"survived one by one: {', '.join(site.failure_kinds) or 'nothing'}",
        "hall = location, array = rack group or hall, pod = hall: NetBox knows no network shape",
        "no liquid loops, no weather, no recirculation: NetBox does not know them; without loops "
        "no limit of liquid cooling is checked",
        "air 22 °C, inlets up to 27 °C: defaults of a site file",
    ]
