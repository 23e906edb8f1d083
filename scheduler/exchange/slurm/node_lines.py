"""Nodes and partitions as lines of ``slurm.conf``, to be included there."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.exchange.node_names import NodeNames, labels
from scheduler.exchange.slurm.hostlist import fold
from scheduler.exchange.slurm.topologies import (
    EVERYTHING,
    NAME,
    block_topology_names,
    partition_names,
)
from scheduler.model import Rack, Site

_HEADER = """\
# Nodes and partitions of the plan. In slurm.conf, before the line that includes this file:
#   TopologyPlugin=topology/tree
#   GresTypes=gpu
#   NodeName=DEFAULT CPUs=... RealMemory=...     as `slurmd -C` prints them on a node
# No node has a Weight: it would come before the topology.
"""


def nodes_conf(site: Site, names: NodeNames) -> str:
    """Return the lines of all nodes, of the node sets and of the partitions.

    A drained rack stays, with ``State=DRAIN``; a broken node with ``State=DOWN``. Partitions hold
    node sets by feature, so that a node that is added to a rack later is in them.
    """
    partitions = partition_names(site)
    gpus = gres_types(site)
    lines = []
    for rack in site.racks.values():
        rack_type = site.type_of(rack)
        gres = f"Gres=gpu:{gpus[rack_type.gpu_type]}:{rack_type.gpus_per_node}"
        common = f"{gres} Feature={partitions[rack.name]}"
        lines += [
            f"NodeName={fold(hosts)} {common} {state}" for hosts, state in _states(names, rack)
        ]
    features = sorted(set(partitions.values()))
    sets = [f"NodeSet=set-{feature} Feature={feature}" for feature in features]
    common = "MaxTime=INFINITE State=UP"
    parts = [f"PartitionName={EVERYTHING} Nodes=ALL Default=YES {common}"]
    parts += [f"PartitionName={each} Nodes=set-{each} {common}" for each in features]
    return _HEADER + "\n".join([*lines, *sets, *parts, *_newer(site, partitions)]) + "\n"


def gres_types(site: Site) -> dict[str, str]:
    """Return the type that Slurm's generic resource ``gpu`` has, by our GPU type."""
    made = labels(each.gpu_type for each in site.rack_types.values())
    return {ours: ours if NAME.fullmatch(ours) else label for ours, label in made.items()}


def _states(names: NodeNames, rack: Rack) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the nodes of a rack that are alike, with their state."""
    hosts = names.hosts[rack.name]
    if rack.drained:
        yield hosts, 'State=DRAIN Reason="drained in the plan"'
        return
    working = len(hosts) - rack.down_nodes
    if working:
        yield hosts[:working], "State=UNKNOWN"
    if rack.down_nodes:
        yield hosts[working:], 'State=DOWN Reason="broken in the plan"'


def _newer(site: Site, partitions: dict[str, str]) -> Iterator[str]:
    """Yield what Slurm of 25.05 and later can say of partitions, as remarks: older ones stop."""
    wanted = {partitions[rack]: topology for rack, topology in block_topology_names(site).items()}
    if wanted:
        yield "# Slurm 25.05 and later, with topology.yaml: the partitions of NVLink domains."
    for partition, topology in sorted(wanted.items()):
        yield f"# PartitionName={partition} Topology={topology}"
