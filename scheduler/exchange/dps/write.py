"""The power distribution for NVIDIA DPS (topology schema ``dcpower_0.1``, OperatingLimit of 0.8+).

Source of the fields: docs.nvidia.com/datacenter/dps, topology schema and examples of 0.7 to 0.10.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scheduler.exchange.exchanged import Exported
from scheduler.exchange.node_names import node_names
from scheduler.model import Plan, PowerNode, Problem, Site
from scheduler.model.units import ceil_div

FILE = "dps-topology.json"
ROOT_KIND = "utility"  # kind of a power node that needs no model: a plain PowerDomain
TAGS = ("A", "B")
MODELS = {  # GPU type -> device specification of a node that DPS ships or shows in its examples
    "h100": "DGX_H100",
    "h200": "DGX_H200",
    "b200": "DGX_B200",
    "gb200": "DGX_GB200",
    "gb300": "DGX_GB300",
}
NOTE_REDFISH = "DPS needs the Redfish address and the secret of every entity: add them"
NOTE_MODELS = "the model of a power node is its kind here: DPS needs a device specification of each"


def export(problem: Problem, _plan: Plan) -> Exported:
    """Return ``dps-topology.json``: power nodes with their limits, and the hosts that they feed.

    Limits are active power, so that their power factor is 1. Base loads become static loads.
    """
    site = problem.site
    document = {
        "Topology": {"Name": site.name, "Entities": list(_relations(site))},
        "Entities": [*_power_entities(site), *_systems(site)],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return Exported(files={FILE: text}, notes=tuple(_notes(site)))


def _relations(site: Site) -> Iterator[dict[str, Any]]:
    """Yield what every entity feeds, and a tag for those that are always the A or the B feed."""
    hosts = node_names(site).hosts
    children: dict[str, list[str]] = {name: [] for name in site.power_nodes}
    for node in site.power_nodes.values():
        for parent in node.parents:
            children[parent].append(node.name)
    for rack in site.racks.values():
        for feed in rack.feeds:
            children[feed] += hosts[rack.name]
    tags = feed_tags(site)
    for name, fed in children.items():
        tag = {"FeedTag": tags[name]} if name in tags else {}
        yield {"Name": name, **tag, **({"Children": fed} if fed else {})}
    for rack in site.racks.values():
        yield from ({"Name": host} for host in hosts[rack.name])


def feed_tags(site: Site) -> dict[str, str]:
    """Return ``A`` or ``B`` for the feeds that are first, or second, for all racks with two."""
    places: dict[str, set[int]] = {}
    for rack in site.racks.values():
        if len(rack.feeds) == len(TAGS):
            for place, feed in enumerate(rack.feeds):
                places.setdefault(feed, set()).add(place)
    return {feed: TAGS[min(found)] for feed, found in places.items() if len(found) == 1}


def static_loads(site: Site) -> dict[str, int]:
    """Return the base load of every power node in watts: equal parts, each rounded up."""
    found: dict[str, int] = {}
    for load in site.base_loads:
        for feed in load.feeds:
            found[feed] = found.get(feed, 0) + ceil_div(load.power_w, len(load.feeds))
    return found


def _power_entities(site: Site) -> Iterator[dict[str, Any]]:
    loads = static_loads(site)
    for node in site.power_nodes.values():
        kind = {"Model": node.kind} if node.parents or node.kind != ROOT_KIND else {}
        value = {"Value": node.rating_w, "Type": "W"}
        load = {"StaticLoad": loads[node.name]} if node.name in loads else {}
        yield {
            "Type": "PowerDistribution" if node.parents else "PowerDomain",
            "Name": node.name,
            **kind,
            "OperatingLimit": {"PowerValue": value, "PowerFactor": 1},
            **load,
        }


def _systems(site: Site) -> Iterator[dict[str, Any]]:
    hosts = node_names(site).hosts
    for rack in site.racks.values():
        gpu = site.type_of(rack).gpu_type
        for host in hosts[rack.name]:
            yield {"Type": "ComputerSystem", "Name": host, "Model": MODELS.get(gpu.lower(), gpu)}


def _notes(site: Site) -> Iterator[str]:
    yield NOTE_REDFISH
    yield NOTE_MODELS
    unknown = sorted({t.gpu_type for t in site.rack_types.values()} - MODELS.keys())
    if unknown:
        yield f"no device specification of DPS is known for {', '.join(unknown)}"
    if any(len(load.feeds) > 1 for load in site.base_loads):
        yield "static loads on two feeds stay halves when one of them fails"
    transfer = [node.name for node in site.power_nodes.values() if _transfers(node)]
    if transfer:
        yield f"DPS knows no transfer switches: {len(transfer)} nodes have all parents at once"
    if site.failure_states:
        yield "DPS knows no failure states: it holds every limit with nothing failed"
    untagged = {f for r in site.racks.values() if len(r.feeds) > 1 for f in r.feeds}
    if untagged - feed_tags(site).keys():
        yield "feeds that are A for some racks and B for others have no FeedTag"


def _transfers(node: PowerNode) -> bool:
    return node.mode == "transfer" and len(node.parents) > 1
