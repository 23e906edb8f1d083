"""The fabric seen from its nodes: behind which switches each lies, and in which NVLink domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scheduler.exchange.fabric_tree import Domain, fabric_roots
from scheduler.exchange.node_names import node_names
from scheduler.model import Level, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricNode:
    """A node and the switches above it, the closest first."""

    host: str
    layers: tuple[str, ...]
    domain: str | None = None  # NVLink domain, if it is larger than the node
    rack: str | None = None  # where it is known


def fabric_nodes(site: Site) -> tuple[FabricNode, ...]:
    """Return all nodes of a site, drained and broken ones too, in the order of the fabric.

    A switch that joins one other of the same name is the same switch. Where several levels use a
    name for different domains, the level follows the name of the larger ones.
    """
    names = node_names(site)
    found: list[FabricNode] = []
    for leaf, layers in _leaves(site):
        for rack in leaf.racks:
            spans_rack = site.type_of(rack).nvlink_domain is Level.RACK
            found += [
                FabricNode(
                    host=host,
                    layers=layers,
                    domain=rack.name if spans_rack else None,
                    rack=rack.name,
                )
                for host in names.hosts[rack.name]
            ]
    return tuple(found)


def _leaves(site: Site) -> Iterator[tuple[Domain, tuple[str, ...]]]:
    """Yield every array with the names of the switches above it, its own first."""
    roots = fabric_roots(site)
    called = _names([domain for root in roots for domain in root.walk()])

    def walk(domain: Domain, above: tuple[str, ...]) -> Iterator[tuple[Domain, tuple[str, ...]]]:
        below = domain.children
        same = len(below) == 1 and below[0].name == domain.name
        layers = above if same else (called[domain.level, domain.name], *above)
        if not below:
            yield domain, layers
        for child in below:
            yield from walk(child, layers)

    for root in roots:
        yield from walk(root, ())


def _names(domains: list[Domain]) -> dict[tuple[Level, str], str]:
    """Return a name for every domain that no other has: its own, if it is the smallest with it."""
    found: dict[tuple[Level, str], str] = {}
    own = {domain.name for domain in domains}
    taken: set[str] = set()
    for domain in sorted(domains, key=lambda each: each.level.rank):
        name = domain.name
        while name in taken or (name in own and name != domain.name):
            name = f"{name}-{domain.level}"
        taken.add(name)
        found[domain.level, domain.name] = name
    return found
