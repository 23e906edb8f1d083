"""What holds on every site, told as properties over random tiny problems.

Where the planner claims a proof, its score is taken for the best that any plan has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.reference import score
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.inputs import InputError, read_plan, read_problem, site_document, workload_document
from scheduler.model import FailureState, Kind, Plan, Problem, Site
from scheduler.planner import Search
from scheduler.terms.power_failover import PowerFailover
from scheduler.topology import Topology
from scheduler.write import as_json, placement_rows, placements_csv
from tests import build
from tests.random_problems import random_plan, random_problem
from tests.test_contract import relabelled, relabelled_plan, renaming

T = TypeVar("T")
Key = tuple[int, int, int]  # violation, unmet firm GPUs, margin lost: the smaller, the better

# Rules in which more of any work is never better. In the others work can help: a reservation
# brings nodes (contract_nodes), units complete a job (units) or a promise (sla_survival).
LOADED = {
    *("rack_capacity", "hardware_fit", "gpu_type", "power_normal", "power_failover"),
    *("power_swing", "cooling_loops", "return_temperature", "air_cooling", "inlet_temperature"),
    *("gpu_temperature", "isolation", "conflicts", "spread", "locality"),
}


def amounts(problem: Problem, plan: Plan) -> Counter[tuple[str, str, str, str, int]]:
    """Return what the limits of the loaded rules are filled with."""
    found: Counter[tuple[str, str, str, str, int]] = Counter()
    for each in check(problem, plan).findings:
        if each.term in LOADED and each.kind is Kind.LIMIT:
            found[each.term, each.subject, each.state, each.unit, each.limit] += each.amount
    return found


def test_more_work_never_leaves_more_room() -> None:
    """One unit more of any job on any rack: no amount falls and no limit moves."""
    grown = 0
    for seed in range(200):
        problem, rng = random_problem(seed), Random(seed)
        plan = random_plan(problem, rng)
        before = amounts(problem, plan)
        job, rack = rng.choice(list(problem.jobs)), rng.choice(list(problem.site.racks))
        racks = plan.units.get(job, {})
        more = Plan({**plan.units, job: {**racks, rack: racks.get(rack, 0) + 1}})
        after = amounts(problem, more)
        assert all(after[key] >= amount for key, amount in before.items()), seed
        grown += after != before
    assert grown > 150


def test_less_work_never_breaks_what_held() -> None:
    """A job taken away whole: nothing that is loaded rises, so nothing breaks."""
    for seed in range(200):
        problem = random_problem(seed)
        plan = random_plan(problem, Random(seed))
        before = amounts(problem, plan)
        for job in plan.units:
            rest = Plan({name: racks for name, racks in plan.units.items() if name != job})
            after = amounts(problem, rest)
            assert all(amount <= before[key] for key, amount in after.items()), (seed, job)


def shuffled(rng: Random, records: Mapping[str, T]) -> dict[str, T]:
    """Return the same records in another order."""
    return dict(rng.sample(list(records.items()), len(records)))


def turned_over(problem: Problem, rng: Random) -> tuple[Problem, Callable[[Plan], Plan]]:
    """Return the problem with new names of racks and jobs and everything in another order."""
    racks = renaming(rng, problem.site.racks, "rack")
    jobs = renaming(rng, problem.jobs, "job")
    named = relabelled(problem, racks, jobs)
    site: dict[str, Any] = {
        each: shuffled(rng, getattr(named.site, each))
        for each in ("rack_types", "halls", "racks", "power_nodes", "loops")
    }
    workload: dict[str, Any] = {
        each: shuffled(rng, getattr(named.workload, each))
        for each in ("tenants", "contracts", "jobs", "profiles")
    }
    turned = replace(
        named, site=replace(named.site, **site), workload=replace(named.workload, **workload)
    )
    return turned, lambda plan: relabelled_plan(plan, racks, jobs)


def verdict_key(problem: Problem, plan: Plan) -> Key:
    """Return the totals of `check`."""
    verdict = check(problem, plan)
    return verdict.violation, verdict.unmet_firm_gpus, -verdict.margin_mills


@cache
def best(seed: int) -> tuple[Problem, Key | None]:
    """Return a problem on which nothing runs yet, and its best score if that is proven."""
    problem = replace(random_problem(seed), current=None)
    return problem, proven_key(problem)


def proven_key(problem: Problem) -> Key | None:
    """Return the score of the planner's plan if it is proven to be the best."""
    compiled = compile_problem(problem, Topology(problem.site))
    found = Search(
        compiled,
        lambda shards: score(compiled, shards),
        seed=0,
        time_limit_s=20.0,
        workers=1,
        stopped=lambda: False,
        report=lambda _phase, _best: None,
    ).run()
    assert verdict_key(problem, to_plan(compiled, found.shards)) == found.score.key
    return found.score.key if found.is_optimal else None


