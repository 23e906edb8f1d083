"""Racks of another size than a built-in type: power in proportion to their GPUs."""

from __future__ import annotations

from dataclasses import replace

from scheduler.model import Level, RackType
from scheduler.model.units import ceil_div


def sized(base: RackType, nodes: int, gpus_per_node: int, reach: Level) -> RackType:
    """Return `base` for racks of so many nodes of so many GPUs, whose NVLink reaches so far.

    Power and coolant flow are ``ceil(base * GPUs / base GPUs)``, the flow of air is rounded down.
    """
    if (nodes, gpus_per_node, reach) == (base.nodes, base.gpus_per_node, base.nvlink_domain):
        return base
    gpus = nodes * gpus_per_node

    def scaled(amount: int) -> int:
        return ceil_div(amount * gpus, base.gpus)

    end = "" if reach is base.nvlink_domain else f"-{reach}"
    return replace(
        base,
        name=f"{base.name}-{nodes}x{gpus_per_node}{end}",
        nodes=nodes,
        gpus_per_node=gpus_per_node,
        nvlink_domain=reach,
        nameplate_w=scaled(base.nameplate_w),
        observed_peak_w=scaled(base.observed_peak_w),
        percentile_w=scaled(base.percentile_w),
        idle_w=scaled(base.idle_w),
        flow_mlpm=scaled(base.flow_mlpm),
        air_w_per_k=base.air_w_per_k * gpus // base.gpus,
        source=f"[D] figures of {base.name} by the number of GPUs",
    )
