"""How groups of UPS stand in for each other, read from the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import networkx as nx

from scheduler.topology.flows import ZERO, PowerFlows, Shares, split
from scheduler.topology.graph import Feeds

Reach = Mapping[Feeds, frozenset[str]]  # set of feeds -> UPS above it


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


def redundancy_found(flows: PowerFlows) -> Iterator[Redundancy]:
    """Yield how every group of UPS that share consumers is redundant, in order of the site."""
    ups = [node.name for node in flows.site.power_nodes.values() if node.kind == "ups"]
    reach = {feeds: frozenset(flows.above(feeds).intersection(ups)) for feeds in flows.consumers_on}
    together: nx.Graph[str] = nx.Graph()
    for members in reach.values():
        nx.add_path(together, sorted(members))
    groups = nx.connected_components(together)
    for group in sorted(groups, key=lambda group: min(map(ups.index, group))):
        yield _redundancy(
            flows,
            tuple(name for name in ups if name in group),
            {feeds: members for feeds, members in reach.items() if members & group},
        )


def _redundancy(flows: PowerFlows, members: tuple[str, ...], reach: Reach) -> Redundancy:
    """Look at the group as it is wired: normally, and without each of its members."""
    nodes = flows.site.power_nodes
    watts = {
        feeds: sum(flows.basis_w[name] for name in flows.consumers_on[feeds]) for feeds in reach
    }
    normal = _loads(watts, flows.routes)
    cases, survives = [normal], True
    for member in members:
        routes = flows.routes_without((member,))
        survives &= all(split(feeds, routes) for feeds in reach)
        cases.append(_loads(watts, routes))
    fits = [
        Fraction(nodes[name].rating_w) / case[name]
        for case in cases
        for name in members
        if case.get(name)
    ]
    halls = {nodes[name].hall for name in members}
    num_reserves = sum(not normal.get(name) for name in members)
    return Redundancy(
        hall=(halls.pop() or "") if len(halls) == 1 else "",
        members=members,
        scheme=_scheme(len(members), num_reserves, survives, set(reach.values())),
        num_reserves=num_reserves,
        num_pairs=len(set(reach.values())),
        firm_w=floor(min(fits, default=ZERO) * sum(watts.values())),
    )


def _loads(watts: Mapping[Feeds, int], routes: Mapping[str, Shares]) -> dict[str, Fraction]:
    """Return what every node carries when the consumers on each set of feeds draw `watts`."""
    loads: dict[str, Fraction] = {}
    for feeds, drawn_w in watts.items():
        for node, share in split(feeds, routes).items():
            loads[node] = loads.get(node, ZERO) + drawn_w * share
    return loads


def _scheme(count: int, reserves: int, survives: bool, sets: Set[frozenset[str]]) -> str:
    """Name the redundancy of `count` UPS, `reserves` of them without load in the normal state."""
    if not survives:
        return "N" if count == 1 else "mixed"
    if reserves:
        return "catcher"
    if count <= 2:
        return "N + mains" if count == 1 else "2N"
    return "N+1" if len(sets) == 1 else f"{count}N/{count - 1}"
