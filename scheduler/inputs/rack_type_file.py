"""Rack types as people write them: complete, or like another type with some figures changed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduler.inputs.quantities import (
    NAME,
    Percent,
    Record,
    permille_up,
    quantity,
    watts_up,
)
from scheduler.model import Level, RackType
from scheduler.model.units import round_down, round_up


class RackTypeFile(Record):
    """A rack type of the site. Figures that are left out come from the type it is like."""

    like: str | None = Field(
        default=None,
        description="Type that gives every figure left out (default: same name, if built in)",
    )
    gpu: str | None = Field(default=None, description="GPU type that jobs ask for", pattern=NAME)
    nodes: int | None = Field(
        default=None, description="Nodes (servers or trays) in a rack", ge=1, le=1000
    )
    gpus_per_node: int | None = Field(default=None, description="GPUs in a node", ge=1, le=1000)
    nvlink_domain: Literal["host", "rack"] | None = Field(
        default=None, description="How far NVLink goes"
    )
    nameplate_kw: float | None = quantity("kW", "Rack power on the nameplate", None, gt=0, le=1e4)
    observed_peak_kw: float | None = quantity("kW", "Highest rack power seen", None, gt=0, le=1e4)
    percentile_kw: float | None = quantity(
        "kW", "Rack power that a chosen percentile of the time stays below", None, gt=0, le=1e4
    )
    idle_kw: float | None = quantity("kW", "Rack power without work", None, ge=0, le=1e4)
    liquid: Percent | None = quantity("%", "Share of heat that goes to liquid", None, ge=0, le=100)
    flow_lpm: float | None = quantity("L/min", "Design coolant flow", None, ge=0, le=1e4)
    gpu_peak_w: float | None = quantity("W", "One GPU at full load", None, gt=0, le=1e4)
    gpu_idle_w: float | None = quantity("W", "One GPU without work", None, ge=0, le=1e4)
    r_th_k_per_w: float | None = quantity(
        "K/W", "Thermal resistance from coolant or inlet air to GPU", None, ge=0, le=10
    )
    slowdown_c: float | None = quantity("°C", "GPU limit", None, ge=0, le=200)
    air_w_per_k: float | None = quantity("W/K", "Heat flow of design air", None, ge=0, le=1e6)
    source: str | None = Field(
        default=None, description="Where the figures come from", max_length=4000
    )

    def changed(self) -> dict[str, object]:
        """Figures that this record gives."""
        return {
            name: getattr(self, name)
            for name in self.model_fields_set - {"like"}
            if getattr(self, name) is not None
        }


FIGURES = tuple(name for name in RackTypeFile.model_fields if name not in ("like", "source"))


def rack_type(name: str, record: RackTypeFile) -> RackType | None:
    """Return the record in base units, or None if a figure is missing."""
    r = record
    if (
        r.gpu is None
        or r.nodes is None
        or r.gpus_per_node is None
        or r.nvlink_domain is None
        or r.nameplate_kw is None
        or r.observed_peak_kw is None
        or r.percentile_kw is None
        or r.idle_kw is None
        or r.liquid is None
        or r.flow_lpm is None
        or r.gpu_peak_w is None
        or r.gpu_idle_w is None
        or r.r_th_k_per_w is None
        or r.slowdown_c is None
        or r.air_w_per_k is None
    ):
        return None
    return RackType(
        name=name,
        gpu_type=r.gpu,
        nodes=r.nodes,
        gpus_per_node=r.gpus_per_node,
        nvlink_domain=Level(r.nvlink_domain),
        nameplate_w=watts_up(r.nameplate_kw),
        observed_peak_w=watts_up(r.observed_peak_kw),
        percentile_w=watts_up(r.percentile_kw),
        idle_w=watts_up(r.idle_kw),
        liquid_permille=permille_up(r.liquid),
        flow_mlpm=round_up(r.flow_lpm, 1000),
        gpu_peak_w=round_up(r.gpu_peak_w),
        gpu_idle_w=round_up(r.gpu_idle_w),
        r_th_mk_per_w=round_up(r.r_th_k_per_w, 1000),
        slowdown_mc=round_down(r.slowdown_c, 1000),
        air_w_per_k=round_down(r.air_w_per_k),
        source=r.source or "",
    )
