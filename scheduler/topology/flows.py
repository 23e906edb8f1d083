"""Where load flows along the power graph, in the normal state and after failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil

from scheduler.model import FailureState, PowerNode, Rack
from scheduler.topology.graph import Feeds, PowerGraph

Shares = Mapping[str, Fraction]  # power node -> share of a unit of power; empty: no supply
Flows = Mapping[str, Mapping[str, Fraction]]  # power node -> consumer (rack or base load) -> share

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class PowerFlows(PowerGraph):
    """The power graph with the load that every node takes over from every consumer.

    A consumer splits its load equally over its live feeds, a node over its live parents
    (``share``), or it gives all to the first live one (``transfer``).
    """

    def normal_flows(self) -> Flows:
        """Share of every consumer's power that flows through each power node, nothing failed."""
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
        routes = self.routes_without(state.failed)
        lost = self.lost_racks(state.failed)
        flows: dict[str, dict[Feeds, Fraction]] = {}
        rerouted: dict[Feeds, Shares] = {}
        for feeds in self._feeds_below(state.failed):
            before, after = split(feeds, self.routes), split(feeds, routes)
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
            for node in self.order
            if node in flows
        }

    def lost_racks(self, failed: tuple[str, ...]) -> frozenset[str]:
        """Racks that the failure takes out: no live feed left, or a loop without any CDU left.

        A failed name that is a loop means that the loop loses one CDU unit. Racks that have no
        live feed even in the normal state are among them.
        """
        routes = self.routes_without(failed)
        dark = {
            name
            for feeds in self._feeds_below(failed)
            if not split(feeds, routes)
            for name in self.consumers_on[feeds]
        }
        dry = {
            name
            for loop in failed
            if loop in self.site.loops and self.site.loops[loop].units <= 1
            for name in self.racks_on_loop.get(loop, ())
        }
        return frozenset((self._unfed | dark | dry) & self.site.racks.keys())

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

    @cached_property
    def basis_w(self) -> Mapping[str, int]:
        """Watts of every rack on the site's power basis and of every base load."""
        racks = self.site.racks.values()
        watts = {rack.name: self.site.basis_w(self.site.type_of(rack)) for rack in racks}
        return {**watts, **{load.name: load.power_w for load in self.site.base_loads}}

    @cached_property
    def routes(self) -> Mapping[str, Shares]:
        """Where one unit of power drawn at each node flows, nothing failed; empty: not live."""
        routes: dict[str, Shares] = {}
        for name in self.order:
            routes[name] = _route(self.site.power_nodes[name], routes)
        return routes

    def routes_without(self, failed: Iterable[str]) -> Mapping[str, Shares]:
        """Return the routes while `failed` are out."""
        routes = dict(self.routes)
        out = set(failed)
        for name in sorted(self.below(out), key=self._position.__getitem__):
            routes[name] = {} if name in out else _route(self.site.power_nodes[name], routes)
        return routes

    @cached_property
    def _position(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.order)}

    def _feeds_below(self, failed: Iterable[str]) -> tuple[Feeds, ...]:
        """Sets of feeds that a failure may concern, in a fixed order."""
        nodes = sorted(self.below(failed), key=self._position.__getitem__)
        return tuple(
            dict.fromkeys(feeds for node in nodes for feeds in self.feeds_on.get(node, ()))
        )

    @cached_property
    def _normal_flows_by_feeds(self) -> Mapping[str, Mapping[Feeds, Fraction]]:
        flows: dict[str, dict[Feeds, Fraction]] = {name: {} for name in self.order}
        for feeds in self.consumers_on:
            for node, share in split(feeds, self.routes).items():
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
        unfed = (feeds for feeds in self.consumers_on if not split(feeds, self.routes))
        return {name for feeds in unfed for name in self.consumers_on[feeds]}


def split(feeds: Sequence[str], routes: Mapping[str, Shares]) -> Shares:
    """Split one unit of power equally over the live ones of `feeds`; empty if none is live."""
    live = [routes[feed] for feed in feeds if routes.get(feed)]
    if len(live) == 1:
        return live[0]
    shares: dict[str, Fraction] = {}
    for route in live:
        for node, share in route.items():
            shares[node] = shares.get(node, ZERO) + share / len(live)
    return shares


def _route(node: PowerNode, routes: Mapping[str, Shares]) -> Shares:
    """Where one unit of power drawn at `node` flows; empty if no parent of it is live."""
    if not node.parents:
        return {node.name: ONE}
    live = [parent for parent in node.parents if routes.get(parent)]
    above = split(live[:1] if node.mode == "transfer" else live, routes)
    return {node.name: ONE, **above} if live else {}
