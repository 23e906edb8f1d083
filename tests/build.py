"""Small sites and workloads for tests, built from the model alone, with round numbers.

Every builder takes overrides by keyword. Two racks of 2 nodes x 8 GPUs, 1 kW a GPU at peak,
nothing at idle, are the default: all sums can be done in the head.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scheduler.model import (
    Contract,
    Hall,
    Job,
    Level,
    Loop,
    Plan,
    PowerNode,
    PowerProfile,
    Problem,
    Rack,
    RackType,
    Site,
    Tenant,
    Workload,
)

PROFILES = {
    "flat": PowerProfile(name="flat", mean_permille=500, peak_permille=1000, cap_permille=400),
    "sync": PowerProfile(
        name="sync",
        mean_permille=700,
        peak_permille=1000,
        cap_permille=400,
        swing_permille=600,
        synchronous=True,
    ),
    "opaque": PowerProfile(name="opaque", mean_permille=700, peak_permille=1000, cap_permille=400),
}


def rack_type(name: str = "hgx", **fields: Any) -> RackType:
    """2 nodes x 8 GPUs: 16 kW at peak, 20 kW on the nameplate, idle 0."""
    default = RackType(
        name=name,
        gpu_type="h100",
        nodes=2,
        gpus_per_node=8,
        nvlink_domain=Level.HOST,
        nameplate_w=20_000,
        observed_peak_w=16_000,
        percentile_w=15_000,
        idle_w=0,
        liquid_permille=800,
        flow_mlpm=20_000,
        gpu_peak_w=700,
        gpu_idle_w=90,
        r_th_mk_per_w=45,
        slowdown_mc=87_000,
        air_w_per_k=300,
    )
    return replace(default, **fields)


def rack(name: str, **fields: Any) -> Rack:
    """A rack in hall H, array A, pod P, fed by ``ups1`` and ``ups2``, on loop ``loop1``."""
    default = Rack(
        name=name, type="hgx", hall="H", array="A", pod="P", feeds=("ups1", "ups2"), loop="loop1"
    )
    return replace(default, **fields)


def ups(name: str, rating_w: int = 100_000, **fields: Any) -> PowerNode:
    """A UPS without parents."""
    return PowerNode(**{"name": name, "kind": "ups", "rating_w": rating_w, **fields})


def site(racks: list[Rack] | None = None, **fields: Any) -> Site:
    """Two racks on two UPS of 100 kW, one loop of two 100 kW CDUs, one hall."""
    racks = [rack("r1"), rack("r2")] if racks is None else racks
    default: dict[str, Any] = {
        "name": "test",
        "power_basis": "observed_peak",
        "rack_types": {"hgx": rack_type()},
        "halls": {"H": Hall(name="H", supply_mc=22_000, inlet_limit_mc=27_000)},
        "racks": {r.name: r for r in racks},
        "power_nodes": {
            name: PowerNode(name=name, kind="ups", rating_w=100_000) for name in ("ups1", "ups2")
        },
        "loops": {
            "loop1": Loop(
                name="loop1",
                hall="H",
                units=2,
                spare_units=1,
                unit_w=100_000,
                unit_flow_mlpm=1_000_000,
                supply_mc=30_000,
                approach_mk=4_000,
                return_limit_mc=60_000,
            )
        },
        "isolation_ladder": {
            str(level): (str(level),) for level in ("rack", "array", "pod", "hall", "site")
        },
    }
    return Site(**{**default, **fields})


def tenant(name: str = "t", **fields: Any) -> Tenant:
    """An internal tenant that wants hosts of its own."""
    return Tenant(**{"name": name, **fields})


def job(name: str, **fields: Any) -> Job:
    """A gang of 1 unit x 8 GPUs (one node) of tenant ``t``, worth 1 dollar a GPU-hour."""
    values: dict[str, Any] = {
        "name": name,
        "tenant": "t",
        "units": 1,
        "gpus_per_unit": 8,
        "gpu_types": ("h100",),
        "profile": "flat",
        "value_mills_per_gpu_h": 1000,
        **fields,
    }
    values.setdefault("min_units", values["units"])
    return Job(**values)


def contract(name: str, **fields: Any) -> Contract:
    """A firm contract of 1 unit x 8 GPUs of tenant ``t`` at 2 dollars a GPU-hour."""
    values: dict[str, Any] = {
        "name": name,
        "tenant": "t",
        "units": 1,
        "gpus_per_unit": 8,
        "gpu_types": ("h100",),
        "price_mills_per_gpu_h": 2000,
        **fields,
    }
    return Contract(**values)


def problem(
    on: Site | None = None,
    jobs: list[Job] | None = None,
    tenants: list[Tenant] | None = None,
    contracts: list[Contract] | None = None,
    current: Plan | None = None,
) -> Problem:
    """A problem; tenants that are named but not given are internal ones."""
    jobs, contracts = jobs or [], contracts or []
    owners = [each.tenant for each in jobs] + [each.tenant for each in contracts]
    named = {name: tenant(name) for name in owners}
    given = {each.name: each for each in tenants or []}
    workload = Workload(
        name="test",
        tenants={**named, **given},
        contracts={each.name: each for each in contracts},
        jobs={each.name: each for each in jobs},
        profiles=PROFILES,
    )
    return Problem(site=on or site(), workload=workload, current=current)
