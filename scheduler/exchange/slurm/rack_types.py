"""Rack types for racks of which Slurm knows nodes and GPUs only."""

from __future__ import annotations

from dataclasses import replace

from scheduler.inputs.catalogue import catalogue
from scheduler.model import Level, RackType
from scheduler.model.units import ceil_div

UNKNOWN_HOST, UNKNOWN_RACK = "hgx-h100-liquid", "gb200-nvl72"  # whose figures stand in


def rack_type_of(gpu_type: str, nodes: int, gpus: int, *, block: bool) -> RackType:
    """Return the built-in type with these nodes and GPUs, or one made from the nearest.

    Power, coolant flow and air of a made type are those of a built-in type of the same GPU,
    per GPU: ``ceil(figure * gpus / gpus of the built-in type)``. A GPU that is not built in has
    the figures of another, and `RackType.source` says of which.

    Parameters
    ----------
    block
        Whether Slurm has the nodes as a block: then NVLink spans the rack.
    """
    built_in = catalogue()
    nvlink = Level.RACK if block else Level.HOST
    alike = [t for t in built_in.values() if t.gpu_type in gpu_type.lower()]
    alike.sort(key=lambda t: (-len(t.gpu_type), t.nvlink_domain is not nvlink))
    for found in alike:
        if (found.nodes, found.gpus_per_node, found.gpu_type) == (nodes, gpus, gpu_type) and (
            found.nvlink_domain is Level.RACK or not block
        ):
            return found
    other = built_in[UNKNOWN_RACK if nvlink is Level.RACK else UNKNOWN_HOST]
    base = alike[0] if alike else other
    total = nodes * gpus
    domain = "-nvl" if nvlink is Level.RACK else ""

    def scaled(figure: int) -> int:
        return ceil_div(figure * total, base.gpus)

    return replace(
        base,
        name=f"{gpu_type}-{nodes}x{gpus}{domain}",
        gpu_type=gpu_type,
        nodes=nodes,
        gpus_per_node=gpus,
        nvlink_domain=nvlink,
        nameplate_w=scaled(base.nameplate_w),
        observed_peak_w=scaled(base.observed_peak_w),
        percentile_w=scaled(base.percentile_w),
        idle_w=scaled(base.idle_w),
        flow_mlpm=scaled(base.flow_mlpm),
        air_w_per_k=base.air_w_per_k * total // base.gpus,
        source=f"[A] figures of {base.name} by the number of GPUs",
    )
