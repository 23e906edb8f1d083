"""Objects in the shapes of a NetBox API, and a data centre of two panels made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SITE = {"id": 1, "url": "http://netbox/api/dcim/sites/1/", "display": "DC1", "name": "DC1"} | {
    "slug": "dc1"
}


def choice(value: str) -> Json:
    return {"value": value, "label": value.title()}


def brief(number: int, name: str, **more: Any) -> Json:
    return {"id": number, "url": f"http://netbox/{number}/", "display": name, "name": name, **more}


def rack(number: int, name: str, **more: Any) -> Json:
    return {
        **brief(number, name),
        "facility_id": None,
        "site": SITE,
        "location": brief(10, "Hall 1", slug="hall-1"),
        "group": None,
        "tenant": None,
        "status": choice("active"),
        "role": None,
        "rack_type": None,
        "u_height": 48,
        "custom_fields": {},
        "device_count": 0,
        "powerfeed_count": 2,
        **more,
    }


def device(number: int, name: str | None, rack_id: int | None, model: str, **more: Any) -> Json:
    return {
        "id": number,
        "display": name or f"{model} ({number})",
        "name": name,
        "device_type": {"id": 1, "display": model, "model": model, "slug": model.lower()},
        "role": brief(1, "Server", slug="server"),
        "site": SITE,
        "rack": None if rack_id is None else brief(rack_id, f"R{rack_id}"),
        "status": choice("active"),
        "custom_fields": {},
        **more,
    }


def panel(number: int, name: str, **more: Any) -> Json:
    return {**brief(number, name), "site": SITE, "location": None, "powerfeed_count": 1, **more}


def feed(number: int, name: str, panel_id: int, rack_id: int | None = None, **more: Any) -> Json:
    """A three-phase feed of 415 V and 60 A at 80 %: 34,502 VA, at 0.95 32,777 W."""
    return {
        **brief(number, name),
        "power_panel": brief(panel_id, f"P{panel_id}"),
        "rack": None if rack_id is None else brief(rack_id, f"R{rack_id}"),
        "status": choice("active"),
        "type": choice("primary"),
        "supply": choice("ac"),
        "phase": choice("three-phase"),
        "voltage": 415,
        "amperage": 60,
        "max_utilization": 80,
        "connected_endpoints": None,
        "connected_endpoints_type": None,
        **more,
    }


def ends(kind: str, *numbers: int) -> Json:
    """Where a cable leads: feeds, outlets or ports."""
    return {
        "connected_endpoints": [brief(number, f"end {number}") for number in numbers],
        "connected_endpoints_type": f"dcim.{kind}",
        "connected_endpoints_reachable": True,
    }


def port(number: int, name: str, device_id: int, **more: Any) -> Json:
    return {
        **brief(number, name),
        "device": brief(device_id, f"device {device_id}"),
        "maximum_draw": None,
        "allocated_draw": None,
        "connected_endpoints": None,
        "connected_endpoints_type": None,
        **more,
    }


def outlet(number: int, device_id: int, port_id: int | None, **more: Any) -> Json:
    return {
        **brief(number, f"outlet {number}"),
        "device": brief(device_id, f"device {device_id}"),
        "power_port": None if port_id is None else brief(port_id, "in"),
        "feed_leg": None,
        "connected_endpoints": None,
        "connected_endpoints_type": None,
        **more,
    }


def data_centre() -> dict[str, list[Json]]:
    """Three racks on panels A and B.

    R1: eight H100 servers; feeds 1 (A) and 2 (B, redundant), each with a PDU; that of A carries
    30 kW at most, that of B says nothing. R2: four H100 servers, one broken, on feeds 3 and 4
    without PDUs. R3: no GPUs, a switch that draws 1,200 W of one feed, 5.
    """
    servers = [device(100 + i, f"gpu-{i}", 1, "DGX H100") for i in range(8)]
    servers += [device(110 + i, f"gpu-b{i}", 2, "DGX H100") for i in range(3)]
    servers.append(device(113, "gpu-b3", 2, "DGX H100", status=choice("failed")))
    return {
        "racks": [rack(1, "R1"), rack(2, "R2"), rack(3, "R3")],
        "power-panels": [panel(1, "PA"), panel(2, "PB")],
        "power-feeds": [
            feed(1, "F1", 1, 1),
            feed(2, "F2", 2, 1, type=choice("redundant")),
            feed(3, "F3", 1, 2),
            feed(4, "F4", 2, 2, type=choice("redundant")),
            feed(5, "F5", 1, 3, phase=choice("single-phase"), voltage=230, amperage=16),
        ],
        "devices": [
            *servers,
            device(200, "pdu-a", 1, "PDU"),
            device(201, "pdu-b", 1, "PDU"),
            device(202, "switch", 3, "Switch"),
        ],
        "power-ports": [
            port(1, "in", 200, maximum_draw=30_000, **ends("powerfeed", 1)),
            port(2, "in", 201, **ends("powerfeed", 2)),
            port(3, "psu", 202, maximum_draw=2_000, allocated_draw=1_200, **ends("powerfeed", 5)),
        ],
        "power-outlets": [outlet(1, 200, 1), outlet(2, 201, 2)],
        "rack-reservations": [],
    }


def reply(results: Iterable[Json], count: int | None = None, following: str | None = None) -> Json:
    """A list reply."""
    rows = list(results)
    total = len(rows) if count is None else count
    return {"count": total, "next": following, "previous": None, "results": rows}


def save(folder: Path, objects: dict[str, list[Json]]) -> Path:
    """Write the replies of all endpoints to a folder."""
    for endpoint, rows in objects.items():
        (folder / f"{endpoint}.json").write_text(json.dumps(reply(rows)))
    return folder
