"""The graph of the site: what feeds what, what a failure takes out, where load flows then.

The only module that imports networkx.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import TypeVar

import networkx as nx

from scheduler.model import NORMAL, BaseLoad, FailureState, Level, PowerNode, Rack, Site

Feeds = tuple[str, ...]
Shares = Mapping[str, Fraction]  # power node -> share of a unit of power; empty: no supply
Flows = Mapping[str, Mapping[str, Fraction]]  # power node -> consumer (rack or base load) -> share

ZERO, ONE = Fraction(0), Fraction(1)
OUTSIDE = ""  # the virtual node above all roots; no component has this name
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """A component whose loss alone takes racks out."""

    name: str
    kind: str  # kind of the power node, or ``cdu`` for a loop with one unit
    racks: tuple[str, ...]  # what is lost with it


@dataclass(frozen=True, slots=True)
class Redundancy:
    """How a group of UPS that share consumers carries the load when one of them is lost."""

    hall: str  # empty if the group serves several halls
    members: tuple[str, ...]
    scheme: str  # N, 2N, N+1, 3N/2, 4N/3, ..., catcher or mixed
    num_reserves: int  # members without load in the normal state
    num_pairs: int  # different sets of UPS that consumers hang on
    firm_w: int  # largest load, spread as the racks are, that stays within ratings at every loss

    @property
    def text(self) -> str:
        """The scheme in words: ``4N/3: any 3 of 4 carry the load``."""
        count = len(self.members)
        match self.scheme:
            case "N":
                return "N: no spare, its loss takes racks out"
            case "N + mains":
                return "N + mains: unprotected feeds carry the load when it is lost"
            case "catcher":
                return f"catcher: {self.num_reserves} in reserve for {count - self.num_reserves}"
            case "mixed":
                return f"mixed: some loss among {count} takes racks out"
            case "2N":
                return "2N: either of 2 carries the load"
        return f"{self.scheme}: any {count - 1} of {count} carry the load"


@dataclass(frozen=True)
class Topology:
    """Everything that is derived from the site's graphs. Built once, shared read-only.

    A cycle of power nodes is reported by `faults`; whatever follows power along the graph raises
    `ValueError` with the same words.
    """

    site: Site

    # Where power flows --------------------------------------------------------------------

    def normal_flows(self) -> Flows:
        """Share of every consumer's power that flows through each power node, nothing failed.

        A consumer splits its load equally over its live feeds, a node over its live parents
        (``share``), or it gives all to the first live one (``transfer``).
        """
        return self._normal_flows

    def failure_flows(self, state: FailureState) -> Flows:
        """The same after the failure, for live nodes whose flow grew for at least one consumer.

        Racks that the failure takes out (see `lost_racks`) draw nothing. Only consumers below
        a failed node are routed anew.
        """
        lost = self.lost_racks(state.failed)
        return {
            node: {
                name: share
                for feeds, share in shares.items()
                for name in self.consumers_on[feeds]
                if name not in lost
            }
            for node, shares in self.failure_flows_by_feeds(state).items()
        }

    def failure_flows_by_feeds(self, state: FailureState) -> Mapping[str, Mapping[Feeds, Fraction]]:
        """`failure_flows` per set of feeds: consumers that hang alike flow alike.

        Much shorter than the flows per consumer; it still counts racks that are lost with their
        loop beside others on the same feeds.
        """
        routes = self._routes_without(state.failed)
        lost = self.lost_racks(state.failed)
        flows: dict[str, dict[Feeds, Fraction]] = {}
        rerouted: dict[Feeds, Shares] = {}
        for feeds in self._feeds_below(state.failed):
            before, after = _split(feeds, self._routes), _split(feeds, routes)
            rerouted[feeds] = after
            if lost.issuperset(self.consumers_on[feeds]):
                continue
            for node, share in after.items():
                if share > before.get(node, ZERO) and node not in flows:
                    flows[node] = dict(self._normal_flows_by_feeds[node])
        for node, shares in flows.items():
            shares.update((feeds, after.get(node, ZERO)) for feeds, after in rerouted.items())
        return {
            node: {feeds: share for feeds, share in flows[node].items() if share}
            for node in self._order
            if node in flows
        }

    def lost_racks(self, failed: tuple[str, ...]) -> frozenset[str]:
        """Racks that the failure takes out: no live feed left, or a loop without any CDU left.

        A failed name that is a loop means that the loop loses one CDU unit. Racks that have no
        live feed even in the normal state are among them.
        """
        routes = self._routes_without(failed)
        dark = {
            name
            for feeds in self._feeds_below(failed)
            if not _split(feeds, routes)
            for name in self.consumers_on[feeds]
        }
        dry = {
            name
            for loop in failed
            if loop in self.site.loops and self.site.loops[loop].units <= 1
            for name in self._racks_on_loop.get(loop, ())
        }
        return frozenset((self._unfed | dark | dry) & self.site.racks.keys())

    @cached_property
    def power_graph(self) -> nx.DiGraph[str]:
        """Power nodes with an edge from every parent to its child."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.site.power_nodes)
        for node in self.site.power_nodes.values():
            graph.add_edges_from((parent, node.name) for parent in node.parents if parent in graph)
        return graph

    @cached_property
    def _order(self) -> tuple[str, ...]:
        """Power nodes, parents first."""
        cycles = self._cycles()
        if cycles:
            raise ValueError("; ".join(cycles))
        return tuple(nx.topological_sort(self.power_graph))

    @cached_property
    def _position(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self._order)}

    @cached_property
    def _consumers(self) -> tuple[Rack | BaseLoad, ...]:
        return (*self.site.racks.values(), *self.site.base_loads)

    @cached_property
    def consumers_on(self) -> Mapping[Feeds, tuple[str, ...]]:
        """Names of consumers by their feeds: what hangs alike flows alike."""
        return _grouped((consumer.feeds, consumer.name) for consumer in self._consumers)

    @cached_property
    def _feeds_on(self) -> Mapping[str, tuple[Feeds, ...]]:
        """All sets of feeds that a power node is one of."""
        return _grouped((feed, feeds) for feeds in self.consumers_on for feed in set(feeds))

    @cached_property
    def _racks_on_loop(self) -> Mapping[str | None, tuple[str, ...]]:
        return _grouped((rack.loop, rack.name) for rack in self.site.racks.values())

    @cached_property
    def _routes(self) -> Mapping[str, Shares]:
        """Where one unit of power drawn at each live node flows, nothing failed."""
        routes: dict[str, Shares] = {}
        for name in self._order:
            routes[name] = _route(self.site.power_nodes[name], routes)
        return routes

    def _below(self, failed: Iterable[str]) -> set[str]:
        """Return the failed power nodes and all that hangs below them."""
        known = [name for name in failed if name in self.power_graph]
        return set(known).union(*(nx.descendants(self.power_graph, name) for name in known))

    def _routes_without(self, failed: Iterable[str]) -> Mapping[str, Shares]:
        routes = dict(self._routes)
        out = set(failed)
        for name in sorted(self._below(out), key=self._position.__getitem__):
            routes[name] = {} if name in out else _route(self.site.power_nodes[name], routes)
        return routes

    def _feeds_below(self, failed: Iterable[str]) -> tuple[Feeds, ...]:
        """Sets of feeds that a failure may concern, in a fixed order."""
        nodes = sorted(self._below(failed), key=self._position.__getitem__)
        return tuple(
            dict.fromkeys(feeds for node in nodes for feeds in self._feeds_on.get(node, ()))
        )

    @cached_property
    def _normal_flows_by_feeds(self) -> Mapping[str, Mapping[Feeds, Fraction]]:
        flows: dict[str, dict[Feeds, Fraction]] = {name: {} for name in self._order}
        for feeds in self.consumers_on:
            for node, share in _split(feeds, self._routes).items():
                flows[node][feeds] = share
        return flows

    @cached_property
    def _normal_flows(self) -> Flows:
        return {
            node: {n: share for feeds, share in shares.items() for n in self.consumers_on[feeds]}
            for node, shares in self._normal_flows_by_feeds.items()
        }

    @cached_property
    def _unfed(self) -> set[str]:
        """Consumers without a live feed in the normal state."""
        unfed = (feeds for feeds in self.consumers_on if not _split(feeds, self._routes))
        return {name for feeds in unfed for name in self.consumers_on[feeds]}

    def _cycles(self) -> list[str]:
        """Describe one cycle of every knot of power nodes that feed each other."""
        graph = self.power_graph
        found = []
        for knot in nx.strongly_connected_components(graph):
            within = graph.subgraph(knot)
            if within.number_of_edges():
                path = [parent for parent, _ in nx.find_cycle(within, min(knot))]
                found.append("cycle of power nodes: " + " -> ".join([*path, path[0]]))
        return sorted(found)

    # What the graph shows ------------------------------------------------------------------

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
        for name in self._order:
            above = self.power_graph.predecessors(name)
            steps[name] = max((steps[parent] + 1 for parent in above), default=0)
        return steps

    def consumers_of(self, node: str) -> tuple[str, ...]:
        """Racks and base loads that have `node` itself as a feed."""
        return tuple(
            name for feeds in self._feeds_on.get(node, ()) for name in self.consumers_on[feeds]
        )

    def loads_w(self, watts: Callable[[Rack], int]) -> Mapping[str, int]:
        """Load of every power node in the normal state, in watts rounded up.

        `watts` says what a rack draws: nameplate, observed or basis power. Base loads come on top.
        """
        drawn = {rack.name: watts(rack) for rack in self.site.racks.values()}
        drawn.update((load.name, load.power_w) for load in self.site.base_loads)
        return {
            node: ceil(sum((drawn[name] * share for name, share in shares.items()), ZERO))
            for node, shares in self._normal_flows.items()
        }

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the wiring, in words: unknown names, cycles, dangling feeds."""
        nodes, supplied = self.site.power_nodes, self._supplied
        used = set(self._feeds_on)
        found = [
            f"power node {node.name}: unknown parent {parent}"
            for node in nodes.values()
            for parent in node.parents
            if parent not in nodes
        ]
        found += self._cycles()
        for consumer in self._consumers:
            who = f"{'rack' if isinstance(consumer, Rack) else 'base load'} {consumer.name}"
            if not consumer.feeds:
                found.append(f"{who}: no feed")
            for feed in consumer.feeds:
                if feed not in nodes:
                    found.append(f"{who}: unknown feed {feed}")
                elif feed not in supplied:
                    found.append(f"{who}: feed {feed} is not connected to a root")
        found += [
            f"rack {rack.name}: unknown loop {rack.loop}"
            for rack in self.site.racks.values()
            if rack.loop is not None and rack.loop not in self.site.loops
        ]
        found += [
            f"failure set {' and '.join(failed)}: unknown component {name}"
            for failed in self.site.failure_sets
            for name in failed
            if name not in nodes and name not in self.site.loops
        ]
        found += [
            f"{nodes[name].kind} {name}: nothing hangs on it"
            for name in nodes
            if not used & {name, *nx.descendants(self.power_graph, name)}
        ]
        return tuple(found)

    def single_points_of_failure(self) -> tuple[SinglePoint, ...]:
        """Components whose loss alone takes racks out, with the racks.

        A power node takes a rack out if it dominates it: every way from a utility to the rack
        leads through the node. A loop takes its racks out if it has one CDU unit.
        """
        above = nx.immediate_dominators(self._rooted, OUTSIDE)
        racks_of: dict[str, list[str]] = {}
        for feeds, names in self.consumers_on.items():
            ways = [_dominators(feed, above) for feed in feeds if feed in self._supplied]
            racks = [name for name in names if name in self.site.racks]
            for node in set[str]().union(*ways).intersection(*ways) if racks else ():
                racks_of.setdefault(node, []).extend(racks)
        points = [
            SinglePoint(node.name, node.kind, tuple(racks_of[node.name]))
            for node in self.site.power_nodes.values()
            if node.name in racks_of
        ]
        points += [
            SinglePoint(loop.name, "cdu", self._racks_on_loop[loop.name])
            for loop in self.site.loops.values()
            if loop.units <= 1 and loop.name in self._racks_on_loop
        ]
        return tuple(points)

    def deliverable_w(self, state: FailureState = NORMAL) -> int:
        """Most watts that can reach the racks in `state`, each up to its basis power.

        The maximum flow from the roots through the ratings of live nodes; base loads are served
        first. Loads are split as suits best, so the equal split of real feeds may carry less.
        """
        routes, lost = self._routes_without(state.failed), self.lost_racks(state.failed)
        base_loads = {load.name for load in self.site.base_loads}
        source, sink = ("outside", ""), ("racks", "")
        graph: nx.DiGraph[tuple[str, Hashable]] = nx.DiGraph()
        graph.add_nodes_from((source, sink))
        for node in self.site.power_nodes.values():
            if routes[node.name]:
                graph.add_edge(("in", node.name), ("out", node.name), capacity=node.rating_w)
                above = [("out", parent) for parent in node.parents if routes.get(parent)]
                graph.add_edges_from((way, ("in", node.name)) for way in above or [source])
        served_w = 0
        for feeds, names in self.consumers_on.items():
            live = [feed for feed in feeds if routes.get(feed)]
            if live:
                drawn_w = sum(self._basis_w[name] for name in names if name not in lost)
                served_w += sum(self._basis_w[name] for name in base_loads.intersection(names))
                graph.add_edges_from((("out", feed), ("feeds", feeds)) for feed in live)
                graph.add_edge(("feeds", feeds), sink, capacity=drawn_w)
        return max(0, int(nx.maximum_flow_value(graph, source, sink)) - served_w)

    def redundancy_found(self) -> tuple[Redundancy, ...]:
        """How every group of UPS that share consumers is redundant, read from the graph."""
        ups = [node.name for node in self.site.power_nodes.values() if node.kind == "ups"]
        reach = {
            feeds: frozenset(self._above(feeds).intersection(ups)) for feeds in self.consumers_on
        }
        together: nx.Graph[str] = nx.Graph()
        for members in reach.values():
            nx.add_path(together, sorted(members))
        groups = sorted(
            nx.connected_components(together), key=lambda group: min(map(ups.index, group))
        )
        return tuple(
            self._redundancy(
                tuple(name for name in ups if name in group),
                {feeds: members for feeds, members in reach.items() if members & group},
            )
            for group in groups
        )

    def hops(self, rack_a: str, rack_b: str) -> int:
        """Switches between two racks: 1 in an array, 3 in a pod, 5 across pods.

        Inside one rack 0 if NVLink spans it, otherwise 1.
        """
        if rack_a == rack_b:
            rack_type = self.site.type_of(self.site.racks[rack_a])
            return 0 if rack_type.nvlink_domain == Level.RACK else 1
        ends = ((Level.RACK, rack_a), (Level.RACK, rack_b))
        return int(nx.shortest_path_length(self.fabric_graph, *ends)) - 1

    @cached_property
    def fabric_graph(self) -> nx.Graph[tuple[Level, str]]:
        """Racks below the leaves of their array, below the spines of their pod, below the core."""
        graph: nx.Graph[tuple[Level, str]] = nx.Graph()
        for rack in self.site.racks.values():
            leaves, spines = (Level.ARRAY, rack.array), (Level.POD, rack.pod)
            nx.add_path(
                graph, [(Level.RACK, rack.name), leaves, spines, (Level.SITE, self.site.name)]
            )
        return graph

    @cached_property
    def _basis_w(self) -> Mapping[str, int]:
        """Watts of every rack on the site's power basis and of every base load."""
        racks = self.site.racks.values()
        watts = {rack.name: self.site.basis_w(self.site.type_of(rack)) for rack in racks}
        return {**watts, **{load.name: load.power_w for load in self.site.base_loads}}

    @cached_property
    def _rooted(self) -> nx.DiGraph[str]:
        """The power graph below one virtual node that feeds all roots."""
        graph = self.power_graph.copy()
        graph.add_node(OUTSIDE)
        graph.add_edges_from((OUTSIDE, root) for root in self.roots)
        return graph

    @cached_property
    def _supplied(self) -> set[str]:
        """Power nodes that are connected to a root."""
        return set(nx.descendants(self._rooted, OUTSIDE))

    def _above(self, feeds: Feeds) -> set[str]:
        """Return `feeds` and all power nodes above them."""
        known = [feed for feed in feeds if feed in self.power_graph]
        return set(known).union(*(nx.ancestors(self.power_graph, feed) for feed in known))

    def _redundancy(
        self, members: tuple[str, ...], reach: Mapping[Feeds, frozenset[str]]
    ) -> Redundancy:
        watts = {
            feeds: sum(self._basis_w[name] for name in self.consumers_on[feeds]) for feeds in reach
        }
        normal = self._loads(watts, self._routes)
        cases, survives = [normal], True
        for member in members:
            routes = self._routes_without((member,))
            survives &= all(_split(feeds, routes) for feeds in reach)
            cases.append(self._loads(watts, routes))
        fits = [
            Fraction(self.site.power_nodes[name].rating_w) / case[name]
            for case in cases
            for name in members
            if case.get(name)
        ]
        halls = {self.site.power_nodes[name].hall for name in members}
        num_reserves = sum(not normal.get(name) for name in members)
        return Redundancy(
            hall=(halls.pop() or "") if len(halls) == 1 else "",
            members=members,
            scheme=_scheme(len(members), num_reserves, survives, set(reach.values())),
            num_reserves=num_reserves,
            num_pairs=len(set(reach.values())),
            firm_w=floor(min(fits, default=ZERO) * sum(watts.values())),
        )

    @staticmethod
    def _loads(watts: Mapping[Feeds, int], routes: Mapping[str, Shares]) -> dict[str, Fraction]:
        loads: dict[str, Fraction] = {}
        for feeds, drawn_w in watts.items():
            for node, share in _split(feeds, routes).items():
                loads[node] = loads.get(node, ZERO) + drawn_w * share
        return loads


