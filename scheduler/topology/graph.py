"""The graph of power nodes, and the racks and base loads that hang on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import networkx as nx

from scheduler.model import BaseLoad, Rack, Site

Feeds = tuple[str, ...]

OUTSIDE = ""  # the virtual node above all roots; no component has this name
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class PowerGraph:
    """What feeds what. Unknown names are left out of the graph."""

    site: Site

    @cached_property
    def power_graph(self) -> nx.DiGraph[str]:
        """Power nodes with an edge from every parent to its child."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.site.power_nodes)
        for node in self.site.power_nodes.values():
            graph.add_edges_from((parent, node.name) for parent in node.parents if parent in graph)
        return graph

    @cached_property
    def rooted_graph(self) -> nx.DiGraph[str]:
        """The power graph below one virtual node, `OUTSIDE`, that feeds all roots."""
        graph = self.power_graph.copy()
        graph.add_node(OUTSIDE)
        graph.add_edges_from((OUTSIDE, root) for root in self.roots)
        return graph

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Power nodes without parents: where power enters the site."""
        return tuple(node.name for node in self.site.power_nodes.values() if not node.parents)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Power nodes directly below every node; a node with two parents stands below both."""
        return {name: tuple(self.power_graph[name]) for name in self.site.power_nodes}

    @cached_property
    def depth(self) -> Mapping[str, int]:
        """Steps from the farthest root to every power node, 0 for roots."""
        steps: dict[str, int] = {}
        for name in self.order:
            above = self.power_graph.predecessors(name)
            steps[name] = max((steps[parent] + 1 for parent in above), default=0)
        return steps

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Power nodes, parents first.

        Raises
        ------
        ValueError
            The nodes feed each other in a cycle.
        """
        cycles = self.cycles()
        if cycles:
            raise ValueError("; ".join(cycles))
        return tuple(nx.topological_sort(self.power_graph))

    def cycles(self) -> list[str]:
        """Describe one cycle of every knot of power nodes that feed each other."""
        graph = self.power_graph
        found = []
        for knot in nx.strongly_connected_components(graph):
            within = graph.subgraph(knot)
            if within.number_of_edges():
                path = [parent for parent, _ in nx.find_cycle(within, min(knot))]
                found.append("cycle of power nodes: " + " -> ".join([*path, path[0]]))
        return sorted(found)

    def below(self, nodes: Iterable[str]) -> set[str]:
        """Return `nodes` and all power nodes below them."""
        known = [name for name in nodes if name in self.power_graph]
        return set(known).union(*(nx.descendants(self.power_graph, name) for name in known))

    def above(self, nodes: Iterable[str]) -> set[str]:
        """Return `nodes` and all power nodes above them."""
        known = [name for name in nodes if name in self.power_graph]
        return set(known).union(*(nx.ancestors(self.power_graph, name) for name in known))

    @cached_property
    def supplied(self) -> set[str]:
        """Power nodes that are connected to a root."""
        return set(nx.descendants(self.rooted_graph, OUTSIDE))

    @cached_property
    def consumers(self) -> tuple[Rack | BaseLoad, ...]:
        """All that draws power: racks, then base loads."""
        return (*self.site.racks.values(), *self.site.base_loads)

    @cached_property
    def consumers_on(self) -> Mapping[Feeds, tuple[str, ...]]:
        """Names of consumers by their feeds: what hangs alike flows alike."""
        return _grouped((consumer.feeds, consumer.name) for consumer in self.consumers)

    @cached_property
    def feeds_on(self) -> Mapping[str, tuple[Feeds, ...]]:
        """All sets of feeds that a power node is one of."""
        return _grouped((feed, feeds) for feeds in self.consumers_on for feed in set(feeds))

    def consumers_of(self, node: str) -> tuple[str, ...]:
        """Racks and base loads that have `node` itself as a feed."""
        return tuple(
            name for feeds in self.feeds_on.get(node, ()) for name in self.consumers_on[feeds]
        )

    @cached_property
    def racks_on_loop(self) -> Mapping[str | None, tuple[str, ...]]:
        """Names of racks by their cooling loop, None for racks without one."""
        return _grouped((rack.loop, rack.name) for rack in self.site.racks.values())


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}
