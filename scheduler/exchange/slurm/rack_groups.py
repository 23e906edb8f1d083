"""Nodes behind a leaf switch, put together to racks: Slurm knows leaves and nodes, no racks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from scheduler.exchange.slurm.hostlist import natural
from scheduler.exchange.slurm.topologies import Topologies

MOST_NODES = 1000  # of one rack
_NUMBERED = re.compile(r"(.*?)[-_.]?(?:node|host|gpu|n)?[-_.]?[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """Nodes that are taken for one rack."""

    name: str
    leaf: str
    nodes: tuple[str, ...]
    block: bool  # whether they are a block, one NVLink domain


def rack_groups(
    topologies: Topologies,
    kind_of: Callable[[str], Hashable],
    nodes_per_rack: int | None,
    unmapped: list[str],
) -> list[NodeGroup]:
    """Return the racks behind each leaf, in the order of the leaves.

    A block is a rack. Other nodes of a leaf are a rack if their names differ only in the last
    number and what stands before it has a number as well (``h1-r07-n01``); else the leaf is one.
    Nodes of different kinds are never in one rack, nor, blocks aside, more than `nodes_per_rack`.
    A rack whose name a switch or another rack has gets a number.
    """
    block_of = {n: b.name for each in topologies.blocks for b in each.blocks for n in b.nodes}
    switches = {switch.name for switch in topologies.switches}
    parts: list[tuple[str, str, bool, list[str]]] = []
    for switch in topologies.switches:
        groups: dict[tuple[str, bool, Hashable], list[str]] = {}
        for node in sorted(switch.nodes, key=natural):
            block = block_of.get(node)
            name = block or _stem(node) or switch.name
            key = (name, block is not None, kind_of(node))
            groups.setdefault(key, []).append(node)
        for (name, is_block, _kind), nodes in groups.items():
            size = MOST_NODES if is_block else min(nodes_per_rack or MOST_NODES, MOST_NODES)
            parts += [(switch.name, name, is_block, each) for each in _cut(nodes, size)]
    _tell_blocks_apart(parts, unmapped)
    taken: set[str] = set()
    racks_behind = Counter(leaf for leaf, *_rest in parts)
    found = []
    for leaf, name, is_block, nodes in parts:
        free = name not in switches or (name == leaf and racks_behind[leaf] == 1 and is_block)
        number = 1
        unique = name if free else f"{name}-R1"
        while unique in taken or (unique in switches and unique != name):
            number += 1
            unique = f"{name}-R{number}"
        taken.add(unique)
        found.append(NodeGroup(name=unique, leaf=leaf, nodes=tuple(nodes), block=is_block))
    return found


def _stem(node: str) -> str:
    """Return what stands before the last number, if that tells racks apart."""
    match = _NUMBERED.fullmatch(node)
    return match[1] if match and re.search(r"[0-9]", match[1]) else ""


def _cut(nodes: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(nodes), size):
        yield nodes[start : start + size]


def _tell_blocks_apart(
    parts: Iterable[tuple[str, str, bool, list[str]]], unmapped: list[str]
) -> None:
    """List blocks that are more than one rack: behind several leaves, or of several kinds."""
    count: dict[str, int] = {}
    for _leaf, name, is_block, _nodes in parts:
        count[name] = count.get(name, 0) + is_block
    for name, pieces in count.items():
        if pieces > 1:
            unmapped.append(f"block {name}: its nodes are {pieces} racks here, by leaf and GPUs")
