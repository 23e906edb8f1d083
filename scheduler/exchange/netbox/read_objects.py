"""The NetBox objects that matter for a site, read from the entries of its replies."""

from __future__ import annotations

from scheduler.exchange.netbox.entries import Entry, entries
from scheduler.exchange.netbox.objects import (
    Device,
    Feed,
    NetBoxRack,
    Objects,
    Outlet,
    Panel,
    Port,
)
from scheduler.exchange.netbox.saved import Pages
from scheduler.inputs.mistakes import Mistakes

RACK_STATUS = ("active", "available", "reserved", "planned", "deprecated")
FEED_STATUS = ("active", "offline", "planned", "failed")
DEVICE_STATUS = (
    *("active", "offline", "planned", "staged", "failed", "inventory", "decommissioning"),
)
MOST_VOLTS = 32_767
MOST_AMPERES = 65_535
MOST_WATTS = 10**8

FEED, OUTLET, PORT = "dcim.powerfeed", "dcim.poweroutlet", "dcim.powerport"


def read_objects(pages: Pages, mistakes: Mistakes) -> Objects:
    """Read the pages of all endpoints; what is wrong is added to `mistakes`."""

    def found(endpoint: str) -> list[Entry]:
        return list(entries(pages.get(endpoint, []), mistakes))

    return Objects(
        racks={e.id: _rack(e) for e in found("racks")},
        devices={e.id: _device(e) for e in found("devices")},
        panels={e.id: _panel(e) for e in found("power-panels")},
        feeds={e.id: _feed(e) for e in found("power-feeds")},
        ports={e.id: _port(e) for e in found("power-ports")},
        outlets={e.id: _outlet(e) for e in found("power-outlets")},
        reservations=tuple(_reservation(e) for e in found("rack-reservations")),
    )


def _rack(entry: Entry) -> NetBoxRack:
    return NetBoxRack(
        id=entry.id,
        name=entry.name(),
        status=entry.choice("status", RACK_STATUS),
        site=entry.ref("site"),
        location=entry.ref("location"),
        group=entry.ref("group"),
        role=entry.ref("role"),
        rack_type=entry.ref("rack_type"),
        custom_fields=entry.custom_fields(),
    )


def _device(entry: Entry) -> Device:
    return Device(
        id=entry.id,
        name=entry.name(),
        status=entry.choice("status", DEVICE_STATUS),
        site=entry.ref("site"),
        rack=entry.ref("rack"),
        role=entry.ref("role"),
        device_type=entry.ref("device_type"),
    )


def _panel(entry: Entry) -> Panel:
    return Panel(
        id=entry.id,
        name=entry.name(),
        site=entry.ref("site"),
        location=entry.ref("location"),
    )


def _feed(entry: Entry) -> Feed:
    rack = entry.ref("rack")
    volts = entry.whole("voltage", -MOST_VOLTS, MOST_VOLTS)
    if volts == 0:
        entry.expected("voltage", "volts other than 0", volts)
    return Feed(
        id=entry.id,
        name=entry.name(),
        panel=entry.needed_ref("power_panel").id,
        rack=None if rack is None else rack.id,
        status=entry.choice("status", FEED_STATUS),
        is_redundant=entry.choice("type", ("primary", "redundant")) == "redundant",
        is_dc=entry.choice("supply", ("ac", "dc")) == "dc",
        is_three_phase=entry.choice("phase", ("single-phase", "three-phase")) == "three-phase",
        volts=abs(volts),
        amperes=entry.whole("amperage", 1, MOST_AMPERES),
        percent=entry.whole("max_utilization", 1, 100),
        ports=entry.ends(PORT),
    )


def _port(entry: Entry) -> Port:
    return Port(
        id=entry.id,
        name=entry.name(),
        device=entry.needed_ref("device").id,
        maximum_w=entry.optional_whole("maximum_draw", MOST_WATTS),
        allocated_w=entry.optional_whole("allocated_draw", MOST_WATTS),
        feeds=entry.ends(FEED),
        outlets=entry.ends(OUTLET),
    )


def _outlet(entry: Entry) -> Outlet:
    port = entry.ref("power_port")
    return Outlet(
        id=entry.id,
        device=entry.needed_ref("device").id,
        port=None if port is None else port.id,
        leg=entry.choice("feed_leg", ("", "A", "B", "C")),
    )


def _reservation(entry: Entry) -> str:
    rack, tenant = entry.ref("rack"), entry.ref("tenant")
    whom = f" for {tenant.name}" if tenant else ""
    return f"rack reservation #{entry.id} of {rack.name if rack else 'no rack'}{whom}"
