"""Random tiny problems and plans, and what forms mean, written out as plain loops.

The contract of a term: on any plan, also one that breaks limits, `explain` and the forms of
`compile` say the same, to the last unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

import numpy as np

from kernels.forms import (
    NONE,
    AssignmentCost,
    Form,
    GroupCount,
    GroupPresence,
    Ints,
    LinearLoad,
    Packing,
)
from scheduler.model import (
    BaseLoad,
    Conflict,
    Contract,
    Finding,
    Job,
    Kind,
    Level,
    Plan,
    PowerNode,
    Prices,
    Problem,
    Rack,
    Site,
    Sla,
    Tenant,
)
from scheduler.terms.base import Term, Terrain
from scheduler.terms.sla_survival import SlaSurvival
from scheduler.topology import Topology
from tests import build

LADDER = {
    "rack": ("rack",),
    "array": ("rack", "array", "loop"),
    "pod": ("pod",),
    "hall": ("hall", "pod"),
    "site": ("site",),
}
TYPES = {
    "hgx": build.rack_type("hgx", idle_w=1_001),
    "nvl": build.rack_type(
        "nvl", gpu_type="gb200", nodes=3, gpus_per_node=4, nvlink_domain=Level.RACK
    ),
    "odd": build.rack_type("odd", gpu_type="h200", nodes=2, gpus_per_node=6),
}
GPU_TYPES = (("h100",), ("h100", "gb200"), ("h100", "gb200", "h200"), ("h200",))


def random_problem(rng: Random) -> Problem:
    """Return a site of up to 6 racks with up to 4 tenants, 3 contracts and 6 jobs."""
    names = [f"t{i}" for i in range(rng.randint(1, 4))]
    return build.problem(
        on=random_site(rng),
        tenants=[random_tenant(rng, name, names) for name in names],
        contracts=[
            random_contract(rng, f"c{i}", rng.choice(names))
            for i in range(rng.choice([0, 0, 1, 2, 3]))
        ],
        jobs=[random_job(rng, f"j{i}", rng.choice(names)) for i in range(rng.randint(1, 6))],
        current=Plan({"j0": {"r0": 2, "gone": 1}, "c0": {"r0": 1}, "left": {"r0": 1}})
        if rng.random() < 0.5
        else None,
    )


def random_site(rng: Random) -> Site:
    """Return arrays in pods and halls, UPS under two transformers, loops of one and two CDUs."""
    racks = []
    for i in range(rng.randint(1, 6)):
        array = rng.randrange(4)
        feeds = rng.choice([("ups1",), ("ups1", "ups2"), ("ups2", "bus3"), ("bus3",)])
        racks.append(random_rack(rng, f"r{i}", array, feeds))
    loop = build.site().loops["loop1"]
    nodes = [
        PowerNode(name="tr1", kind="transformer"),
        PowerNode(name="tr2", kind="transformer"),
        PowerNode(name="ups1", kind="ups", parents=("tr1",)),
        PowerNode(name="ups2", kind="ups", parents=("tr1", "tr2")),
        PowerNode(name="ups3", kind="ups", parents=("tr2",), mode="transfer"),
        PowerNode(name="bus3", kind="busway", parents=("ups3", "ups1")),
    ]
    return build.site(
        racks,
        rack_types=TYPES,
        power_nodes={node.name: node for node in nodes},
        halls={name: replace(build.site().halls["H"], name=name) for name in ("H0", "H1")},
        loops={"solo": replace(loop, name="solo", units=1), "duo": replace(loop, name="duo")},
        isolation_ladder=LADDER,
        base_loads=(BaseLoad(name="switches", hall="H0", feeds=("ups1",), power_w=777),),
        prices=Prices(move_mills_per_gpu=rng.choice([0, 13])),
    )


def random_rack(rng: Random, name: str, array: int, feeds: tuple[str, ...]) -> Rack:
    """Return a rack of any type in array 0..3 of pods 0..1 of halls 0..1."""
    return build.rack(
        name,
        type=rng.choice(list(TYPES)),
        array=f"A{array}",
        pod=f"P{array // 2}",
        hall=f"H{array // 2}",
        feeds=feeds,
        loop=rng.choice([None, "solo", "duo"]),
        down_nodes=rng.choice([0, 0, 0, 1, 2]),
        drained=rng.random() < 0.1,
    )


def random_tenant(rng: Random, name: str, names: list[str]) -> Tenant:
    """Return a tenant with any isolation and up to two conflicts."""
    levels = [level for level in Level if level is not Level.NVLINK]
    conflicts = [
        Conflict(tenant=rng.choice(names), level=rng.choice([Level.RACK, Level.ARRAY, Level.HALL]))
        for _ in range(rng.choice([0, 0, 1, 2]))
    ]
    return build.tenant(name, isolation=rng.choice(levels), conflicts=tuple(conflicts))


def random_contract(rng: Random, name: str, tenant: str) -> Contract:
    """Return a contract with any SLA."""
    kinds = ["rack", "array", "pod", "hall", "cdu", "ups", "busway", "transformer", "nothing"]
    return build.contract(
        name,
        tenant=tenant,
        units=rng.randint(1, 4),
        gpus_per_unit=rng.choice([1, 4, 8]),
        gpu_types=rng.choice(GPU_TYPES),
        price_mills_per_gpu_h=rng.randint(0, 3000),
        firm=rng.random() < 0.6,
        required=rng.choice([None, None, Level.ARRAY]),
        sla=Sla(
            survives=tuple(rng.sample(kinds, rng.randint(0, 3))),
            spare_permille=rng.choice([0, 20, 500]),
        ),
    )


def random_job(rng: Random, name: str, tenant: str) -> Job:
    """Return a job with any size, place, locality and spread."""
    units = rng.randint(1, 4)
    localities = [None, None, Level.NVLINK, Level.RACK, Level.ARRAY, Level.POD, Level.SITE]
    spread = rng.choice([None, Level.RACK, Level.ARRAY, Level.HALL])
    return build.job(
        name,
        tenant=tenant,
        units=units,
        gpus_per_unit=rng.choice([1, 2, 3, 4, 8, 12, 16]),
        gpu_types=rng.choice(GPU_TYPES),
        profile=rng.choice(["flat", "sync"]),
        value_mills_per_gpu_h=rng.choice([0, 1000, 1234]),
        required=rng.choice(localities),
        preferred=rng.choice(localities),
        slowdown_permille=rng.choice([0, 33, 50]),
        spread_level=spread,
        spread_max_units=None if spread is None else rng.randint(1, 3),
        within=rng.choice([(), (), (), ("A0", "r1"), ("H1",), ("P0",)]),
    )


def random_plan(rng: Random, problem: Problem) -> Plan:
    """Return a plan that puts jobs anywhere, with no regard for any limit."""
    units: dict[str, dict[str, int]] = {}
    racks = list(problem.site.racks)
    for name in problem.jobs:
        if rng.random() < 0.7:
            chosen = rng.sample(racks, rng.randint(1, min(3, len(racks))))
            units[name] = {rack: rng.randint(1, 3) for rack in chosen}
    return Plan(units)


def dense(terrain: Terrain, plan: Plan) -> Ints:
    """Return the plan as x[j, r]."""
    x = np.zeros((len(terrain.jobs), len(terrain.racks)), np.int64)
    for job, rack, units in plan.shards():
        x[terrain.job_index[job], terrain.rack_index[rack]] = units
    return x


def violation(form: Form, x: Ints) -> int:
    """Return the violation of `form`, by its docstring."""
    match form:
        case AssignmentCost():
            return int(x[~form.allowed[:, form.kind_of_rack]].sum())
        case LinearLoad():
            per_rack = (form.demand[:, form.kind_of_rack] * x).sum(axis=0)
            total = 0
            for i in range(form.rows.num_rows):
                of_row = slice(form.rows.start[i], form.rows.start[i + 1])
                load = (form.rows.weight[of_row] * per_rack[form.rows.rack[of_row]]).sum()
                total += -(-max(0, int(form.base[i] + load - form.limit[i])) // form.scale)
            return total
        case Packing():
            slots = form.size[:, form.kind_of_rack] * x
            total = 0
            for r in range(x.shape[1]):
                in_group = [
                    int(slots[form.group_of_job == g, r].sum())
                    for g in set(form.group_of_job.tolist()) - {NONE}
                ]
                bins = sum(-(-each // int(form.bin_size[r])) for each in in_group)
                total += max(0, bins - int(form.bins[r]))
            return total
        case GroupCount():
            return sum(
                max(0, int(x[form.group_of_job == g][:, racks].sum()) - int(form.limit[g]))
                for racks in members(form)
                for g in range(len(form.limit))
            )
        case GroupPresence():
            present = presence(form, x)
            over = np.maximum(0, present.sum(axis=1) - form.max_domains).sum()
            pairs = 0
            if form.may_share is not None:
                assert (form.may_share == form.may_share.T).all()
                assert form.may_share.diagonal().all()
                pairs = sum(
                    int((present[g] & present[h]).sum())
                    for g, h in combinations(range(len(form.max_domains)), 2)
                    if not form.may_share[g, h]
                )
            return int(over) + pairs


def margin(form: Form, x: Ints, counted: Ints) -> int:
    """Return what `form` adds to the margin, by its docstring."""
    if isinstance(form, AssignmentCost):
        energy = (form.cost_mills[:, form.kind_of_rack] * x).sum()
        moves = sum(
            int(price) * max(0, int(home) - int(x[j, r]))
            for j, r, home, price in zip(
                form.home_job, form.home_rack, form.home_units, form.move_mills, strict=True
            )
        )
        return int((form.value_mills * counted).sum() - energy) - moves - form.base_mills
    if isinstance(form, GroupPresence):
        further = np.maximum(0, presence(form, x).sum(axis=1) - form.free_domains)
        return -int((form.price_mills * further).sum())
    return 0


def members(form: GroupCount) -> list[list[int]]:
    """Return the racks of every domain."""
    start, rack = form.domains.start.tolist(), form.domains.rack.tolist()
    assert set(form.domains.weight.tolist()) <= {1}
    assert len(start) == len(form.domain_names) + 1
    return [rack[a:b] for a, b in pairwise(start)]


def presence(form: GroupPresence, x: Ints) -> np.ndarray:
    """Return which group has a unit in which domain, (G, D)."""
    found = np.zeros((len(form.group_names), form.num_domains), bool)
    for j, r in np.argwhere(x > 0):
        g, d = form.group_of_job[j], form.domain_of_rack[r]
        if g != NONE and d != NONE:
            found[g, d] = True
    return found


def counted_units(terrain: Terrain, survival: Iterable[Form], x: Ints) -> Ints:
    """Return the units of every job that count, by the module docstring of the forms."""
    worst = np.zeros(len(x), np.int64)
    for form in survival:
        assert isinstance(form, GroupCount)
        for racks in members(form):
            worst = np.maximum(worst, np.where(form.survives, x[:, racks].sum(axis=1), 0))
    counted = []
    for j, job in enumerate(terrain.jobs):
        most = job.units if job.promised_units is None else job.promised_units
        spare = -(-most * job.sla.spare_permille // 1000) if job.sla else 0
        counted.append(min(max(int(x[j].sum()) - spare - int(worst[j]), 0), most))
    return np.array(counted, np.int64)


def compiled(term: Term, problem: Problem) -> list[Form]:
    """Return the forms of `term`."""
    return list(term.compile(Terrain(problem, Topology(problem.site))))


def contract_outcomes(term: Term, seeds: int = 150) -> set[tuple[bool, bool, bool]]:
    """Assert that the two views of `term` agree on random plans and return what was seen.

    Returns
    -------
    Of every plan, whether it breaks the rule, leaves firm GPUs unmet, and earns or costs money:
    a test asserts with it that the instances could tell a wrong rule from a right one.
    """
    survival = SlaSurvival()
    seen: set[tuple[bool, bool, bool]] = set()
    for seed in range(seeds):
        rng = Random(seed)
        problem = random_problem(rng)
        if not term.applies(problem):
            continue
        terrain = Terrain(problem, Topology(problem.site))
        forms = list(term.compile(terrain))
        for _ in range(3):
            plan = random_plan(rng, problem)
            x = dense(terrain, plan)
            counted = counted_units(terrain, survival.compile(terrain), x)
            findings = list(term.explain(problem, plan))
            broken = sum(violation(form, x) for form in forms)
            money = sum(margin(form, x, counted) for form in forms)
            unmet = unmet_gpus(terrain, forms, counted)
            assert sum(f.violation for f in findings) == broken, seed
            assert sum(f.unmet for f in findings) == unmet, seed
            assert sum(f.amount for f in findings if f.kind is Kind.MONEY) == money, seed
            assert_readable(term, findings)
            seen.add((broken > 0, unmet > 0, money != 0))
    return seen


def unmet_gpus(terrain: Terrain, forms: list[Form], counted: Ints) -> int:
    """Return the firm GPUs that the forms leave unmet."""
    promised = np.array([job.promised_units or 0 for job in terrain.jobs], np.int64)
    return sum(
        int((form.firm_gpus * (promised - counted)).sum())
        for form in forms
        if isinstance(form, AssignmentCost)
    )


def assert_readable(term: Term, findings: list[Finding]) -> None:
    """Assert that findings name their rule, and that a broken one says so in words."""
    for finding in findings:
        assert finding.term == term.name
        assert finding.unit
        assert finding.message or not (finding.violation or finding.unmet)


def broken(findings: Iterable[Finding]) -> list[tuple[str, int, int]]:
    """Return subject, amount and limit of every finding that is a violation."""
    return [(f.subject, f.amount, f.limit) for f in findings if f.violation]
