"""The compute network: how many switches lie between two racks."""

from __future__ import annotations

import networkx as nx

from scheduler.model import Level, Site

# Kinds of switch on the way up, by the largest domain that the fabric joins.
_SWITCHES = {Level.ARRAY: 1, Level.POD: 2, Level.HALL: 3, Level.SITE: 3}


def fabric_graph(site: Site) -> nx.Graph[tuple[Level, str]]:
    """Return racks below the leaves of their array, the spines of their pod and the core.

    Where the fabric joins less than the site, its largest domains are not connected.
    """
    graph: nx.Graph[tuple[Level, str]] = nx.Graph()
    for rack in site.racks.values():
        leaves, spines = (Level.ARRAY, rack.array), (Level.POD, rack.pod)
        core = (site.fabric.joins, str(site.domain_of(rack, site.fabric.joins)))
        above = [leaves, spines, core][: _SWITCHES[site.fabric.joins]]
        nx.add_path(graph, [(Level.RACK, rack.name), *above])
    return graph


def hops(site: Site, graph: nx.Graph[tuple[Level, str]], rack_a: str, rack_b: str) -> int | None:
    """Return the switches between two racks; inside one 0 if NVLink spans it, otherwise 1.

    None if they lie in separate fabrics.
    """
    if rack_a == rack_b:
        rack_type = site.type_of(site.racks[rack_a])
        return 0 if rack_type.nvlink_domain is Level.RACK else 1
    ends = ((Level.RACK, rack_a), (Level.RACK, rack_b))
    if not nx.has_path(graph, *ends):
        return None
    return int(nx.shortest_path_length(graph, *ends)) - 1
