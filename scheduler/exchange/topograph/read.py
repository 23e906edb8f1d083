"""Topograph's model files and the JSON of its graph engine as the nodes of a fabric.

Two shapes of model are read: ``blocks`` with their switch, and the earlier ``capacity_blocks``
with nodes at the switches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.exchange.bare_site import NOTE_LIMITS, NodeFacts, bare_site, known_type, site_text
from scheduler.exchange.exchanged import Imported
from scheduler.exchange.fabric_nodes import FabricNode
from scheduler.exchange.fields import Fields, raise_if_any, read_fields
from scheduler.exchange.slurm.hostlist import HostlistError, expand
from scheduler.exchange.topograph.write import RACK
from scheduler.inputs.mistakes import Mistakes, Plain

# Where a domain stands, as a label or an annotation: now, in model files, in earlier ones.
DOMAINS = (
    "accelerator.topograph.run/domain",
    "accelerator.topology.test/domain",
    "accelerated.topology.nvidia.com/level-0",
)
MOST_LAYERS = 64
_MARKS = ("labels", "annotations")


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """What a file says, and what it says that has no place."""

    nodes: tuple[FabricNode, ...]
    unmapped: tuple[str, ...] = ()


@dataclass
class _Reading:
    """What is found while a file is read."""

    mistakes: Mistakes
    nodes: dict[str, FabricNode] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)

    def add(self, place: Fields, key: str, node: FabricNode) -> None:
        """Add a node; one that is there already is a mistake."""
        if node.host in self.nodes:
            expected = "each node below one switch"
            self.mistakes.add(place.document, (*place.loc, key), expected, Plain(node.host))
        self.nodes.setdefault(node.host, node)

    def leave(self, what: str, keys: Iterable[str]) -> None:
        """Note keys that have no place."""
        self.unmapped += [f"{what}: {key}" for key in keys]


def import_topograph(path: Path, *, rack_type: str, name: str = "") -> Imported:
    """Return ``site.json`` with the fabric of a model or graph; its racks are like `rack_type`.

    Raises
    ------
    ExchangeError
        With every mistake of the file.
    """
    base = known_type(rack_type)
    fabric = read_fabric(path)
    facts = {node.host: NodeFacts(type=base) for node in fabric.nodes}
    site, lines = bare_site(name or path.stem, fabric.nodes, facts)
    return Imported(
        files={"site.json": site_text(site)},
        unmapped=(*fabric.unmapped, *lines),
        notes=(NOTE_LIMITS, f"racks are like {rack_type}: Topograph does not say what they are"),
    )


def read_fabric(path: Path) -> Fabric:
    """Read a model (``switches`` and ``blocks``) or a graph (``instances``)."""
    mistakes = Mistakes()
    whole = read_fields(path, mistakes)
    reading = _Reading(mistakes)
    if "instances" in whole.data:
        reading.leave("graph", whole.others("instances"))
        for instance in whole.records("instances"):
            _read_instance(instance, reading)
    elif "switches" in whole.data:
        reading.leave("model", whole.others("switches", "blocks", "nodes", "capacity_blocks"))
        _read_model(whole, reading)
    else:
        mistakes.add(whole.document, (), "switches (a model) or instances (a graph)", Plain("none"))
    raise_if_any(mistakes)
    return Fabric(nodes=tuple(reading.nodes.values()), unmapped=tuple(reading.unmapped))


def _read_instance(instance: Fields, reading: _Reading) -> None:
    host = instance.name("id")
    labels = instance.inner("labels")
    attributes = instance.inner("attributes")
    nvlink = attributes.text("nvlink")
    known = ("id", "network_layers", "labels", "attributes")
    reading.leave(f"instance {host}", instance.others(*known))
    reading.leave(f"instance {host}: attribute", attributes.others("nvlink"))
    reading.leave(f"instance {host}: label", labels.others(*DOMAINS, RACK))
    layers = tuple(instance.names("network_layers"))
    node = FabricNode(
        host=host, layers=layers, domain=_domain(labels) or nvlink, rack=labels.text(RACK)
    )
    reading.add(instance, "id", node)


def _read_model(whole: Fields, reading: _Reading) -> None:
    switches = list(whole.by_name("switches"))
    above, leaves = _read_switches(switches, reading)
    paths: dict[str, tuple[str, ...]] = {}
    for block in whole.records("blocks"):
        switch = block.name("switch")
        reading.leave(f"block of {switch}", block.others("switch", "nodes", *_MARKS))
        marks = [block.inner(each) for each in _MARKS]
        for each in marks:
            reading.leave(f"block of {switch}: {each.loc[-1]}", each.others(*DOMAINS, RACK))
        domain = next(filter(None, map(_domain, marks)), None)
        rack = marks[0].text(RACK)
        for host in _expanded(block, "nodes"):
            layers = paths.get(switch) or _path(switch, above)
            paths[switch] = layers
            node = FabricNode(host=host, layers=layers, domain=domain, rack=rack)
            reading.add(block, "nodes", node)
    domains = dict(_earlier_domains(whole, reading))
    for switch, place, host in leaves:
        layers = _path(switch, above)
        node = FabricNode(host=host, layers=layers, domain=domains.pop(host, None))
        reading.add(place, "nodes", node)
    reading.unmapped += [f"node {host}: no switch above it" for host in domains]
    used = {switch for node in reading.nodes.values() for switch in node.layers}
    unused = [name for name, _ in switches if name not in used]
    reading.unmapped += [f"switch {name}: no node below it" for name in unused]


def _read_switches(
    switches: list[tuple[str, Fields]], reading: _Reading
) -> tuple[dict[str, str], list[tuple[str, Fields, str]]]:
    """Return the parent of every switch, and the nodes that stand at switches."""
    above: dict[str, str] = {}
    leaves = []
    for name, switch in switches:
        reading.leave(f"switch {name}", switch.others("switches", "nodes", "name", *_MARKS))
        for each in _MARKS:
            reading.leave(f"switch {name}: {each}", switch.inner(each).others())
        for child in switch.names("switches"):
            if above.setdefault(child, name) != name:
                expected = f"each switch below one other; {child} is below {above[child]}"
                place = (*switch.loc, "switches")
                reading.mistakes.add(switch.document, place, expected, Plain(name))
        leaves += [(name, switch, host) for host in _expanded(switch, "nodes")]
    for name, switch in switches:
        if len(_path(name, above)) >= MOST_LAYERS:
            expected = f"a tree of at most {MOST_LAYERS} layers"
            reading.mistakes.add(switch.document, switch.loc, expected, Plain("a cycle, or more"))
    return above, leaves


def _earlier_domains(whole: Fields, reading: _Reading) -> Iterator[tuple[str, str]]:
    """Yield the NVLink domain of nodes, as earlier models give it."""
    for name, block in whole.by_name("capacity_blocks"):
        reading.leave(f"capacity block {name}", block.others("nodes", "attributes"))
        nvlink = block.inner("attributes").text("nvlink")
        for host in _expanded(block, "nodes"):
            if nvlink:
                yield host, nvlink
    for name, node in whole.by_name("nodes"):
        reading.leave(f"node {name}", node.others("id", "attributes", "capacity_block"))
        nvlink = node.inner("attributes").text("nvlink")
        if nvlink:
            yield name, nvlink


def _path(switch: str, above: dict[str, str]) -> tuple[str, ...]:
    """Return a switch and those above it, the closest first; a cycle is cut off."""
    path = [switch]
    while path[-1] in above and len(path) < MOST_LAYERS:
        path.append(above[path[-1]])
    return tuple(path)


def _domain(marks: Fields) -> str | None:
    return next(filter(None, map(marks.text, DOMAINS)), None)


def _expanded(place: Fields, key: str) -> list[str]:
    """Return the hosts of a list of names and ranges."""
    try:
        return [host for text in place.names(key) for host in expand(text)]
    except HostlistError as error:
        place.mistakes.add(place.document, (*place.loc, key), str(error), Plain("something else"))
        return []
