"""The trees of ``rackwatt site``: what looks alike is one line."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich.tree import Tree

from scheduler.cli.console import safe
from scheduler.words import folded, power, quantity, some

if TYPE_CHECKING:
    from scheduler.model import PowerNode, Rack, Site
    from scheduler.topology import Topology

T = TypeVar("T")
K = TypeVar("K")


def halls_tree(site: Site) -> Tree:
    """Halls, their arrays, and the racks in them."""
    racks = list(site.racks.values())
    tree = Tree(f"{safe(site.name)}: {len(racks):,} racks, {gpus(site, racks):,} GPUs")
    by_hall = grouped(racks, lambda rack: rack.hall)
    shapes = {
        hall: tuple(_types(found) for found in _arrays(inside).values())
        for hall, inside in by_hall.items()
    }
    for halls in group_alike(list(by_hall), shapes.__getitem__):
        inside = by_hall[halls[0]]
        size = f"{len(inside):,} racks, {gpus(site, inside):,} GPUs"
        branch = tree.add(f"hall {short(halls)}: {size}{times(halls)}")
        types = {name: _types(found) for name, found in _arrays(inside).items()}
        for arrays in group_alike(list(types), types.__getitem__):
            branch.add(f"array {short(arrays)}: {types[arrays[0]]}{times(arrays)}")
    return tree


def power_tree(topology: Topology) -> Tree:
    """Power nodes below their first parent; siblings that look alike are one line."""
    nodes = topology.site.power_nodes
    children: dict[str, list[PowerNode]] = {}
    for node in nodes.values():
        if node.parents:
            children.setdefault(node.parents[0], []).append(node)
    shapes: dict[str, Hashable] = {}

    def shape(node: PowerNode) -> Hashable:
        if node.name not in shapes:
            below = tuple(shape(child) for child in children.get(node.name, ()))
            load = len(topology.consumers_of(node.name))
            shapes[node.name] = (
                node.kind,
                node.rating_w,
                node.mode,
                len(node.parents),
                load,
                below,
            )
        return shapes[node.name]

    def grow(branch: Tree, siblings: Sequence[PowerNode]) -> None:
        for alike in group_alike(siblings, shape):
            first = alike[0]
            below = children.get(first.name, [])
            line = _node_line(topology, [node.name for node in alike], first)
            line += f"; below {safe(first.name)}:" if below and len(alike) > 1 else ""
            grow(branch.add(line), below)

    tree = Tree("power")
    grow(tree, [node for node in nodes.values() if not node.parents])
    return tree


def _node_line(topology: Topology, names: list[str], first: PowerNode) -> str:
    line = f"{safe(first.kind)} {short(names)}: {power(first.rating_w)}"
    if first.emergency_permille > 1000:
        line += f", {first.emergency_permille / 10:g} % for {first.emergency_s} s"
    if len(first.parents) > 1:
        line += f", {first.mode}s {len(first.parents)} parents"
    others = topology.children[first.name]
    further = sum(topology.site.power_nodes[child].parents[0] != first.name for child in others)
    line += f", further parent of {further} nodes" if further else ""
    racks = len(topology.consumers_of(first.name))
    return line + (f", feeds {racks:,} consumers" if racks else "") + times(names)


def loops_tree(site: Site) -> Tree:
    """Cooling loops and their CDUs."""
    tree = Tree("cooling loops")
    count = grouped(site.racks.values(), lambda rack: rack.loop)

    def shape(name: str) -> Hashable:
        loop = site.loops[name]
        racks = len(count.get(name, ()))
        return (loop.units, loop.spare_units, loop.unit_w, loop.unit_flow_mlpm, racks)

    for names in group_alike(list(site.loops), shape):
        loop = site.loops[names[0]]
        tree.add(
            f"loop {short(names)}: {loop.units} CDUs of {power(loop.unit_w)}, "
            f"{loop.spare_units} spare, {len(count.get(loop.name, ())):,} racks{times(names)}"
        )
    return tree


def gpus(site: Site, racks: Iterable[Rack]) -> int:
    """GPUs that can be used today."""
    return sum(map(site.usable_gpus, racks))


def _types(racks: Iterable[Rack]) -> str:
    """Return ``8 x hgx-h100-liquid``, with what is drained or down today."""
    inside = list(racks)
    parts = [
        f"{len(group)} x {safe(kind)}"
        for kind, group in grouped(inside, lambda rack: rack.type).items()
    ]
    drained = sum(rack.drained for rack in inside)
    down = sum(rack.down_nodes for rack in inside)
    parts += [f"{drained} drained"] if drained else []
    parts += [f"{quantity(down, 'nodes')} down"] if down else []
    return ", ".join(parts)


def _arrays(racks: Iterable[Rack]) -> dict[str, list[Rack]]:
    return grouped(racks, lambda rack: rack.array)


def grouped(things: Iterable[T], by: Callable[[T], K]) -> dict[K, list[T]]:
    """Group things by a key, in order of the first of each."""
    found: dict[K, list[T]] = {}
    for thing in things:
        found.setdefault(by(thing), []).append(thing)
    return found


def group_alike(things: Sequence[T], shape: Callable[[T], Hashable]) -> list[list[T]]:
    """Group things of equal shape, in order of the first of each."""
    return list(grouped(things, shape).values())


def short(all_names: Sequence[str]) -> str:
    """Write names in folded form, a few of them."""
    return safe(some(folded(all_names), 4))


def times(things: Sequence[object]) -> str:
    """Say how many alike things a line stands for."""
    return f" each ({len(things)} alike)" if len(things) > 1 else ""