def test_nothing_to_place_is_planned_too() -> None:
    """Racks that idle at 0 W cost nothing."""
    assert proven_key(build.problem()) == (0, 0, 0)


def test_names_and_order_change_neither_the_check_nor_the_optimum() -> None:
    proven = 0
    for seed in range(50):
        problem, before = best(seed)
        rng = Random(seed)
        turned, rename = turned_over(problem, rng)
        for plan in (random_plan(problem, rng) for _ in range(3)):
            assert verdict_key(turned, rename(plan)) == verdict_key(problem, plan), seed
        after = proven_key(turned)
        if before is not None and after is not None:
            assert after == before, seed
            proven += 1
    assert proven > 20


def with_more_failures(problem: Problem, rng: Random) -> Problem:
    """Every single loss must be survived, and a further pair."""
    site = problem.site
    pair = tuple(rng.sample([*site.power_nodes, *site.loops], 2))
    kinds = dict.fromkeys((*site.failure_kinds, "utility", "ups", "pdu", "cdu"))
    harder = replace(site, failure_kinds=tuple(kinds), failure_sets=(*site.failure_sets, pair))
    return replace(problem, site=harder)


def with_a_lower_rating(problem: Problem, rng: Random) -> Problem:
    """One limit of the site is lower: the problem before has the higher one."""
    site = problem.site
    match rng.choice(("power", "power", "swing", "heat", "return", "inlet", "air", "slowdown")):
        case "power" | "swing" as what:
            node = rng.choice(list(site.power_nodes.values()))
            if what == "power":
                lower = replace(node, rating_w=node.rating_w // 3)
            else:
                lower = replace(node, swing_limit_w=(node.swing_limit_w or 20_000) // 4)
            site = replace(site, power_nodes={**site.power_nodes, node.name: lower})
        case "heat" | "return" as what:
            loop = rng.choice(list(site.loops.values()))
            if what == "heat":
                less = replace(loop, unit_w=loop.unit_w // 3)
            else:
                less = replace(loop, return_limit_mc=loop.return_limit_mc - 9_000)
            site = replace(site, loops={**site.loops, loop.name: less})
        case "inlet" | "air" as what:
            hall = rng.choice(list(site.halls.values()))
            if what == "inlet":
                cooler = replace(hall, inlet_limit_mc=hall.inlet_limit_mc - 2_500)
            else:
                cooler = replace(hall, air_cooling_w=(hall.air_cooling_w or 60_000) // 4)
            site = replace(site, halls={**site.halls, hall.name: cooler})
        case _:
            kind = rng.choice(list(site.rack_types.values()))
            hotter = replace(kind, slowdown_mc=kind.slowdown_mc - 20_000)
            site = replace(site, rack_types={**site.rack_types, kind.name: hotter})
    return replace(problem, site=site)


def with_a_job_less(problem: Problem, rng: Random) -> Problem:
    """One job does not ask for a place."""
    gone = rng.choice(list(problem.workload.jobs))
    jobs = {name: job for name, job in problem.workload.jobs.items() if name != gone}
    return replace(problem, workload=replace(problem.workload, jobs=jobs))


@pytest.mark.parametrize(
    "harder", [with_more_failures, with_a_lower_rating, with_a_job_less], ids=lambda f: f.__name__
)
def test_the_optimum_never_gains_from(harder: Callable[[Problem, Random], Problem]) -> None:
    """So more failures to survive never pay, and a higher rating or a further job never costs."""
    proven = worse = 0
    for seed in range(70):
        problem, easier_key = best(seed)
        harder_key = proven_key(harder(problem, Random(seed)))
        if easier_key is not None and harder_key is not None:
            assert harder_key >= easier_key, seed
            proven += 1
            worse += harder_key > easier_key
    assert proven > 30
    assert worse > 1


def failover_loads(problem: Problem, plan: Plan, *states: FailureState) -> dict[str, Counter[str]]:
    """Return the load of every node that each state adds to, after the action."""
    found: dict[str, Counter[str]] = {state.name: Counter() for state in states}
    for each in PowerFailover().explain(problem, plan):
        if each.state in found:
            found[each.state][each.subject] += each.amount
    return found


def below(site: Site, node: str) -> set[str]:
    """Return the power nodes that may draw from `node`."""
    found = {node}
    while True:
        more = {each.name for each in site.power_nodes.values() if found.intersection(each.parents)}
        if more <= found:
            return found - {node}
        found |= more


def is_live(site: Site, node: str, state: FailureState) -> bool:
    """Whether power still reaches `node`."""
    parents = site.power_nodes[node].parents
    fed = not parents or any(is_live(site, parent, state) for parent in parents)
    return fed and node not in state.failed


def test_losing_more_never_eases_a_node_that_loses_nothing_of_its_own() -> None:
    """A node's load never falls when more is lost, unless what is lost hangs below the node.

    (What hangs below a node takes its load along, and so does a loop without a second CDU, whose
    racks stop.) The states of a longer list are looked at one by one: none changes another.
    """
    compared = 0
    for seed in range(150):
        problem, rng = random_problem(seed), Random(seed)
        site = problem.site
        nodes = list(site.power_nodes)
        first, second = rng.sample(nodes, 2)
        few = FailureState(name=f"loss of {first}", failed=(first,))
        many = FailureState(name=f"loss of {first} and {second}", failed=(first, second))
        short = replace(problem, site=replace(site, failure_kinds=(), failure_sets=(few.failed,)))
        longer = replace(short.site, failure_sets=(few.failed, many.failed))
        plan = random_plan(problem, rng)
        loads = failover_loads(replace(short, site=longer), plan, few, many)
        assert loads[few.name] == failover_loads(short, plan, few)[few.name], seed
        for node, load in loads[few.name].items():
            if is_live(site, node, many) and second not in below(site, node):
                assert loads[many.name][node] >= load, (seed, node)
                compared += 1
    assert compared > 50


def read_back(problem: Problem, folder: Path) -> Problem:
    """Return the problem that its explicit files hold."""
    (folder / "site.json").write_bytes(as_json(site_document(problem.site)))
    (folder / "workload.json").write_bytes(as_json(workload_document(problem.workload)))
    again = read_problem(folder / "site.json", folder / "workload.json")
    return replace(again, current=problem.current)


def test_the_written_problem_gets_the_same_verdict(tmp_path: Path) -> None:
    read = 0
    for seed in range(120):
        problem = random_problem(seed)
        try:
            again = read_back(problem, tmp_path)
        except InputError:
            continue  # asks for GPUs or losses that its site does not know
        plan = random_plan(problem, Random(seed))
        assert check(again, plan) == check(problem, plan), seed
        read += 1
    assert read > 30


# Names as they come from other systems: formulas, separators, quotes, signs of any script.
NAMES = st.one_of(
    st.sampled_from(
        ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "'", "'=1", "''=1", "a,b", 'a"b', ";"]
    ),
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20),
    st.from_regex(r"\A'{0,2}[=+@-][ -~]{0,5}[!-~]\Z"),
)


@settings(max_examples=150, deadline=None)
@given(
    racks=st.lists(NAMES, min_size=2, max_size=4, unique=True),
    jobs=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    counts=st.lists(st.integers(0, 3), min_size=16, max_size=16),
)
def test_a_written_plan_reads_back_equal_whatever_its_names(
    racks: list[str],
    jobs: list[str],
    counts: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    site = build.site([build.rack(name) for name in racks])
    problem = build.problem(site, [build.job(name, units=12, min_units=1) for name in jobs])
    number = iter(counts)
    placed = {job: {rack: n for rack in racks if (n := next(number))} for job in jobs}
    plan = Plan({job: units for job, units in placed.items() if units})
    rows = placement_rows(problem, plan)
    (folder / "plan.json").write_bytes(as_json({"placements": rows}))
    (folder / "placements.csv").write_bytes(placements_csv(rows))
    for name in ("plan.json", "placements.csv"):
        assert read_plan(folder / name, problem) == plan
