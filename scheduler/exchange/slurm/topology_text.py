"""Topologies as the files ``topology.conf`` (a tree) and ``topology.yaml`` (a tree and blocks).

Fields as in Slurm's manual pages topology.conf(5) and topology.yaml(5) of 25.05.
"""

from __future__ import annotations

from scheduler.exchange.slurm.hostlist import fold
from scheduler.exchange.slurm.topologies import TREE, Switch, Topologies
from scheduler.inputs import dump_yaml


def topology_conf(switches: tuple[Switch, ...]) -> str:
    """Return ``topology.conf`` for ``TopologyPlugin=topology/tree``: a line for each switch."""
    return "".join(f"SwitchName={switch.name} {_below(switch)}\n" for switch in switches)


def topology_yaml(topologies: Topologies) -> str:
    """Return ``topology.yaml``: the tree, which is the cluster's default, then the blocks.

    The key ``topology`` comes first in each of its entries: Slurm wants it so.
    """
    tree: dict[str, object] = {
        "topology": TREE,
        "cluster_default": True,
        "tree": {"switches": [_switch(switch) for switch in topologies.switches]},
    }
    blocks = [
        {
            "topology": each.name,
            "cluster_default": False,
            "block": {
                "block_sizes": list(each.sizes),
                "blocks": [{"block": b.name, "nodes": fold(b.nodes)} for b in each.blocks],
            },
        }
        for each in topologies.blocks
    ]
    return dump_yaml([[tree, *blocks]])


def _below(switch: Switch) -> str:
    if switch.children:
        return f"Switches={fold(switch.children)}"
    return f"Nodes={fold(switch.nodes)}"


def _switch(switch: Switch) -> dict[str, str]:
    if switch.children:
        return {"switch": switch.name, "children": fold(switch.children)}
    return {"switch": switch.name, "nodes": fold(switch.nodes)}
