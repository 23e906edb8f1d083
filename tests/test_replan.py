"""Replanning: failures taken out of the site, repair, insertion, budgets of moves, frontier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.check import check
from scheduler.inputs import read_problem
from scheduler.model import BaseLoad, Level, Plan, Problem, Sla
from scheduler.questions.moves import moves_between, worse
from scheduler.questions.replan import Budget, replan, unknown_components, without
from scheduler.questions.replan.budget import left_units
from scheduler.questions.replan.live import Ground, Live
from scheduler.questions.replan.repair import repair
from tests import build
from tests.random_problems import random_plan, random_problem

TINY = Path(__file__).resolve().parent.parent / "examples" / "tiny"


def two_ups(rating_w: int = 32_000, **fields: object) -> Problem:
    """Two racks of 16 kW when full, on two UPS that share them."""
    nodes = {name: build.ups(name, rating_w) for name in ("ups1", "ups2")}
    jobs = [
        build.job("dear", units=2, min_units=1, value_mills_per_gpu_h=2000),
        build.job("cheap", units=2, min_units=1, value_mills_per_gpu_h=1000),
    ]
    return build.problem(build.site(power_nodes=nodes, **fields), jobs)


FULL = Plan({"dear": {"r1": 2}, "cheap": {"r2": 2}})


# ---- what failed


def test_a_failed_feed_goes_with_all_that_only_it_fed() -> None:
    nodes = {
        "u1": build.ups("u1", kind="utility"),
        "ups1": build.ups("ups1", parents=("u1",)),
        "ups2": build.ups("ups2"),
    }
    racks = [build.rack("r1", feeds=("ups1",)), build.rack("r2")]
    problem = build.problem(build.site(racks, power_nodes=nodes))
    degraded = without(problem, ["u1"], Plan({}))
    assert list(degraded.problem.site.power_nodes) == ["ups2"]
    assert degraded.dark_racks == ("r1",)
    assert degraded.problem.site.racks["r2"].feeds == ("ups2",)


def test_a_loop_loses_its_spare_unit_first_and_its_racks_with_the_last() -> None:
    problem = build.problem()  # loop1: two units, one spare
    once = without(problem, ["loop1"], Plan({})).problem.site
    assert (once.loops["loop1"].units, once.loops["loop1"].spare_units) == (1, 0)
    twice = without(problem, ["loop1", "loop1"], Plan({}))
    assert twice.dark_racks == ("r1", "r2")
    assert not twice.problem.site.loops


def test_sets_of_failures_keep_what_can_still_fail() -> None:
    site = build.site(
        power_nodes={name: build.ups(name) for name in ("ups1", "ups2", "ups3")},
        failure_kinds=("ups",),
        failure_sets=(("ups1", "ups2"), ("ups2", "ups3"), ("ups1",)),
    )
    left = without(build.problem(site), ["ups1"], Plan({})).problem.site
    assert [state.failed for state in left.failure_states] == [
        ("ups2",),
        ("ups3",),
        ("ups2", "ups3"),
    ]  # ups1 with ups2 is now ups2 alone, which is a state anyway


def test_unknown_components_are_named() -> None:
    assert unknown_components(build.site(), ["ups1", "loop1", "ups9"]) == ("ups9",)


def test_the_one_loss_of_an_sla_has_happened() -> None:
    contract = build.contract("c", units=1, sla=Sla(survives=("rack",)))
    problem = build.problem(contracts=[contract])
    held = Plan({"c": {"r1": 1}})
    assert not without(problem, ["ups1"], held).problem.workload.contracts["c"].sla.survives
    more = Plan({"c": {"r1": 1, "r2": 1}})  # holds a unit more for the loss of a rack
    assert without(problem, ["ups1"], more).problem.workload.contracts["c"].sla.survives


# ---- repair


def test_the_least_value_stops_until_nothing_is_broken() -> None:
    # 32 kW run, one feed of 20 kW is left: 12 kW too much. A unit draws 8 kW: two of `cheap` go.
    problem = two_ups(rating_w=20_000)
    degraded = without(problem, ["ups1"], FULL)
    assert check(degraded.problem, FULL).violation == 12_000
    live = Live(Ground(degraded.problem), FULL)
    repair(live)
    assert live.plan == Plan({"dear": {"r1": 2}})


def test_firm_contracts_stop_last() -> None:
    nodes = {"ups1": build.ups("ups1", 16_000)}
    racks = [build.rack(name, feeds=("ups1",)) for name in ("r1", "r2")]
    contract = build.contract("c", units=2, price_mills_per_gpu_h=1)
    jobs = [build.job("dear", units=2, value_mills_per_gpu_h=9000)]
    problem = build.problem(build.site(racks, power_nodes=nodes), jobs, contracts=[contract])
    live = Live(Ground(problem), Plan({"c": {"r1": 2}, "dear": {"r2": 2}}))
    repair(live)
    assert live.plan == Plan({"c": {"r1": 2}})


def test_a_limit_that_no_stop_repairs_stays_and_never_grows() -> None:
    # A base load of 30 kW alone breaks the 20 kW that are left.
    load = BaseLoad(name="pumps", hall="H", feeds=("ups1", "ups2"), power_w=30_000)
    problem = two_ups(rating_w=20_000, base_loads=(load,))
    found = replan(problem, FULL, failed=("ups1",), budget=Budget(0), time_limit_s=1)
    assert found.before.violation == 30_000 + 32_000 - 20_000
    assert found.chosen.verdict.violation == 10_000
    assert found.chosen.plan == Plan({})
    assert worse(found.before, found.chosen.verdict) == ()


# ---- moves and budgets


def spread_out() -> tuple[Problem, Plan]:
    """`big` needs one whole rack; `a` and `b` hold a node of each rack."""
    jobs = [build.job("a"), build.job("b")]
    jobs.append(build.job("big", units=2, required=Level.RACK, value_mills_per_gpu_h=5000))
    return build.problem(jobs=jobs), Plan({"a": {"r1": 1}, "b": {"r2": 1}})


def test_without_moves_nothing_leaves_its_rack() -> None:
    problem, running = spread_out()
    found = replan(problem, running, budget=Budget(0), time_limit_s=1)
    assert found.chosen.plan == running
    assert found.chosen.left == 0
    assert found.waves.waves == ()


def test_one_move_makes_room_for_what_waits() -> None:
    problem, running = spread_out()
    found = replan(problem, running, budget=Budget(1), time_limit_s=2)
    assert found.chosen.moved == 1
    assert found.chosen.plan.placed_units("big") == 2
    # 2 x 8 GPUs x 5 $/h more than the 8 $/h each of a and b; the energy of every unit is paid
    assert found.chosen.margin_mills > found.points[0].margin_mills + 70_000
    assert [len(wave.moves) for wave in found.waves.waves] == [1, 1]  # room first


def test_the_budget_of_a_tenant_holds() -> None:
    problem, running = spread_out()
    found = replan(problem, running, budget=Budget(5, per_tenant=0), time_limit_s=1)
    assert found.chosen.left == 0


def test_a_price_of_moves_that_is_too_high_keeps_everything_in_place() -> None:
    problem, running = spread_out()
    prices = replace(problem.site.prices, move_mills_per_gpu=1_000_000)
    dear = replace(problem, site=replace(problem.site, prices=prices))
    assert replan(dear, running, budget=Budget(5), time_limit_s=1).chosen.left == 0


def test_units_on_dark_racks_start_again_elsewhere_and_are_no_moves() -> None:
    racks = [build.rack("r1", feeds=("ups1",)), build.rack("r2", feeds=("ups2",))]
    problem = build.problem(build.site(racks), [build.job("a", units=2)])
    found = replan(problem, Plan({"a": {"r1": 2}}), failed=("ups1",), budget=Budget(0))
    assert found.dark_units == 2
    assert found.chosen.plan == Plan({"a": {"r2": 2}})
    assert (found.chosen.moved, found.chosen.started) == (0, 2)


def test_jobs_that_have_ended_are_left_out() -> None:
    problem = build.problem(jobs=[build.job("a")])
    running = Plan({"a": {"r1": 1}, "ended": {"r2": 2}})
    found = replan(problem, running, budget=Budget(0), time_limit_s=1)
    assert found.ended_units == 2
    assert found.chosen.plan == Plan({"a": {"r1": 1}})


def test_the_planner_is_asked_where_moves_are_free() -> None:
    problem, running = spread_out()
    found = replan(problem, running, time_limit_s=6)
    assert "planner" in found.phases_s
    assert found.chosen.plan.placed_units("big") == 2


def test_whoever_stops_it_gets_the_best_plan_so_far() -> None:
    problem, running = spread_out()
    found = replan(problem, running, stopped=lambda: True)
    assert found.interrupted
    assert found.chosen.verdict.checked


def test_tiny_loses_a_ups() -> None:
    """Tiny without one of its three UPS: every further loss has to hold as well."""
    problem = read_problem(TINY / "site.yaml", TINY / "workload.yaml")
    running = replan(problem, Plan({}), budget=Budget(0)).chosen.plan
    assert check(problem, running).unmet_firm_gpus == 0
    name = next(n.name for n in problem.site.power_nodes.values() if n.kind == "ups")
    found = replan(problem, running, failed=(name,), budget=Budget(4), time_limit_s=3)
    assert found.chosen.verdict.checked
    assert found.chosen.left <= sum(found.forced.values()) + 4
    margins = [point.key for point in found.points]
    assert margins == sorted(margins, reverse=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_limit_ever_gets_worse_and_budgets_hold(seed: int, plan_seed: int) -> None:
    """Random sites that run random, often broken plans, with a random component out."""
    problem = replace(random_problem(seed), current=None)
    rng = Random(plan_seed)
    running = random_plan(problem, rng)
    components = [*problem.site.power_nodes, *problem.site.loops]
    failed = tuple(rng.sample(components, rng.randint(0, 2)))
    most = rng.randint(0, 3)
    found = replan(problem, running, failed=failed, budget=Budget(most), time_limit_s=0.5)
    assert worse(found.before, found.chosen.verdict) == ()
    for point in found.points:
        left = left_units(point.problem, found.running, point.plan)
        assert sum(left.values()) <= sum(found.forced.values()) + most
        assert point.verdict.findings == check(point.problem, point.plan).findings
    state = found.waves.waves[-1].after if found.waves.waves else found.running
    assert not moves_between(state, found.chosen.plan)


def test_the_tests_see_a_plan_that_gets_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair that puts more on a feed is caught by the check."""
    problem = two_ups(rating_w=20_000)

    def overload(live: Live) -> None:
        live.plan = Plan({"dear": {"r1": 2, "r2": 1}, "cheap": {"r2": 2}})

    monkeypatch.setattr("scheduler.questions.replan.pipeline.repair", overload)
    with pytest.raises(RuntimeError, match="by more"):
        replan(problem, FULL, failed=("ups1",), budget=Budget(0), time_limit_s=1)
