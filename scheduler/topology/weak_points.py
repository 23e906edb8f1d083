"""What the operator did not write down: faults, single points of failure, what can be delivered."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import networkx as nx

from scheduler.model import FailureState, Rack, Site
from scheduler.topology.flows import PowerFlows
from scheduler.topology.graph import OUTSIDE, PowerGraph


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """A component whose loss alone takes racks out."""

    name: str
    kind: str  # kind of the power node, or ``cdu`` for a loop with one unit
    racks: tuple[str, ...]  # what is lost with it


def faults(graph: PowerGraph) -> Iterator[str]:
    """Yield what is wrong with the wiring, in words: unknown names, cycles, dangling feeds."""
    yield from _unknown_names(graph.site)
    yield from graph.cycles()
    yield from _feed_faults(graph)
    for node in graph.site.power_nodes.values():
        if graph.below((node.name,)).isdisjoint(graph.feeds_on):
            yield f"{node.kind} {node.name}: nothing hangs on it"


def _unknown_names(site: Site) -> Iterator[str]:
    """Yield the references of power nodes, racks and failure sets that lead nowhere."""
    for node in site.power_nodes.values():
        for parent in node.parents:
            if parent not in site.power_nodes:
                yield f"power node {node.name}: unknown parent {parent}"
    for rack in site.racks.values():
        if rack.loop is not None and rack.loop not in site.loops:
            yield f"rack {rack.name}: unknown loop {rack.loop}"
    components = site.power_nodes.keys() | site.loops.keys()
    for failed in site.failure_sets:
        for name in failed:
            if name not in components:
                yield f"failure set {' and '.join(failed)}: unknown component {name}"


def _feed_faults(graph: PowerGraph) -> Iterator[str]:
    """Yield the consumers that power cannot reach as they are wired."""
    for consumer in graph.consumers:
        who = f"{'rack' if isinstance(consumer, Rack) else 'base load'} {consumer.name}"
        if not consumer.feeds:
            yield f"{who}: no feed"
        for feed in consumer.feeds:
            if feed not in graph.site.power_nodes:
                yield f"{who}: unknown feed {feed}"
            elif feed not in graph.supplied:
                yield f"{who}: feed {feed} is not connected to a root"


def single_points_of_failure(graph: PowerGraph) -> Iterator[SinglePoint]:
    """Yield the components whose loss alone takes racks out, with the racks.

    A power node takes a rack out if it dominates it: every way from a utility to the rack
    leads through the node. A loop takes its racks out if it has one CDU unit.
    """
    site = graph.site
    above = nx.immediate_dominators(graph.rooted_graph, OUTSIDE)
    racks_of: dict[str, list[str]] = {}
    for feeds, names in graph.consumers_on.items():
        ways = [_dominators(feed, above) for feed in feeds if feed in graph.supplied]
        racks = [name for name in names if name in site.racks]
        for dominator in set[str]().union(*ways).intersection(*ways) if racks else ():
            racks_of.setdefault(dominator, []).extend(racks)
    for node in site.power_nodes.values():
        if node.name in racks_of:
            yield SinglePoint(node.name, node.kind, tuple(racks_of[node.name]))
    for loop in site.loops.values():
        if loop.units <= 1 and loop.name in graph.racks_on_loop:
            yield SinglePoint(loop.name, "cdu", graph.racks_on_loop[loop.name])


def deliverable_w(flows: PowerFlows, state: FailureState) -> int:
    """Return the most watts that can reach the racks in `state`, each up to its basis power.

    The maximum flow from the roots through the ratings of live nodes; base loads are served
    first. Loads are split as suits best, so the equal split of real feeds may carry less.
    """
    routes, lost = flows.routes_without(state.failed), flows.lost_racks(state.failed)
    base_loads = {load.name for load in flows.site.base_loads}
    source, sink = ("outside", ""), ("racks", "")
    graph: nx.DiGraph[tuple[str, Hashable]] = nx.DiGraph()
    graph.add_nodes_from((source, sink))
    for node in flows.site.power_nodes.values():
        if routes[node.name]:
            graph.add_edge(("in", node.name), ("out", node.name), capacity=node.rating_w)
            above = [("out", parent) for parent in node.parents if routes.get(parent)]
            graph.add_edges_from((way, ("in", node.name)) for way in above or [source])
    served_w = 0
    for feeds, names in flows.consumers_on.items():
        live = [feed for feed in feeds if routes.get(feed)]
        if live:
            drawn_w = sum(flows.basis_w[name] for name in names if name not in lost)
            served_w += sum(flows.basis_w[name] for name in base_loads.intersection(names))
            graph.add_edges_from((("out", feed), ("feeds", feeds)) for feed in live)
            graph.add_edge(("feeds", feeds), sink, capacity=drawn_w)
    return max(0, int(nx.maximum_flow_value(graph, source, sink)) - served_w)


def _dominators(node: str, above: Mapping[str, str | None]) -> set[str]:
    """Return `node` and all nodes that every way to it leads through."""
    found = set()
    step: str | None = node
    while step is not None and step != OUTSIDE:
        found.add(step)
        step = above[step]
    return found
