"""Racks of another size than their type: power in proportion to the nodes."""

from __future__ import annotations

from dataclasses import replace

from scheduler.model import Level, RackType
from scheduler.model.units import ceil_div


def sized(base: RackType, nodes: int, reach: Level) -> RackType:
    """Return `base` for racks of so many nodes whose NVLink reaches so far.

    Power and coolant flow are ``ceil(base * nodes / base nodes)``, the flow of air is rounded down.
    """
    if (nodes, reach) == (base.nodes, base.nvlink_domain):
        return base

    def scaled(amount: int) -> int:
        return ceil_div(amount * nodes, base.nodes)

    end = f"{nodes}-nodes" if reach is base.nvlink_domain else f"{nodes}-nodes-{reach}"
    return replace(
        base,
        name=f"{base.name}-{end}",
        nodes=nodes,
        nvlink_domain=reach,
        nameplate_w=scaled(base.nameplate_w),
        observed_peak_w=scaled(base.observed_peak_w),
        percentile_w=scaled(base.percentile_w),
        idle_w=scaled(base.idle_w),
        flow_mlpm=scaled(base.flow_mlpm),
        air_w_per_k=base.air_w_per_k * nodes // base.nodes,
        source=f"[D] {base.name} in proportion to its nodes",
    )


def with_gpus(base: RackType, gpus_per_node: int) -> RackType:
    """Return `base` for nodes of another number of GPUs, with power in proportion to the GPUs."""
    if gpus_per_node == base.gpus_per_node:
        return base

    def scaled(amount: int) -> int:
        return ceil_div(amount * gpus_per_node, base.gpus_per_node)

    return replace(
        base,
        name=f"{base.name}-{gpus_per_node}-gpus",
        gpus_per_node=gpus_per_node,
        nameplate_w=scaled(base.nameplate_w),
        observed_peak_w=scaled(base.observed_peak_w),
        percentile_w=scaled(base.percentile_w),
        idle_w=scaled(base.idle_w),
        flow_mlpm=scaled(base.flow_mlpm),
        air_w_per_k=base.air_w_per_k * gpus_per_node // base.gpus_per_node,
        source=f"[D] {base.name} in proportion to its GPUs",
    )
