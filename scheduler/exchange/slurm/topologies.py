"""The topologies that Slurm knows: a tree of switches, and blocks of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.exchange.fabric_tree import Domain, fabric_roots, nvlink_blocks
from scheduler.exchange.node_names import NodeNames, labels
from scheduler.model import Rack, Site

TREE = "fabric"  # name of the tree in topology.yaml
EVERYTHING = "all"  # name of the partition that holds all nodes
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # Slurm takes 64 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A leaf switch with its nodes, or a switch that joins others."""

    name: str
    children: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)  # where it was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Nodes of one NVLink domain."""

    name: str
    nodes: tuple[str, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Blocks that Slurm plans with together."""

    name: str
    sizes: tuple[int, ...]  # the planning base size, then the sizes of groups of blocks
    blocks: tuple[Block, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topologies:
    """All topologies of a cluster."""

    switches: tuple[Switch, ...] = ()
    blocks: tuple[Blocks, ...] = ()


def topologies_of(site: Site, names: NodeNames) -> Topologies:
    """Return the site's fabric as a tree and its NVLink domains as blocks, by rack type.

    A domain that joins one other only is left out of the tree: it tells nothing of distances
    and makes scheduling slower. Drained racks and broken nodes stay in: a running cluster must
    not lose nodes from its topology.
    """
    roots = [_shortened(root) for root in fabric_roots(site)]
    called = _names_of(roots)
    switches = tuple(
        Switch(
            name=called[domain.label],
            children=tuple(called[child.label] for child in domain.children),
            nodes=_nodes(names, domain.racks),
        )
        for root in roots
        for domain in root.walk()
    )
    return Topologies(switches=switches, blocks=tuple(_blocks(site, names)))


def partition_names(site: Site) -> dict[str, str]:
    """Return the partition of every rack: its GPU type, with its fabric if there are several.

    A partition has one topology, so none spans separate fabrics.
    """
    fabrics = fabric_names(site)
    several = len(set(fabrics.values())) > 1
    called = {
        rack.name: f"{fabrics[rack.name]} {site.type_of(rack).gpu_type}"
        if several
        else site.type_of(rack).gpu_type
        for rack in site.racks.values()
    }
    made = labels([*called.values(), EVERYTHING])
    return {rack: made[name] for rack, name in called.items()}


def block_topology_names(site: Site) -> dict[str, str]:
    """Return the block topology of every rack that is one NVLink domain."""
    partitions, types = partition_names(site), labels(nvlink_blocks(site))
    return {
        rack.name: f"nvl-{partitions[rack.name]}-{types[rack_type]}"
        for rack_type, racks in nvlink_blocks(site).items()
        for rack in racks
    }


def fabric_names(site: Site) -> dict[str, str]:
    """Return the fabric of every rack, by the name of its top switch."""
    roots = [_shortened(root) for root in fabric_roots(site)]
    called = _names_of(roots)
    return {rack.name: called[root.label] for root in roots for rack in root.all_racks}


def _blocks(site: Site, names: NodeNames) -> Iterator[Blocks]:
    """Yield a topology for each type of rack in each fabric: blocks of it can be joined."""
    rack_labels = labels(site.racks)
    groups: dict[str, list[Rack]] = {}
    for rack, topology in block_topology_names(site).items():
        groups.setdefault(topology, []).append(site.racks[rack])
    for topology, racks in groups.items():
        yield Blocks(
            name=topology,
            sizes=block_sizes(site.type_of(racks[0]).nodes, len(racks)),
            blocks=tuple(
                Block(
                    name=rack.name if NAME.fullmatch(rack.name) else rack_labels[rack.name],
                    nodes=names.hosts[rack.name],
                )
                for rack in racks
            ),
        )


def block_sizes(base: int, blocks: int) -> tuple[int, ...]:
    """Return the base size and its power-of-two multiples up to all blocks: ``18, 36, 72``."""
    sizes = [base]
    while sizes[-1] * 2 <= base * blocks:
        sizes.append(sizes[-1] * 2)
    return tuple(sizes)


def roots_of(switches: tuple[Switch, ...]) -> tuple[Switch, ...]:
    """Return the switches that no other has for a child."""
    below = {child for switch in switches for child in switch.children}
    return tuple(switch for switch in switches if switch.name not in below)


def _shortened(domain: Domain) -> Domain:
    while domain.is_alone():
        domain = domain.children[0]
    return Domain(
        name=domain.name,
        label=domain.label,
        level=domain.level,
        children=tuple(_shortened(child) for child in domain.children),
        racks=domain.racks,
    )


def _names_of(roots: list[Domain]) -> dict[str, str]:
    """Return the name of every domain's switch by its label: the site's own where Slurm takes it.

    A name that two domains share, or that Slurm does not take, gives way to the label.
    """
    domains = [domain for root in roots for domain in root.walk()]
    count: dict[str, int] = {}
    for domain in domains:
        count[domain.name] = count.get(domain.name, 0) + 1
    return {
        domain.label: domain.name
        if NAME.fullmatch(domain.name) and count[domain.name] == 1
        else domain.label
        for domain in domains
    }


def _nodes(names: NodeNames, racks: tuple[Rack, ...]) -> tuple[str, ...]:
    return tuple(host for rack in racks for host in names.hosts[rack.name])
