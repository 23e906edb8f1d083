"""Conflicts of firm contracts: known by arithmetic, and compared with brute force."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from kernels.forms import Compiled, Shards
from kernels.reference import score
from scheduler.cli.app import app
from scheduler.cli.watching import Recorder, Reserving
from scheduler.compile import compile_problem
from scheduler.conflicts import explain_conflict
from scheduler.model import Level, Plan, Problem, Rack, Sla
from scheduler.planner import Conflict, find_conflict
from scheduler.planner.conflict import Kind, Limit
from scheduler.planner.conflict.firm import firm_only
from scheduler.planner.conflict.keep import keep
from scheduler.planner.conflict.limits import named_limits
from scheduler.planner.conflict.shrink import shrink
from scheduler.planner.solvers.cp_solver import CpSolver, CpSolverStatus
from scheduler.solve import Progress, solve
from scheduler.topology import Topology
from tests import build
from tests.enumeration import best_by_enumeration
from tests.random_problems import random_problem
from tests.solutions import solution
from tests.test_planner import search

SITE = Path(__file__).parent.parent / "examples" / "tiny" / "site.yaml"
Named = set[tuple[str, tuple[str, ...], str]]


def compiled(problem: Problem) -> Compiled:
    return compile_problem(problem, Topology(problem.site))


def places(problem: Problem) -> list[str]:
    site = problem.site
    return [f"{site.type_of(rack).gpu_type} in hall {rack.hall}" for rack in site.racks.values()]


def conflict_of(problem: Problem, time_limit_s: float = 20.0) -> Conflict:
    return find_conflict(compiled(problem), places(problem), time_limit_s=time_limit_s, workers=1)


def named(conflict: Conflict) -> Named:
    return {(str(each.kind), each.subject, each.state) for each in conflict.limits}


def raises(conflict: Conflict) -> list[dict[tuple[str, ...], int | None]]:
    """By how much each relaxation raises what."""
    for relaxed in conflict.relaxations:
        assert relaxed.least
        assert len({step.limits[0].subject for step in relaxed.steps}) == len(relaxed.steps)
    return [
        {step.limits[0].subject: step.amount for step in relaxed.steps}
        for relaxed in conflict.relaxations
    ]


# ---- by hand: racks of two nodes, 8 GPUs and 8 kW a node


def fed_by_one_ups(rating_w: int) -> Problem:
    """Three nodes draw 24 kW; both racks hang on ups1."""
    racks = [build.rack(name, feeds=("ups1",)) for name in ("r1", "r2")]
    on = build.site(racks, power_nodes={"ups1": build.ups("ups1", rating_w)})
    return build.problem(on, contracts=[build.contract("owed", units=3)])


def test_a_ups_that_is_too_small() -> None:
    """24 kW are asked of 10 kW: 14 kW are missing. One node of three can be met."""
    found = conflict_of(fed_by_one_ups(10_000))
    assert named(found) == {("load", ("ups1",), "normal")}
    assert raises(found) == [{("ups1",): 14_000}]
    assert (found.irreducible, found.exact, found.least_unmet_gpus) == (True, True, 16)


def test_the_amount_is_enough_in_the_real_problem_and_one_less_is_not() -> None:
    (relaxed,) = raises(conflict_of(fed_by_one_ups(10_000)))
    more = relaxed[("ups1",)]
    assert more is not None
    for rating_w, unmet in ((10_000 + more, 0), (10_000 + more - 1, 8)):
        best = search(compiled(fed_by_one_ups(rating_w)))
        assert best.score.unmet_firm_gpus == unmet


def test_too_few_slots() -> None:
    """Five nodes are owed, two racks have four: 8 slots are missing."""
    found = conflict_of(build.problem(contracts=[build.contract("owed", units=5)]))
    assert named(found) == {("slots", ("h100 in hall H",), "")}
    assert raises(found) == [{("h100 in hall H",): 8}]


def test_part_of_a_node_takes_a_whole_one_from_other_contracts() -> None:
    """Five contracts of 1 GPU share no node: the fifth needs a node of 8 slots of its own."""
    owed = [build.contract(f"c{n}", gpus_per_unit=1) for n in range(5)]
    assert raises(conflict_of(build.problem(contracts=owed))) == [{("h100 in hall H",): 8}]


def test_two_exclusive_tenants_and_one_hall() -> None:
    alone = [build.tenant(name, isolation=Level.HALL) for name in ("a", "b")]
    owed = [build.contract(f"of-{each.name}", tenant=each.name) for each in alone]
    found = conflict_of(build.problem(tenants=alone, contracts=owed))
    assert named(found) == {("apart", ("a", "b"), "hall")}
    assert raises(found) == [{("a", "b"): None}]


def test_a_gpu_type_that_the_site_lacks() -> None:
    found = conflict_of(build.problem(contracts=[build.contract("owed", gpu_types=("h200",))]))
    assert named(found) == {("allowed", ("owed",), "")}
    assert raises(found) == [{("owed",): None}]


def test_a_locality_that_no_pod_can_hold() -> None:
    """Three nodes in one pod of two: 8 more slots, or one pod more."""
    racks = [build.rack(f"r{n}", array=f"A{n}", pod=f"P{n}") for n in (1, 2)]
    owed = build.contract("owed", units=3, required=Level.POD)
    found = conflict_of(build.problem(build.site(racks), contracts=[owed]))
    assert named(found) == {("slots", ("h100 in hall H",), ""), ("domains", ("owed",), "pod")}
    assert raises(found) == [{("h100 in hall H",): 8}, {("owed",): 1}]


def test_survival_of_a_rack() -> None:
    """Three nodes must be left after either rack is lost: three on each, 2 * 8 slots more."""
    owed = build.contract("owed", units=3, sla=Sla(survives=("rack",)))
    found = conflict_of(build.problem(contracts=[owed]))
    assert named(found) == {("slots", ("h100 in hall H",), ""), ("survival", ("owed",), "rack")}
    assert raises(found) == [{("h100 in hall H",): 16}, {("owed",): None}]


def test_spare_units() -> None:
    """Four nodes are there and owed, one spare is held on top."""
    owed = build.contract("owed", units=4, sla=Sla(spare_permille=250))
    found = conflict_of(build.problem(contracts=[owed]))
    assert named(found) == {("slots", ("h100 in hall H",), ""), ("spares", ("owed",), "")}
    assert raises(found) == [{("h100 in hall H",): 8}, {("owed",): None}]


def test_two_limits_that_conflict_only_together() -> None:
    """16 kW within array A1, whose UPS carries 10 kW; A2 would have room and power."""
    racks = [build.rack(f"r{n}", array=f"A{n}", feeds=(f"ups{n}",)) for n in (1, 2)]
    nodes = {"ups1": build.ups("ups1", 10_000), "ups2": build.ups("ups2")}
    owed = build.contract("owed", units=2, within=("A1",))
    found = conflict_of(build.problem(build.site(racks, power_nodes=nodes), contracts=[owed]))
    assert named(found) == {("allowed", ("owed",), ""), ("load", ("ups1",), "normal")}
    assert raises(found) == [{("ups1",): 6_000}, {("owed",): None}]


def test_two_conflicts_need_two_relaxations() -> None:
    """16 kW on each of two racks, each with a UPS of 10 kW: 6 kW more on both."""
    racks = [build.rack(f"r{n}", feeds=(f"ups{n}",)) for n in (1, 2)]
    nodes = {name: build.ups(name, 10_000) for name in ("ups1", "ups2")}
    owed = [build.contract(f"c{n}", units=2, within=(f"r{n}",)) for n in (1, 2)]
    found = conflict_of(build.problem(build.site(racks, power_nodes=nodes), contracts=owed))
    assert raises(found) == [{("ups1",): 6_000, ("ups2",): 6_000}]


def test_one_rating_is_raised_in_all_states_at_once() -> None:
    """ups1 carries 12 kW, too much for 10 kW, but all 24 kW after the loss of ups2: 14 kW more."""
    nodes = {"ups1": build.ups("ups1", 10_000), "ups2": build.ups("ups2")}
    on = build.site(power_nodes=nodes, failure_kinds=("ups",))
    found = conflict_of(build.problem(on, contracts=[build.contract("owed", units=3)]))
    assert named(found) == {("load", ("ups1",), "normal")}
    assert raises(found) == [{("ups1",): 14_000}]


def large(units: int) -> Problem:
    """60 racks in 6 arrays: 120 nodes; each of two UPS of 500 kW carries half."""
    racks = [build.rack(f"r{n:02}", array=f"A{n // 10}") for n in range(60)]
    on = build.site(
        racks,
        power_nodes={name: build.ups(name, 500_000) for name in ("ups1", "ups2")},
        rack_types={"hgx": build.rack_type(liquid_permille=0, flow_mlpm=0)},
    )
    return build.problem(on, contracts=[build.contract("owed", units=units)])


def test_a_larger_site_is_looked_at_in_classes() -> None:
    """130 nodes of 120: 80 slots are missing; 1,040 kW are also 20 kW too much for each UPS."""
    found = conflict_of(large(130))
    assert named(found) == {("slots", ("h100 in hall H",), "")}
    assert raises(found) == [{("h100 in hall H",): 80, ("ups1",): 20_000, ("ups2",): 20_000}]
    assert (found.exact, found.least_unmet_gpus) == (False, 80)


# ---- nothing is said that is not proven


def test_where_all_is_met_there_is_no_conflict() -> None:
    problem = fed_by_one_ups(24_000)
    found = conflict_of(problem)
    assert (found.proven, found.limits, found.relaxations) == (False, (), ())
    assert explain_conflict(solve(problem, time_limit_s=5, workers=1), 5.0) is None


def test_a_solver_out_of_time_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = CpSolver.solve

    def at_once(solver: CpSolver, *arguments: Any) -> CpSolverStatus:
        solver.parameters.max_time_in_seconds = 0.0
        return whole(solver, *arguments)

    monkeypatch.setattr(CpSolver, "solve", at_once)
    found = conflict_of(fed_by_one_ups(10_000))
    assert (found.proven, found.irreducible, found.least_unmet_gpus) == (False, False, 0)


@pytest.mark.parametrize("time_limit_s", [0.0, 0.3])
def test_the_time_limit_is_kept(time_limit_s: float) -> None:
    problem = large(130)
    arrays, of_rack = compiled(problem), places(problem)
    began = time.monotonic()
    found = find_conflict(arrays, of_rack, time_limit_s=time_limit_s, workers=1)
    assert time.monotonic() - began < time_limit_s + 0.7
    assert found.proven == (time_limit_s > 0)


# ---- shrinking


def some_limits(count: int) -> list[tuple[Limit]]:
    return [(Limit(Kind.LOAD, "t", (f"n{n}",), "W", n),) for n in range(count)]


def rules_out(*conflicts: set[int]) -> Callable[[list[Limit]], bool]:
    return lambda kept: any(each <= {limit.amount for limit in kept} for each in conflicts)


def test_shrinking_finds_a_conflict_in_which_each_is_needed() -> None:
    rng = Random(0)
    for _ in range(200):
        count = rng.randint(1, 40)
        sets = [set(rng.sample(range(count), rng.randint(1, min(5, count)))) for _ in range(3)]
        asked = rules_out(*sets)
        groups, sure = shrink(some_limits(count), asked, lambda: False)
        kept = [limit for group in groups for limit in group]
        assert sure
        assert asked(kept)
        assert not any(asked([limit for limit in kept if limit is not each]) for each in kept)


def test_shrinking_that_is_cut_short_still_conflicts_and_says_so() -> None:
    asked = rules_out({3, 17, 30})
    for answers in range(25):
        asked_so_far: list[int] = []

        def stop(most: int = answers, before: list[int] = asked_so_far) -> bool:
            before.append(0)
            return len(before) > most

        groups, sure = shrink(some_limits(40), asked, stop)
        kept = [limit for group in groups for limit in group]
        assert asked(kept)
        assert sure == (len(kept) == 3)


def test_an_unanswered_question_keeps_what_it_asked_about() -> None:
    groups, sure = shrink(some_limits(10), lambda _kept: None, lambda: False)
    assert (len(groups), sure) == (10, False)


# ---- random sites


@cache
def random_conflict(seed: int) -> tuple[Problem, Compiled, Conflict]:
    problem = random_problem(seed)
    arrays = compiled(problem)
    found = find_conflict(arrays, places(problem), time_limit_s=20, workers=1)
    return problem, arrays, found


def can_be_met(variant: Compiled) -> bool | None:
    """Whether brute force meets all without breaking more than the bare site breaks."""
    if variant.num_jobs == 0:
        return True
    best = best_by_enumeration(variant, most_plans=150)
    if best is None:
        return None
    bare = score(variant, Shards.build(*np.zeros((3, 0), np.int64))).violation
    return best.unmet_firm_gpus == 0 and best.violation == bare


@pytest.mark.parametrize("chunk", range(4))
def test_conflicts_are_true_and_needed_by_brute_force(chunk: int) -> None:
    """The limits of a conflict alone rule it out; without any one of them all is met."""
    proven = compared = 0
    for seed in range(chunk, 100, 4):
        problem, arrays, found = random_conflict(seed)
        alone = firm_only(arrays)
        whole = can_be_met(alone)
        if whole is not None:
            assert whole != found.proven, f"seed {seed}"
        if not found.proven:
            continue
        proven += 1
        assert found.irreducible, f"seed {seed}"
        of_rack = places(problem)
        every = named_limits(alone, of_rack)
        mine = [next(n for n in every if vars(n) == vars(limit)) for limit in found.limits]
        answer = can_be_met(keep(alone, mine, of_rack))
        assert not answer, f"seed {seed}"
        compared += answer is not None
        for limit in mine:
            fewer = [each for each in mine if each is not limit]
            assert can_be_met(keep(alone, fewer, of_rack)) in (True, None), f"seed {seed}"
    assert proven > 5
    assert compared > 3


@pytest.mark.parametrize("chunk", range(2))
def test_the_planner_and_the_conflict_agree(chunk: int) -> None:
    """A conflict is found where the planner proves an unmet obligation, and only there."""
    unmet = 0
    for seed in range(chunk, 80, 2):
        _, arrays, found = random_conflict(seed)
        best = search(arrays)
        assert found.proven == (best.score.unmet_firm_gpus > 0), f"seed {seed}"
        if found.proven:
            unmet += 1
            assert found.least_unmet_gpus == best.score.unmet_firm_gpus, f"seed {seed}"
            assert found.relaxations, f"seed {seed}"
    assert unmet > 5


def test_amounts_are_enough_for_the_planner_and_one_less_is_not() -> None:
    tried = 0
    for seed in range(120):
        problem, arrays, found = random_conflict(seed)
        alone, of_rack = firm_only(arrays), places(problem)
        every = named_limits(alone, of_rack)
        for step in (relaxed.steps[0] for relaxed in found.relaxations if len(relaxed.steps) == 1):
            if step.amount is None or step.limits[0].kind is Kind.SLOTS:
                continue
            tried += 1
            mine = [n for n in every if any(vars(n) == vars(limit) for limit in step.limits)]
            for amount, is_enough in ((step.amount, True), (step.amount - 1, False)):
                raised = keep(alone, every, of_rack, dict.fromkeys(mine, amount))
                unmet = search(raised).score.unmet_firm_gpus
                assert (unmet == 0) is is_enough, f"seed {seed}: {step}"
    assert tried > 5


# ---- words


def test_the_words_name_amounts_limits_and_ways_out() -> None:
    why = explain_conflict(solve(fed_by_one_ups(10_000), time_limit_s=5, workers=1), 5.0)
    assert why is not None
    assert why.lines == (
        "Firm contracts ask for 24 GPUs; this plan meets 8: owed lacks 16.",
        "This limit rules it out: ups1 (10.0 kW).",
        "This would let all of them in: 14.0 kW more on ups1.",
        "With the limits as they are, at least 16 GPUs of them must go.",
    )
    record = why.record()
    assert json.loads(json.dumps(record)) == record
    assert record["limits"] == [
        {
            "kind": "load",
            "term": "power_normal",
            "subject": ["ups1"],
            "state": "normal",
            "limit": 10_000,
            "unit": "W",
            "words": "ups1 (10.0 kW)",
        }
    ]
    assert (record["proven"], record["irreducible"]) == (True, True)
    assert (record["unmet_firm_gpus"], record["least_unmet_firm_gpus"]) == (16, 16)


@pytest.mark.parametrize(
    ("contract", "limits", "ways"),
    [
        (
            {"units": 3, "sla": Sla(survives=("rack",))},
            ["32 GPU slots of h100 in hall H", "owed must survive the loss of any rack"],
            [
                "16 more GPU slots of h100 in hall H",
                "owed without survival of the loss of a rack",
            ],
        ),
        (
            {"gpu_types": ("h200", "b200")},
            ["owed may lie only on racks of h200 or b200"],
            ["owed elsewhere than on racks of h200 or b200"],
        ),
        (
            {"units": 3, "required": Level.RACK},
            ["32 GPU slots of h100 in hall H", "owed must lie in one rack"],
            ["8 more GPU slots of h100 in hall H", "owed in up to 2 racks"],
        ),
    ],
)
def test_each_kind_of_limit_has_its_words(
    contract: dict[str, Any], limits: list[str], ways: list[str]
) -> None:
    problem = build.problem(contracts=[build.contract("owed", **contract)])
    why = explain_conflict(solution(problem, Plan({})), 5.0, workers=1)
    assert why is not None
    assert (list(why.limits), list(why.relaxations)) == (limits, ways)


def test_without_a_proof_it_says_so_and_names_what_is_tight() -> None:
    """A plan that leaves out what would fit, and no time to look: one node of 8 kW lies on r1."""
    plan = Plan({"owed": {"r1": 1}})
    why = explain_conflict(solution(fed_by_one_ups(40_000), plan), 0.0)
    assert why is not None
    assert not why.conflict.proven
    assert why.lines[0] == "Firm contracts ask for 24 GPUs; this plan meets 8: owed lacks 16."
    assert why.lines[1].startswith("No proof was found")
    assert "ups1 at 20.0 % of 40.0 kW" in why.lines[2]
    assert why.record()["proven"] is False


def test_plan_prints_and_writes_why_firm_contracts_are_not_met(tmp_path: Path) -> None:
    workload = {
        "name": "too much",
        "tenants": [{"name": "acme", "isolation": "array"}],
        "contracts": [{"tenant": "acme", "gpus": 104, "price_usd_per_gpu_h": 3, "firm": True}],
    }
    file = tmp_path / "workload.json"
    file.write_text(json.dumps(workload))
    words = ["plan", str(SITE), str(file), "--out", str(tmp_path / "out"), "--time-limit", "5"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "Firm contracts ask for 104 GPUs" in done.stdout
    assert "96 GPU slots of demo in hall H1" in done.stdout
    conflict = json.loads((tmp_path / "out" / "result.json").read_text())["conflict"]
    assert conflict["proven"] is True
    assert conflict["unmet_firm_gpus"] >= conflict["least_unmet_firm_gpus"] >= 8


def test_time_to_say_why_is_kept_while_contracts_are_unmet() -> None:
    recorder = Recorder()
    watch = Reserving(recorder, always_s=0.5, unmet_s=2.0)

    def kept_s(unmet: int) -> float:
        watch.progress(Progress("improve", 7.0, 10.0, 0, unmet, 0, None))
        return watch.reserve_s()

    assert watch.reserve_s() == 0.5
    assert kept_s(8) == 2.5
    assert kept_s(0) == 0.5
    assert not watch.stopped()
    recorder.stop()
    assert watch.stopped()


def test_a_rack_of_another_hall_is_another_place() -> None:
    """Five nodes within hall H of four, though hall G has room: slots of H, and where it lies."""
    racks: list[Rack] = [build.rack("r1"), build.rack("r2"), build.rack("r3", hall="G")]
    owed = build.contract("owed", units=5, within=("H",))
    found = conflict_of(build.problem(build.site(racks), contracts=[owed]))
    assert named(found) == {("slots", ("h100 in hall H",), ""), ("allowed", ("owed",), "")}
