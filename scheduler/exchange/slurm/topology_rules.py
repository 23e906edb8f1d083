"""What must hold of Slurm's topologies. Both what is written and what is read is held to it.

Each rule is a mistake that clusters have made: nodes that drop out of the topology, separate
fabrics below one root, a switch that names a child that is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from scheduler.exchange.slurm.topologies import (
    NAME,
    Block,
    Blocks,
    Switch,
    Topologies,
    roots_of,
)

Fault = tuple[int, str]  # line where it was read, 0 if nowhere; what is wrong


def tree_faults(switches: tuple[Switch, ...]) -> Iterator[Fault]:
    """Yield what is wrong with the tree itself: names, children, cycles, nodes on two leaves."""
    yield from _name_faults("switch", switches)
    known = {switch.name for switch in switches}
    parents: Counter[str] = Counter()
    for switch in switches:
        who = f"switch {switch.name}"
        if bool(switch.nodes) == bool(switch.children):
            yield switch.line, f"{who}: expected either nodes or switches below it"
        for child in switch.children:
            if child not in known:
                yield switch.line, f"{who}: expected switches of the file below it, got {child}"
        parents.update(set(switch.children))
    for switch in switches:
        if parents[switch.name] > 1:
            expected = f"expected at most one above it, got {parents[switch.name]}"
            yield switch.line, f"switch {switch.name}: {expected}"
    reached = {switch.name for root in roots_of(switches) for switch in _below(root, switches)}
    for switch in switches:
        if switch.name not in reached:
            yield switch.line, f"switch {switch.name}: expected a tree, got a cycle"
    yield from _twice("leaf", [(s.name, s.nodes, s.line) for s in switches])


def block_faults(blocks: Blocks) -> Iterator[Fault]:
    """Yield what is wrong with blocks: names, nodes in two blocks, sizes that do not fit."""
    yield from _name_faults("block", blocks.blocks)
    yield from _twice("block", [(b.name, b.nodes, b.line) for b in blocks.blocks])
    for block in blocks.blocks:
        if not block.nodes:
            yield block.line, f"block {block.name}: expected nodes, got none"
    if not blocks.sizes or blocks.sizes[0] < 1:
        yield blocks.line, f"topology {blocks.name}: expected a base size of at least 1"
        return
    for size in blocks.sizes[1:]:
        factor, rest = divmod(size, blocks.sizes[0])
        if rest or factor.bit_count() != 1:
            expected = f"sizes that are {blocks.sizes[0]} times a power of two, got {size}"
            yield blocks.line, f"topology {blocks.name}: expected {expected}"


def missing_faults(
    topologies: Topologies, nodes: Collection[str], in_blocks: Collection[str]
) -> Iterator[str]:
    """Yield nodes that have no place, and places of nodes that are none.

    All `nodes` belong into the tree, drained ones as well, and those `in_blocks` into one block.
    """
    hung = Counter(node for switch in topologies.switches for node in switch.nodes)
    blocked = Counter(
        node for each in topologies.blocks for block in each.blocks for node in block.nodes
    )
    for node in nodes:
        if hung[node] != 1:
            yield f"node {node}: expected on exactly one leaf switch, got {hung[node]}"
    for node in in_blocks:
        if blocked[node] != 1:
            yield f"node {node}: expected in exactly one block, got {blocked[node]}"
    for node in sorted((hung.keys() | blocked.keys()) - set(nodes)):
        yield f"node {node}: expected a node of the site"


def joined_faults(switches: tuple[Switch, ...], fabric_of: Mapping[str, str]) -> Iterator[str]:
    """Yield the roots below which nodes of separate fabrics lie; `fabric_of` is by node.

    Slurm would spread a job over racks that no cable joins.
    """
    for root in roots_of(switches):
        inside = {
            fabric_of[node]
            for switch in _below(root, switches)
            for node in switch.nodes
            if node in fabric_of
        }
        if len(inside) > 1:
            yield f"switch {root.name}: joins the separate fabrics {', '.join(sorted(inside))}"


def small_blocks(blocks: Blocks, usable: Collection[str]) -> list[tuple[str, int]]:
    """Return the blocks that have fewer usable nodes than the base size, and how many they have."""
    found = [(block.name, sum(node in usable for node in block.nodes)) for block in blocks.blocks]
    return [(name, count) for name, count in found if count < blocks.sizes[0]]


def _below(root: Switch, switches: tuple[Switch, ...]) -> Iterator[Switch]:
    """Yield `root` and all switches below it, each once."""
    by_name = {switch.name: switch for switch in switches}
    waiting, seen = [root.name], set[str]()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in seen:
            seen.add(name)
            yield by_name[name]
            waiting += by_name[name].children


def _name_faults(kind: str, records: Iterable[Switch | Block]) -> Iterator[Fault]:
    seen: set[str] = set()
    for record in records:
        if not NAME.fullmatch(record.name):
            expected = "expected a name of at most 63 letters, digits, '.', '_' and '-'"
            yield record.line, f"{kind} {record.name[:60]!r}: {expected}"
        if record.name in seen:
            yield record.line, f"{kind} {record.name}: expected a name that no other has"
        seen.add(record.name)


def _twice(kind: str, groups: list[tuple[str, tuple[str, ...], int]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for name, nodes, line in groups:
        for node in nodes:
            if node in first:
                yield line, f"node {node}: expected on one {kind}, got {first[node]} and {name}"
            first.setdefault(node, name)
