"""What the tests of the cooling terms share: random small sites, and both views of a rule."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from kernels.forms import AssignmentCost, LinearLoad
from scheduler.model import (
    BaseLoad,
    Hall,
    Kind,
    Plan,
    Plant,
    PowerProfile,
    Problem,
    Recirculation,
    Weather,
)
from scheduler.model.units import ceil_div
from scheduler.terms.base import Term, Terrain
from scheduler.topology import Topology
from tests.build import PROFILES, contract, job, problem, rack, rack_type, site

SEEDS = range(200)

Row = tuple[str, str, str, int, int]  # subject, state, unit, amount, limit

WARM = PowerProfile(name="warm", mean_permille=200, peak_permille=337, cap_permille=290)


def terrain(of: Problem) -> Terrain:
    """The dense numbering of a problem."""
    return Terrain(of, Topology(of.site))


def amounts(form: LinearLoad, of: Problem, plan: Plan) -> list[Row]:
    """Evaluate a compiled form for one plan, straight from its definition."""
    ground = terrain(of)
    per_rack = np.zeros(len(ground.racks), np.int64)
    for name, rack_name, units in plan.shards():
        r = ground.rack_index[rack_name]
        per_rack[r] += form.demand[ground.job_index[name], form.kind_of_rack[r]] * units
    loads = form.base + form.rows.dot(per_rack)
    return [
        (subject, state, form.unit, ceil_div(int(load), form.scale), int(limit) // form.scale)
        for subject, state, load, limit in zip(
            form.subject, form.state, loads, form.limit, strict=True
        )
    ]


def compiled_rows(term: Term, of: Problem, plan: Plan) -> list[Row]:
    """All rows that `compile` yields, evaluated and sorted."""
    rows: list[Row] = []
    for form in term.compile(terrain(of)):
        assert isinstance(form, LinearLoad)
        assert form.term == term.name
        rows += amounts(form, of, plan)
    return sorted(rows)


def explained_rows(term: Term, of: Problem, plan: Plan) -> list[Row]:
    """All findings of `explain` as rows, sorted."""
    findings = list(term.explain(of, plan))
    assert all(f.kind is Kind.LIMIT and f.term == term.name for f in findings)
    assert all(bool(f.message) == (f.amount > f.limit) for f in findings)
    return sorted((f.subject, f.state, f.unit, f.amount, f.limit) for f in findings)


def prohibited_units(term: Term, of: Problem, plan: Plan) -> dict[tuple[str, str], int]:
    """Units that lie where a compiled `AssignmentCost` forbids it, by job and rack."""
    ground = terrain(of)
    found: dict[tuple[str, str], int] = {}
    for form in term.compile(ground):
        assert isinstance(form, AssignmentCost)
        assert not form.cost_mills.any()
        for name, rack_name, units in plan.shards():
            kind = form.kind_of_rack[ground.rack_index[rack_name]]
            if not form.allowed[ground.job_index[name], kind]:
                found[name, rack_name] = units
    return found


def random_case(seed: int) -> tuple[Problem, Plan]:
    """A site of up to 12 racks in two halls with odd numbers everywhere, and any plan on it."""
    rng = Random(seed)
    types = {
        name: rack_type(
            name,
            idle_w=rng.randrange(0, 3_001),
            liquid_permille=rng.choice((0, 701, 803, 1000)),
            flow_mlpm=rng.choice((7_001, 19_999, 30_011)),
            r_th_mk_per_w=rng.choice((33, 45, 67)),
            slowdown_mc=rng.choice((62_000, 70_000, 87_000)),
        )
        for name in ("hgx", "odd")
    }
    racks = [
        rack(
            f"r{i}",
            type=rng.choice(("hgx", "odd")),
            hall=(hall := rng.choice(("H", "I"))),
            loop=rng.choice({"H": ("a", "b", None), "I": ("c",)}[hall]),
        )
        for i in range(rng.randrange(1, 13))
    ]
    names = [each.name for each in racks]
    default = site().loops["loop1"]
    loops = {
        name: replace(
            default,
            name=name,
            hall=hall,
            units=rng.randrange(1, 4),
            spare_units=rng.randrange(0, 2),
            unit_w=rng.randrange(1_000, 40_000),
            unit_flow_mlpm=rng.randrange(10_000, 90_000),
            return_limit_mc=rng.randrange(30_000, 55_000),
        )
        for name, hall in (("a", "H"), ("b", "H"), ("c", "I"))
    }
    halls = {
        name: Hall(
            name=name,
            supply_mc=22_000,
            inlet_limit_mc=rng.randrange(22_000, 24_000),
            air_cooling_w=rng.choice((None, rng.randrange(1_000, 40_000))),
            recirculation=tuple(
                Recirculation(
                    rack=rng.choice(names),
                    source=rng.choice(names),
                    nk_per_w=rng.randrange(200_000),
                )
                for _ in range(rng.randrange(0, 9))
            ),
        )
        for name in ("H", "I")
    }
    ground = site(
        racks,
        rack_types=types,
        loops=loops,
        halls=halls,
        base_loads=(BaseLoad(name="net", hall="H", feeds=("ups1",), power_w=rng.randrange(9_999)),),
        failure_kinds=rng.choice(((), ("cdu",), ("cdu", "ups"))),
        failure_sets=rng.choice(((), (("ups1", "a", "c"),))),
        weather=tuple(
            Weather(
                name=f"day{i}",
                dry_bulb_mc=rng.randrange(20_000, 45_000),
                wet_bulb_mc=rng.randrange(15_000, 30_000),
            )
            for i in range(rng.randrange(0, 4))
        ),
        plant=Plant(heat_rejection=rng.choice(("tower", "dry"))),
    )
    jobs = [
        job(
            f"j{i}",
            tenant=rng.choice(("t", "guest")),
            gpus_per_unit=rng.choice((1, 3, 8)),
            profile=rng.choice(("flat", "sync", "warm")),
            power_action=rng.choice(("firm", "cap", "shed")),
        )
        for i in range(rng.randrange(0, 7))
    ]
    contracts = [contract("c", tenant="guest")] if rng.random() < 0.5 else []
    base = problem(ground, jobs=jobs, contracts=contracts)
    case = replace(base, workload=replace(base.workload, profiles={**PROFILES, WARM.name: WARM}))
    units: dict[str, dict[str, int]] = {}
    for name in case.jobs:
        for rack_name in rng.sample(names, rng.randrange(0, min(4, len(names) + 1))):
            units.setdefault(name, {})[rack_name] = rng.randrange(1, 4)
    return case, Plan(units)


def with_one_more(plan: Plan, job_name: str, rack_name: str) -> Plan:
    """`plan` with one further unit of a job on a rack."""
    units = {name: dict(racks) for name, racks in plan.units.items()}
    racks = units.setdefault(job_name, {})
    racks[rack_name] = racks.get(rack_name, 0) + 1
    return Plan(units)


def assert_views_agree(term: Term) -> None:
    """`explain` and `compile` give the same rows, in both outcomes, on many random sites."""
    kept = broken = 0
    for seed in SEEDS:
        case, plan = random_case(seed)
        if not term.applies(case):
            assert list(term.explain(case, plan)) == []
            continue
        rows = compiled_rows(term, case, plan)
        assert explained_rows(term, case, plan) == rows
        broken += sum(amount > limit for *_, amount, limit in rows)
        kept += sum(amount <= limit for *_, amount, limit in rows)
    assert min(kept, broken) > 20  # the sites are neither all fine nor all broken


def assert_load_never_helps(term: Term) -> None:
    """One more unit anywhere lowers no amount and raises no limit."""
    for seed in SEEDS:
        case, plan = random_case(seed)
        if not case.jobs:
            continue
        rng = Random(-seed)
        more = with_one_more(plan, rng.choice(list(case.jobs)), rng.choice(list(case.site.racks)))
        before, after = (list(term.explain(case, each)) for each in (plan, more))
        assert [(f.subject, f.state) for f in before] == [(f.subject, f.state) for f in after]
        assert all(b.amount <= a.amount for b, a in zip(before, after, strict=True))
        assert all(b.limit == a.limit for b, a in zip(before, after, strict=True))
