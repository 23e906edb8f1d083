"""Rack types for racks of which Slurm knows nodes and GPUs only."""

from __future__ import annotations

from dataclasses import replace

from scheduler.exchange.rack_sizes import sized
from scheduler.inputs.catalogue import catalogue
from scheduler.model import Level, RackType

UNKNOWN_HOST, UNKNOWN_RACK = "hgx-h100-liquid", "gb200-nvl72"  # whose figures stand in


def rack_type_of(gpu_type: str, nodes: int, gpus: int, *, block: bool) -> RackType:
    """Return the built-in type with these nodes and GPUs, or the nearest one in another size.

    The nearest type is one whose GPU type is part of `gpu_type`, the longest first: Slurm calls
    GPUs ``h100`` or ``nvidia_h100_80gb_hbm3``. If there is none, the figures of another stand in,
    and `RackType.source` says of which.

    Parameters
    ----------
    block
        Whether Slurm has the nodes as a block: then NVLink spans the rack.
    """
    built_in = catalogue()
    alike = [each for each in built_in.values() if each.gpu_type in gpu_type.lower()]
    for found in alike:
        same = (found.nodes, found.gpus_per_node, found.gpu_type) == (nodes, gpus, gpu_type)
        if same and (found.nvlink_domain is Level.RACK or not block):
            return found
    reach = Level.RACK if block else Level.HOST
    alike.sort(key=lambda each: (-len(each.gpu_type), each.nvlink_domain is not reach))
    base = alike[0] if alike else built_in[UNKNOWN_RACK if block else UNKNOWN_HOST]
    made = sized(base, nodes, gpus, reach)
    if made.gpu_type == gpu_type:
        return made
    source = f"[A] figures of {base.name} by the number of GPUs"
    return replace(made, name=f"{made.name}-{gpu_type}", gpu_type=gpu_type, source=source)
