"""The fabric as an ordered tree: arrays (leaves) below pods (spines) below halls below the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scheduler.exchange.node_names import labels
from scheduler.model import Level, Rack, Site

TREE_LEVELS = (Level.ARRAY, Level.POD, Level.HALL, Level.SITE)  # from the leaves up


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """All racks behind the same switches: a leaf group, or the domains that a switch joins."""

    name: str  # as the site calls it
    label: str  # a DNS label; no two domains of a site share one
    level: Level
    children: tuple[Domain, ...] = ()  # none below an array
    racks: tuple[Rack, ...] = ()  # of an array; none above

    def walk(self) -> Iterator[Domain]:
        """Yield the domain and all below it, the larger ones first."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def all_racks(self) -> tuple[Rack, ...]:
        """Racks of the domain and of all below it, in order."""
        return tuple(rack for domain in self.walk() for rack in domain.racks)

    def is_alone(self) -> bool:
        """Whether the domain joins one other only, so that it tells nothing of distances."""
        return len(self.children) == 1


def fabric_roots(site: Site) -> tuple[Domain, ...]:
    """Return the fabric's trees: one, unless the site says that its fabric joins less than it.

    Each root is a domain of the level ``site.fabric.joins``, so no two separate fabrics have a
    parent in common. Domains are in the order of their racks in the site. Drained racks and
    those with broken nodes are part of the tree.
    """
    return tuple(_trees(site, list(site.racks.values()), site.fabric.joins, _labelled(site)))


def nvlink_blocks(site: Site) -> dict[str, tuple[Rack, ...]]:
    """Return the racks that are one NVLink domain each, by their type, in the site's order.

    A rack whose NVLink ends at the host forms no block.
    """
    found: dict[str, list[Rack]] = {}
    for rack in site.racks.values():
        if site.type_of(rack).nvlink_domain is Level.RACK:
            found.setdefault(rack.type, []).append(rack)
    return {name: tuple(racks) for name, racks in found.items()}


def _trees(
    site: Site, racks: list[Rack], level: Level, label: Callable[[Level, str], str]
) -> Iterator[Domain]:
    """Yield the domains of `level` that `racks` lie in, with all below them."""
    groups: dict[str, list[Rack]] = {}
    for rack in racks:
        groups.setdefault(str(site.domain_of(rack, level)), []).append(rack)
    for name, inside in groups.items():
        if level is Level.ARRAY:
            yield Domain(name=name, label=label(level, name), level=level, racks=tuple(inside))
            continue
        lower = TREE_LEVELS[TREE_LEVELS.index(level) - 1]
        children = tuple(_trees(site, inside, lower, label))
        yield Domain(name=name, label=label(level, name), level=level, children=children)


def _labelled(site: Site) -> Callable[[Level, str], str]:
    """Return what gives every domain its label.

    A name that several levels use, as a pod and its only array may, gets its level at its end
    on all levels but the smallest.
    """
    smallest: dict[str, Level] = {}
    for level in TREE_LEVELS:
        for rack in site.racks.values():
            smallest.setdefault(str(site.domain_of(rack, level)), level)

    def unique(level: Level, name: str) -> str:
        return name if smallest[name] is level else f"{name} {level}"

    found = labels(
        unique(level, str(site.domain_of(rack, level)))
        for level in TREE_LEVELS
        for rack in site.racks.values()
    )
    return lambda level, name: found[unique(level, name)]
