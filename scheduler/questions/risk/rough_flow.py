"""Where power flows in an outage, roughly and fast: which racks go dark, whether anything is tight.

The topology routes in fractions, which takes a tenth of a second for the loss of a feed of a large
site. Of ten thousand distinct outages hardly any lifts a node above its rating. Floats tell these
few apart; they are then routed exactly, so that no result rests on a float.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from scheduler.model import PowerNode
from scheduler.topology import Topology

Route = Mapping[str, float]  # power node -> share of a unit of power

CERTAIN = 1 - 1e-9  # of a limit: far more than floats are off


class RoughFlow:
    """The power graph with what consumers draw at their peak, in floats."""

    def __init__(
        self, topology: Topology, peak_w: Mapping[str, int], limit_w: Callable[[PowerNode], int]
    ) -> None:
        self._topology = topology
        self._nodes = topology.site.power_nodes
        self._place = {name: place for place, name in enumerate(topology.order)}
        self._limit_w = {name: limit_w(node) * CERTAIN for name, node in self._nodes.items()}
        self._peak_w = {
            feeds: float(sum(peak_w[name] for name in names))
            for feeds, names in topology.consumers_on.items()
        }
        self._below: dict[str, frozenset[str]] = {}
        self._routes: dict[str, Route] = {}
        for name in topology.order:
            self._routes[name] = self._route(name, self._routes)
        self._split = {feeds: _split(feeds, self._routes) for feeds in topology.consumers_on}
        self._load_w = dict.fromkeys(self._nodes, 0.0)
        for feeds, shares in self._split.items():
            for name, share in shares.items():
                self._load_w[name] += self._peak_w[feeds] * share
        unfed = (feeds for feeds, shares in self._split.items() if not shares)
        self._unfed = frozenset(self._racks(unfed))

    def dark(self, failed: tuple[str, ...]) -> frozenset[str]:
        """Return the racks without a live feed while some power nodes are out."""
        after = self._after(failed)
        return self._unfed.union(self._racks(feeds for feeds, to in after.items() if not to))

    def tight(self, failed: tuple[str, ...]) -> list[str]:
        """Return the nodes with more to carry that could be above their limit at peak."""
        more: dict[str, float] = {}
        grown: set[str] = set()
        for feeds, to in self._after(failed).items():
            before = self._split[feeds]
            for name in {**before, **to}:
                change = to.get(name, 0.0) - before.get(name, 0.0)
                more[name] = more.get(name, 0.0) + self._peak_w[feeds] * change
                if change > 0:
                    grown.add(name)
        over = (n for n in grown if self._load_w[n] + more[n] > self._limit_w[n])
        return sorted(over, key=self._place.__getitem__)

    def _after(self, failed: tuple[str, ...]) -> dict[tuple[str, ...], Route]:
        """Return the routes of all feeds that an outage concerns."""
        below = set().union(*(self._descendants(name) for name in failed))
        routes = dict(self._routes)
        for name in sorted(below, key=self._place.__getitem__):
            routes[name] = {} if name in failed else self._route(name, routes)
        feeds_on = self._topology.feeds_on
        concerned = {feeds for name in below for feeds in feeds_on.get(name, ())}
        return {feeds: _split(feeds, routes) for feeds in concerned}

    def _route(self, name: str, routes: Mapping[str, Route]) -> Route:
        node = self._nodes[name]
        if not node.parents:
            return {name: 1.0}
        live = [parent for parent in node.parents if routes.get(parent)]
        above = _split(live[:1] if node.mode == "transfer" else live, routes)
        return {name: 1.0, **above} if live else {}

    def _descendants(self, name: str) -> frozenset[str]:
        found = self._below.get(name)
        if found is None:
            found = self._below[name] = frozenset(self._topology.below((name,)))
        return found

    def _racks(self, some: Iterable[tuple[str, ...]]) -> set[str]:
        racks = self._topology.site.racks
        return {n for feeds in some for n in self._topology.consumers_on[feeds] if n in racks}


def _split(feeds: Iterable[str], routes: Mapping[str, Route]) -> Route:
    """Split one unit of power equally over the live ones of `feeds`."""
    live = [routes[feed] for feed in feeds if routes.get(feed)]
    if len(live) == 1:
        return live[0]
    shares: dict[str, float] = {}
    for route in live:
        for name, share in route.items():
            shares[name] = shares.get(name, 0.0) + share / len(live)
    return shares
