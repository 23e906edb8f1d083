"""The fabric for Topograph: a model file for its simulations, and the JSON of its graph engine.

Source of the fields: NVIDIA/topograph@e2b62507, ``pkg/models`` and ``docs/engines/graph.md``.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from scheduler.exchange.exchanged import Exported
from scheduler.exchange.fabric_nodes import FabricNode, fabric_nodes
from scheduler.exchange.topograph.ranges import compact
from scheduler.inputs import dump_yaml
from scheduler.model import Plan, Problem

MODEL, GRAPH = "topograph-model.yaml", "topograph-graph.json"
MODEL_DOMAIN = "accelerator.topology.test/domain"  # the annotation that model files use
GRAPH_DOMAIN = "accelerator.topograph.run/domain"  # the label that nodes get
RACK = "rackwatt/rack"
NOTE_PLAN = "a fabric has no plan: tenants and jobs are not in these files"


def export(problem: Problem, _plan: Plan) -> Exported:
    """Return the fabric of the site as a model and as a graph."""
    nodes = fabric_nodes(problem.site)
    return Exported(
        files={MODEL: dump_yaml([model(nodes)]), GRAPH: graph(nodes)}, notes=(NOTE_PLAN,)
    )


def model(nodes: tuple[FabricNode, ...]) -> dict[str, Any]:
    """Return a model: switches by name, and a block for the nodes of every rack."""
    below: dict[str, dict[str, None]] = {}
    blocks: dict[tuple[str, str | None, str | None], list[str]] = {}
    for node in nodes:
        below.setdefault(node.layers[-1], {})
        for child, parent in reversed(list(pairwise(node.layers))):
            below.setdefault(parent, {})[child] = None
        blocks.setdefault((node.layers[0], node.domain, node.rack), []).append(node.host)
    return {
        "switches": {
            name: {"switches": list(children)} if children else {}
            for name, children in below.items()
        },
        "blocks": [
            {
                "switch": switch,
                "nodes": compact(hosts),
                **({"labels": {RACK: rack}} if rack else {}),
                **({"annotations": {MODEL_DOMAIN: domain}} if domain else {}),
            }
            for (switch, domain, rack), hosts in blocks.items()
        ],
    }


def graph(nodes: tuple[FabricNode, ...]) -> str:
    """Return the instances with the switches above each, the closest first."""
    instances = []
    for node in nodes:
        labels = {GRAPH_DOMAIN: node.domain, RACK: node.rack}
        found = {key: value for key, value in labels.items() if value}
        instances.append(
            {"id": node.host, "network_layers": list(node.layers)}
            | ({"labels": found} if found else {})
        )
    return json.dumps({"instances": instances}, indent=1, ensure_ascii=False) + "\n"
