"""Slurm's own rules for files that the installed version does not read yet, from its manuals."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from scheduler.exchange.slurm.hostlist import expand
from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes


def read_yaml(text: str, folder: Path) -> Any:
    """Read text as YAML with our own reader, which refuses tags and aliases."""
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    mistakes = Mistakes()
    document = Document.load(path, mistakes)
    mistakes.raise_if_any()
    assert document is not None
    return document.data


def check_topologies(entries: Any) -> dict[str, Any]:
    """topology.yaml(5) of 25.05; returns the topologies by name."""
    defaults = 0
    found = {}
    for entry in entries:
        assert next(iter(entry)) == "topology"
        assert entry.keys() - {"topology", "cluster_default"} in ({"tree"}, {"block"})
        defaults += entry["cluster_default"] is True
        found[entry["topology"]] = entry
        if "tree" in entry:
            for switch in entry["tree"]["switches"]:
                assert len(switch["switch"]) <= 64
                assert switch.keys() in ({"switch", "children"}, {"switch", "nodes"})
        else:
            base, *others = entry["block"]["block_sizes"]
            assert all(size % base == 0 and (size // base).bit_count() == 1 for size in others)
            for block in entry["block"]["blocks"]:
                assert len(expand(block["nodes"])) >= base
    assert defaults == 1
    assert len(found) == len(entries)
    return found


def check_resources(entries: Any) -> list[dict[str, Any]]:
    """Hierarchical resources of 25.05 in MODE_3; returns the layers, with sets of nodes."""
    (entry,) = entries
    assert next(iter(entry)) == "resource"
    assert entry["mode"] == "MODE_3"
    names = [each["name"] for each in entry["variables"]]
    assert len(set(names)) == len(names)
    layers = [
        {
            "nodes": {node for text in layer["nodes"] for node in expand(text)},
            "count": layer["count"],
            "base": sum(each["value"] for each in layer.get("base", [])),
        }
        for layer in entry["layers"]
    ]
    by_node: dict[str, list[int]] = {}
    for i, layer in enumerate(layers):
        for node in layer["nodes"]:
            by_node.setdefault(node, []).append(i)
    depths = {len(above) for above in by_node.values()}
    assert len(depths) == 1, "a tree of uniform depth"
    assert len({above[-1] for above in by_node.values()}) == 1, "one root"
    for above in by_node.values():  # every layer holds all nodes of those below it
        for lower, upper in pairwise(above):
            assert layers[lower]["nodes"] <= layers[upper]["nodes"]
    for layer in layers:
        inside = [each for each in layers if each["nodes"] <= layer["nodes"]]
        static = sum(each["base"] for each in inside if each["nodes"] < layer["nodes"])
        assert static + layer["base"] <= layer["count"], "the base load alone fits"
    return layers
