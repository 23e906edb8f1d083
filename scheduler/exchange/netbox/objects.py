"""The NetBox objects that matter for a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.exchange.netbox.entries import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class NetBoxRack:
    """A rack."""

    id: int
    name: str
    status: str
    site: Ref | None
    location: Ref | None
    group: Ref | None
    role: Ref | None
    rack_type: Ref | None
    custom_fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A server, switch, PDU or anything else in a rack."""

    id: int
    name: str
    status: str
    site: Ref | None
    rack: Ref | None
    role: Ref | None
    device_type: Ref | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A power panel. NetBox knows no limit of it."""

    id: int
    name: str
    site: Ref | None
    location: Ref | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A circuit of a panel."""

    id: int
    name: str
    panel: int
    rack: int | None
    status: str
    is_redundant: bool
    is_dc: bool
    is_three_phase: bool
    volts: int
    amperes: int
    percent: int
    ports: tuple[int, ...]  # where its cable ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An inlet of a device. Of a device with outlets it is what those draw through."""

    id: int
    name: str
    device: int
    maximum_w: int | None
    allocated_w: int | None
    feeds: tuple[int, ...]
    outlets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """An outlet of a PDU or UPS, behind one of its inlets or, if it does not say, all of them."""

    id: int
    device: int
    port: int | None
    leg: str


@dataclass(frozen=True, kw_only=True)
class Objects:
    """Everything that was read, by number."""

    racks: Mapping[int, NetBoxRack]
    devices: Mapping[int, Device]
    panels: Mapping[int, Panel]
    feeds: Mapping[int, Feed]
    ports: Mapping[int, Port]
    outlets: Mapping[int, Outlet]
    reservations: tuple[str, ...] = field(default=())  # in words
