"""Random tiny problems and plans, built from the model alone: every rule of a site can bind.

A seed names a problem. Limits are drawn around what the racks need, so that about every second
one is broken by some plan, and plans are drawn without looking at any rule.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from scheduler.model import (
    BaseLoad,
    Conflict,
    Contract,
    Hall,
    Job,
    Level,
    Loop,
    Plan,
    Plant,
    PowerNode,
    Prices,
    Problem,
    Rack,
    RackType,
    Recirculation,
    Site,
    Sla,
    Tenant,
    Weather,
)
from scheduler.model.levels import ISOLATION_LEVELS, LOCALITY_LEVELS, RACK_DOMAIN_LEVELS
from tests import build

RACK_TYPES = (
    build.rack_type("hgx", idle_w=1_501),
    build.rack_type("air", gpu_type="a100", nodes=3, gpus_per_node=4, liquid_permille=0),
    build.rack_type(
        "nvl",
        gpu_type="gb200",
        nodes=4,
        gpus_per_node=4,
        nvlink_domain=Level.RACK,
        observed_peak_w=31_007,
        percentile_w=29_000,
        nameplate_w=36_000,
        idle_w=4_003,
    ),
)
ACTIONS = ("firm", "cap", "shed")
LOSSES = ("rack", "array", "pod", "hall", "cdu", "ups", "pdu")
UNIT_GPUS = (1, 2, 3, 4, 8, 8, 16)


def random_problem(seed: int) -> Problem:
    """Return the problem of this seed: 2 to 6 racks, 1 to 6 jobs, up to 2 contracts."""
    rng = Random(seed)
    site = _site(rng)
    tenants = _tenants(rng)
    contracts = [_contract(rng, n, site, tenants) for n in range(rng.randint(0, 2))]
    jobs = [_job(rng, n, site, tenants) for n in range(rng.randint(1, 6))]
    problem = build.problem(site, jobs, tenants, contracts)
    if rng.random() < 0.5:
        return replace(problem, current=random_plan(problem, rng))
    return problem


def random_plan(problem: Problem, rng: Random) -> Plan:
    """Return a sparse plan that follows no rule: most are invalid, some are not."""
    racks = list(problem.site.racks)
    dense = rng.random()
    units: dict[str, dict[str, int]] = {}
    for job in problem.jobs.values():
        if rng.random() < dense:
            total = rng.choice((1, job.min_units, job.units, rng.randint(1, job.units + 1)))
            chosen = rng.choices(racks, k=rng.randint(1, 3))
            placed = [rng.choice(chosen) for _ in range(total)]
            units[job.name] = {rack: placed.count(rack) for rack in dict.fromkeys(placed)}
    return Plan(units)


def _site(rng: Random) -> Site:
    types = rng.sample(RACK_TYPES, rng.randint(1, 3))
    pods = {pod: rng.choice(("H0", "H1")) for pod in ("P0", "P1")}
    arrays = {f"A{n}": rng.choice(list(pods)) for n in range(rng.randint(1, 3))}
    loops = {name: _loop(rng, name) for name in ("loop-H0-a", "loop-H0-b", "loop-H1-a")}
    sizes = [rng.choice(types) for _ in range(rng.randint(2, 6))]
    peak_w = sum(rack_type.observed_peak_w for rack_type in sizes)
    nodes = _power_nodes(rng, peak_w)
    lowest = [node.name for node in nodes if node.kind in ("ups", "pdu")]
    racks = [
        _rack(rng, f"r{n}", rack_type, arrays, pods, loops, lowest)
        for n, rack_type in enumerate(sizes)
    ]
    components = [*(node.name for node in nodes), *loops]
    base_loads = [
        BaseLoad(
            name=f"base{n}", hall="H0", feeds=_some(rng, lowest, 2), power_w=rng.randint(501, 3_003)
        )
        for n in range(rng.randint(0, 1))
    ]
    return build.site(
        racks,
        power_basis=rng.choice(("nameplate", "observed_peak", "percentile")),
        rack_types={rack_type.name: rack_type for rack_type in types},
        halls={name: _hall(rng, name, racks) for name in ("H0", "H1")},
        power_nodes={node.name: node for node in nodes},
        loops=loops,
        base_loads=tuple(base_loads),
        failure_kinds=tuple(k for k in ("utility", "ups", "pdu", "cdu") if rng.random() < 0.5),
        failure_sets=tuple(_some(rng, components, 2) for _ in range(rng.randint(0, 1))),
        weather=tuple(
            Weather(name=name, dry_bulb_mc=rng.randint(20, 45) * 1000, wet_bulb_mc=wet)
            for name, wet in (("spring", 15_500), ("heat wave", 28_000))
            if rng.random() < 0.5
        ),
        plant=Plant(heat_rejection=rng.choice(("tower", "dry")), approach_mk=3_000),
        prices=Prices(
            energy_mills_per_mwh=rng.choice((0, 65_001)), move_mills_per_gpu=rng.choice((0, 70))
        ),
        power_action_s=rng.choice((5, 20)),
        site_swing_limit_w=rng.choice((None, rng.randint(5_000, 40_000))),
        isolation_ladder={
            "rack": ("rack",),
            "array": rng.choice((("array",), ("array", "loop"))),
            "pod": ("pod",),
            "hall": ("hall",),
            "site": ("site",),
        },
    )


def _power_nodes(rng: Random, peak_w: int) -> list[PowerNode]:
    """Utilities at the top, 2 to 4 UPS below, 0 to 3 PDUs below these."""
    levels = (
        ("utility", rng.randint(1, 2)),
        ("ups", rng.randint(2, 4)),
        ("pdu", rng.randint(0, 3)),
    )
    nodes: list[PowerNode] = []
    above: list[str] = []
    for kind, count in levels:
        names = [f"{kind}{n}" for n in range(count)]
        for name in names:
            emergency = rng.random() < 0.5
            nodes.append(
                PowerNode(
                    name=name,
                    kind=kind,
                    parents=_some(rng, above, 2) if above else (),
                    mode=rng.choice(("share", "share", "transfer")),
                    rating_w=int(peak_w * rng.uniform(0.3, 2.0)) // max(1, count),
                    emergency_permille=rng.choice((1_100, 1_333)) if emergency else 1_000,
                    emergency_s=10 if emergency else 0,
                    swing_limit_w=rng.choice((None, rng.randint(1_000, 20_000))),
                    hall=rng.choice((None, "H0", "H1")),
                )
            )
        above = names
    return nodes


def _rack(
    rng: Random,
    name: str,
    rack_type: RackType,
    arrays: dict[str, str],
    pods: dict[str, str],
    loops: dict[str, Loop],
    feeds: list[str],
) -> Rack:
    array = rng.choice(list(arrays))
    pod = arrays[array]
    own = [loop.name for loop in loops.values() if loop.hall == pods[pod]]
    return build.rack(
        name,
        type=rack_type.name,
        hall=pods[pod],
        array=array,
        pod=pod,
        feeds=_some(rng, feeds, 2),
        loop=rng.choice(own) if rack_type.liquid_permille and rng.random() < 0.9 else None,
        row=rng.randint(0, 1),
        position=int(name[1:]),
        down_nodes=rng.choice((0, 0, 0, 1)),
        drained=rng.random() < 0.1,
    )


def _loop(rng: Random, name: str) -> Loop:
    units = rng.randint(1, 3)
    return Loop(
        name=name,
        hall=name.split("-")[1],
        units=units,
        spare_units=rng.randint(0, units - 1),
        unit_w=rng.randint(8_000, 40_000),
        unit_flow_mlpm=rng.randint(15_000, 60_000),
        supply_mc=rng.choice((25_000, 40_000)),
        approach_mk=rng.choice((3_000, 5_000)),
        return_limit_mc=rng.randint(42_000, 62_000),
    )


def _hall(rng: Random, name: str, racks: list[Rack]) -> Hall:
    inside = [rack.name for rack in racks if rack.hall == name]
    entries = [
        Recirculation(rack=rack, source=source, nk_per_w=rng.randint(1, 1_500_000))
        for rack in inside
        for source in inside
        if rng.random() < 0.4
    ]
    return Hall(
        name=name,
        supply_mc=22_000,
        inlet_limit_mc=rng.choice((25_000, 27_000, 32_000)),
        recirculation=tuple(entries),
        air_cooling_w=rng.choice((None, rng.randint(1_000, 60_000))),
    )


def _tenants(rng: Random) -> list[Tenant]:
    names = [f"t{n}" for n in range(rng.randint(1, 4))]
    return [
        build.tenant(
            name,
            external=rng.random() < 0.5,
            isolation=rng.choice(ISOLATION_LEVELS),
            conflicts=tuple(
                Conflict(tenant=other, level=rng.choice(RACK_DOMAIN_LEVELS))
                for other in names
                if other != name and rng.random() < 0.2
            ),
        )
        for name in names
    ]


def _contract(rng: Random, n: int, site: Site, tenants: list[Tenant]) -> Contract:
    return build.contract(
        f"c{n}",
        tenant=rng.choice(tenants).name,
        units=rng.randint(1, 4),
        gpus_per_unit=rng.choice(UNIT_GPUS),
        gpu_types=_gpu_types(rng, site),
        price_mills_per_gpu_h=rng.randint(0, 3_000),
        firm=rng.random() < 0.7,
        power_action=rng.choice(ACTIONS),
        required=_maybe(rng, LOCALITY_LEVELS, 0.2),
        within=_within(rng, site),
        sla=Sla(
            survives=_some(rng, LOSSES, 2) if rng.random() < 0.6 else (),
            spare_permille=rng.choice((0, 0, 20, 500)),
        ),
    )


def _job(rng: Random, n: int, site: Site, tenants: list[Tenant]) -> Job:
    units = rng.randint(1, 5)
    spread = rng.random() < 0.3
    preferred = _maybe(rng, LOCALITY_LEVELS, 0.4)
    return build.job(
        f"j{n}",
        tenant=rng.choice(tenants).name,
        units=units,
        min_units=rng.choice((units, rng.randint(1, units))),
        gpus_per_unit=rng.choice(UNIT_GPUS),
        gpu_types=_gpu_types(rng, site),
        profile=rng.choice(tuple(build.PROFILES)),
        power_action=rng.choice(ACTIONS),
        value_mills_per_gpu_h=rng.randint(0, 2_000),
        required=_maybe(rng, LOCALITY_LEVELS, 0.3),
        preferred=preferred,
        slowdown_permille=rng.choice((0, 15, 100)) if preferred else 0,
        spread_level=rng.choice(RACK_DOMAIN_LEVELS) if spread else None,
        spread_max_units=rng.randint(1, 3) if spread else None,
        within=_within(rng, site),
    )


def _gpu_types(rng: Random, site: Site) -> tuple[str, ...]:
    return _some(rng, [rack_type.gpu_type for rack_type in site.rack_types.values()], 3)


def _within(rng: Random, site: Site) -> tuple[str, ...]:
    if rng.random() < 0.8:
        return ()
    rack = rng.choice(list(site.racks.values()))
    return (rng.choice((rack.name, rack.array, rack.pod, rack.hall)),)


def _maybe(rng: Random, levels: tuple[Level, ...], chance: float) -> Level | None:
    return rng.choice(levels) if rng.random() < chance else None


def _some(rng: Random, names: list[str] | tuple[str, ...], most: int) -> tuple[str, ...]:
    """Return 1 to `most` different names in random order."""
    return tuple(rng.sample(names, rng.randint(1, min(most, len(names)))))
