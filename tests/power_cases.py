"""Random small sites and plans for the power terms, and what compile and explain must agree on."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from kernels.forms import LinearLoad
from scheduler.model import BaseLoad, Finding, Job, Plan, PowerNode, Problem, Site, slots_per_unit
from scheduler.model.units import ceil_div
from scheduler.terms.base import Term, Terrain
from scheduler.topology import Topology
from tests import build

SEEDS = range(60)


def node(name: str, *parents: str, **fields: Any) -> PowerNode:
    """A UPS of 100 kW below `parents`."""
    values: dict[str, Any] = {"kind": "ups", "rating_w": 100_000, **fields}
    return PowerNode(name=name, parents=parents, **values)


def nodes(*given: PowerNode) -> dict[str, PowerNode]:
    """Power nodes by name."""
    return {each.name: each for each in given}


def findings(term: Term, problem: Problem, plan: Plan) -> dict[tuple[str, str], Finding]:
    """What the term says, by subject and state; no pair comes twice."""
    found = list(term.explain(problem, plan))
    by_key = {(finding.subject, finding.state): finding for finding in found}
    assert len(by_key) == len(found)
    return by_key


def compiled(term: Term, problem: Problem) -> list[LinearLoad]:
    """The forms of the term."""
    forms = list(term.compile(Terrain(problem, Topology(problem.site))))
    assert all(isinstance(form, LinearLoad) for form in forms)
    return [form for form in forms if isinstance(form, LinearLoad)]


def loads(form: LinearLoad, problem: Problem, plan: Plan) -> list[int]:
    """Base and load of every row, still multiplied by the scale."""
    terrain = Terrain(problem, Topology(problem.site))
    units = np.zeros((len(terrain.jobs), len(terrain.racks)), np.int64)
    for job, rack, count in plan.shards():
        units[terrain.job_index[job], terrain.rack_index[rack]] = count
    per_rack = (form.demand[:, form.kind_of_rack] * units).sum(axis=0)
    return [int(load) for load in form.base + form.rows.dot(per_rack)]


def assert_compile_equals_explain(term: Term, problem: Problem, plan: Plan) -> int:
    """Every row says what its finding says; a broken finding has a row. Returns broken ones."""
    found = findings(term, problem, plan)
    rows = set()
    for form in compiled(term, problem):
        for i, load in enumerate(loads(form, problem, plan)):
            finding = found[form.subject[i], form.state[i]]
            assert finding.amount == ceil_div(load, form.scale)
            assert finding.limit * form.scale == form.limit[i]
            assert (finding.violation > 0) == (load > form.limit[i])
            rows.add((form.subject[i], form.state[i]))
    broken = {key for key, finding in found.items() if finding.violation}
    assert broken <= rows
    return len(broken)


def random_case(seed: int) -> tuple[Problem, Plan]:
    """A site of three or four power levels with odd wirings, and a plan that fits its racks."""
    rng = Random(seed)
    problem = build.problem(_random_site(rng), jobs=[_random_job(rng, i) for i in range(6)])
    units: dict[str, dict[str, int]] = {}
    for rack in problem.site.racks.values():
        rack_type = problem.site.type_of(rack)
        free = rack_type.gpus
        for job in rng.sample(list(problem.workload.jobs.values()), 3):
            slots = slots_per_unit(job, rack_type)
            count = rng.randint(0, free // slots)
            free -= count * slots
            if count:
                units.setdefault(job.name, {})[rack.name] = count
    return problem, Plan(units)


def _random_job(rng: Random, number: int) -> Job:
    return build.job(
        f"j{number}",
        units=64,
        gpus_per_unit=rng.choice([1, 3, 4, 8, 16]),
        profile=rng.choice(["flat", "sync", "opaque"]),
        power_action=rng.choice(["firm", "cap", "shed"]),
    )


def _random_site(rng: Random) -> Site:
    levels = [[f"utility{i}" for i in range(rng.randint(1, 2))]]
    for kind, most in (("transformer", 3), ("ups", 4), ("busway", 5)):
        levels.append([f"{kind}{i}" for i in range(rng.randint(1, most))])
    power_nodes = [
        PowerNode(
            name=name,
            kind=name[:-1],
            parents=tuple(rng.sample(above, rng.randint(1, min(3, len(above))))) if above else (),
            mode=rng.choice(["share", "transfer"]),
            rating_w=rng.randint(5_000, 60_000),
            emergency_permille=rng.choice([1000, 1333]),
            emergency_s=rng.choice([0, 10]),
            swing_limit_w=rng.choice([None, 5_001, 20_000]),
        )
        for above, names in zip([[], *levels], levels, strict=False)
        for name in names
    ]
    ends = levels[-1] + levels[-2]
    racks = [
        build.rack(
            f"r{i}",
            type=rng.choice(["hgx", "odd"]),
            feeds=tuple(rng.sample(ends, rng.randint(1, min(3, len(ends))))),
            loop=rng.choice([None, "loop1", "loop2"]),
        )
        for i in range(rng.randint(2, 7))
    ]
    spare = build.site().loops["loop1"]
    single = replace(spare, name="loop2", units=1)
    return build.site(
        racks,
        power_nodes=nodes(*power_nodes),
        rack_types={
            "hgx": build.rack_type(idle_w=1_001),
            "odd": build.rack_type("odd", nodes=3, gpus_per_node=6, observed_peak_w=19_999),
        },
        loops={"loop1": spare, "loop2": single},
        base_loads=(BaseLoad(name="switches", hall="H", feeds=(rng.choice(ends),), power_w=777),),
        failure_kinds=("ups", "busway", "cdu") if rng.random() < 0.7 else ("utility",),
        failure_sets=(("transformer0", "loop2"), (levels[-1][0], levels[-2][0])),
        site_swing_limit_w=rng.choice([None, 30_000]),
    )
