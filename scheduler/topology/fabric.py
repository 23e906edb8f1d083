"""The compute network: how many switches lie between two racks."""

from __future__ import annotations

import networkx as nx

from scheduler.model import Level, Site


def fabric_graph(site: Site) -> nx.Graph[tuple[Level, str]]:
    """Return racks below the leaves of their array, the spines of their pod and the core."""
    graph: nx.Graph[tuple[Level, str]] = nx.Graph()
    for rack in site.racks.values():
        leaves, spines = (Level.ARRAY, rack.array), (Level.POD, rack.pod)
        nx.add_path(graph, [(Level.RACK, rack.name), leaves, spines, (Level.SITE, site.name)])
    return graph


def hops(site: Site, graph: nx.Graph[tuple[Level, str]], rack_a: str, rack_b: str) -> int:
    """Return the switches between two racks; inside one 0 if NVLink spans it, otherwise 1."""
    if rack_a == rack_b:
        rack_type = site.type_of(site.racks[rack_a])
        return 0 if rack_type.nvlink_domain is Level.RACK else 1
    ends = ((Level.RACK, rack_a), (Level.RACK, rack_b))
    return int(nx.shortest_path_length(graph, *ends)) - 1
