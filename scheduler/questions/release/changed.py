"""The site and the workload changed so that every plan inside the limits meets the goal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from scheduler.model import Contract, Level, PowerNode, PowerProfile, Problem, RackType, Tenant
from scheduler.model.units import ceil_div

CEILING = "release-ceiling"
RELEASED = "released"


def with_ceiling(problem: Problem, limit_w: int) -> Problem:
    """Return the problem with one more power node above all others: the site draws no more.

    The node carries all that racks and base loads draw, before and after every failure, so its
    rating is a ceiling of the site. It never fails.
    """
    site = problem.site
    name = _free_name(CEILING, [*site.power_nodes, *site.loops, *site.racks])
    nodes = {
        each.name: each if each.parents else replace(each, parents=(name,))
        for each in site.power_nodes.values()
    }
    nodes[name] = PowerNode(name=name, kind="ceiling", rating_w=limit_w)
    racks = {
        key: rack if rack.feeds else replace(rack, feeds=(name,))
        for key, rack in site.racks.items()
    }
    loads = tuple(load if load.feeds else replace(load, feeds=(name,)) for load in site.base_loads)
    return replace(problem, site=replace(site, power_nodes=nodes, racks=racks, base_loads=loads))


def with_drained(problem: Problem, names: Collection[str]) -> Problem:
    """Return the problem in which no work may lie on some racks."""
    racks = {
        name: replace(rack, drained=True) if name in names else rack
        for name, rack in problem.site.racks.items()
    }
    return replace(problem, site=replace(problem.site, racks=racks))


def switched_off(problem: Problem, names: Collection[str]) -> Problem:
    """Return the problem in which some racks hold no work and draw nothing, not even when idle."""
    drained = with_drained(problem, names)
    site = drained.site
    types, racks = dict(site.rack_types), dict(site.racks)
    off: dict[str, RackType] = {}
    for name in names:
        kind = racks[name].type
        if kind not in off:
            label = _free_name(f"{kind} (off)", types)
            types[label] = off[kind] = replace(types[kind], name=label, idle_w=0)
        racks[name] = replace(racks[name], type=off[kind].name)
    return replace(drained, site=replace(site, rack_types=types, racks=racks))


def with_held(
    problem: Problem, gpus: int, gpus_per_unit: int, gpu_types: tuple[str, ...], level: Level
) -> Problem:
    """Return the problem with a firm reservation that holds what is given back.

    It earns nothing and draws nothing. Its tenant has whole domains of `level` to itself: nodes,
    arrays or halls.
    """
    workload = problem.workload
    tenant = _free_name(RELEASED, workload.tenants)
    profile = _free_name(RELEASED, workload.profiles)
    contract = Contract(
        name=held_name(problem),
        tenant=tenant,
        units=ceil_div(gpus, gpus_per_unit),
        gpus_per_unit=gpus_per_unit,
        gpu_types=gpu_types,
        price_mills_per_gpu_h=0,
        profile=profile,
    )
    idle = PowerProfile(name=profile, mean_permille=0, peak_permille=0, cap_permille=0)
    owner = Tenant(name=tenant, isolation=level)
    return replace(
        problem,
        workload=replace(
            workload,
            tenants={**workload.tenants, tenant: owner},
            profiles={**workload.profiles, profile: idle},
            contracts={**workload.contracts, contract.name: contract},
        ),
    )


def held_name(problem: Problem) -> str:
    """Return the name of the reservation that `with_held` adds to the problem."""
    return _free_name(RELEASED, problem.jobs)


def with_move_price(problem: Problem, mills_per_gpu: int) -> Problem:
    """Return the problem in which every GPU that leaves its rack costs so much."""
    prices = replace(problem.site.prices, move_mills_per_gpu=mills_per_gpu)
    return replace(problem, site=replace(problem.site, prices=prices))


def moves_alone(problem: Problem, mills_per_gpu: int) -> Problem:
    """Return the problem in which nothing earns or costs anything but moves."""
    prices = replace(problem.site.prices, move_mills_per_gpu=mills_per_gpu, energy_mills_per_mwh=0)
    workload = problem.workload
    jobs = {
        name: replace(job, value_mills_per_gpu_h=0, slowdown_permille=0)
        for name, job in workload.jobs.items()
    }
    contracts = {
        name: replace(each, price_mills_per_gpu_h=0) for name, each in workload.contracts.items()
    }
    return replace(
        problem,
        site=replace(problem.site, prices=prices),
        workload=replace(workload, jobs=jobs, contracts=contracts),
    )


def _free_name(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "+"
    return name