def _route(node: PowerNode, routes: Mapping[str, Shares]) -> Shares:
    """Where one unit of power drawn at `node` flows; empty if no parent of it is live."""
    if not node.parents:
        return {node.name: ONE}
    live = [parent for parent in node.parents if routes.get(parent)]
    above = _split(live[:1] if node.mode == "transfer" else live, routes)
    return {node.name: ONE, **above} if live else {}


def _split(feeds: Sequence[str], routes: Mapping[str, Shares]) -> Shares:
    """Split one unit of power equally over the live ones of `feeds`."""
    live = [routes[feed] for feed in feeds if routes.get(feed)]
    if len(live) == 1:
        return live[0]
    shares: dict[str, Fraction] = {}
    for route in live:
        for node, share in route.items():
            shares[node] = shares.get(node, ZERO) + share / len(live)
    return shares


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _dominators(node: str, above: Mapping[str, str | None]) -> set[str]:
    """Return `node` and all nodes that every way to it leads through."""
    found = set()
    step: str | None = node
    while step is not None and step != OUTSIDE:
        found.add(step)
        step = above[step]
    return found


def _scheme(count: int, reserves: int, survives: bool, sets: Set[frozenset[str]]) -> str:
    """Name the redundancy of `count` UPS, `reserves` of them without load in the normal state."""
    if not survives:
        return "N" if count == 1 else "mixed"
    if reserves:
        return "catcher"
    if count <= 2:
        return "N + mains" if count == 1 else "2N"
    return "N+1" if len(sets) == 1 else f"{count}N/{count - 1}"
