"""The minutes after a failure: who acts, in which order, and what stays broken."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.model import Plan, Problem
from scheduler.questions.replan import Emergency, emergency
from tests import build
from tests.random_problems import random_plan, random_problem


def problem(*actions: tuple[str, str, int], rating_w: int = 20_000, **ups: Any) -> Problem:
    """Jobs of one unit (8 kW at peak, 8 GPUs): name, power action, mills per GPU-hour."""
    ups = {"emergency_permille": 2_000, "emergency_s": 10, **ups}
    nodes = {name: build.ups(name, rating_w, **ups) for name in ("ups1", "ups2")}
    jobs = [
        build.job(name, power_action=action, value_mills_per_gpu_h=value)
        for name, action, value in actions
    ]
    return build.problem(build.site(power_nodes=nodes), jobs)


def done(found: Emergency) -> list[tuple[str, str]]:
    return [(action.what, action.job) for action in found.actions]


def test_nothing_is_done_while_survivors_are_within_their_rating() -> None:
    # two jobs draw 16 kW, the surviving feed carries 20 kW
    found = emergency(
        problem(("a", "shed", 1), ("b", "firm", 1)),
        Plan({"a": {"r1": 1}, "b": {"r1": 1}}),
        ("ups1",),
    )
    assert found.overloaded_w == {}
    assert found.actions == ()
    assert found.as_planned


def test_the_cheapest_watts_go_first_and_no_more_than_needed() -> None:
    # 32 kW on 20 kW: 12 kW too much. A shed frees 8 kW, a cap to 40 % frees 4.8 kW of 8 kW.
    # cheap costs 8 $/h for 8 kW, mid 8 x 2 x 0.6 = 9.6 $/h for 4.8 kW: 12.8 kW suffice.
    jobs = (("cheap", "shed", 1000), ("mid", "cap", 2000), ("dear", "shed", 9000), ("f", "firm", 1))
    plan = Plan({"cheap": {"r1": 1}, "mid": {"r1": 1}, "dear": {"r2": 1}, "f": {"r2": 1}})
    found = emergency(problem(*jobs), plan, ("ups1",))
    assert found.overloaded_w == {"ups2": 12_000}
    assert done(found) == [("shed", "cheap"), ("cap", "mid")]
    assert found.lost_mills_per_h == 8_000 + 9_600
    assert found.as_planned
    assert found.too_late == ()


def test_what_turns_out_not_to_be_needed_is_dropped() -> None:
    # 24 kW on 10 kW: 14 kW too much. small costs least for each watt but frees 4.8 kW only;
    # big frees 16 kW alone, so small is not needed.
    base = problem(("small", "cap", 1), ("big", "shed", 10), rating_w=10_000)
    big = replace(base.workload.jobs["big"], units=2, min_units=2)
    workload = replace(base.workload, jobs={**base.workload.jobs, "big": big})
    plan = Plan({"small": {"r1": 1}, "big": {"r2": 2}})
    found = emergency(replace(base, workload=workload), plan, ("ups1",))
    assert done(found) == [("shed", "big")]


def test_more_than_was_planned_stops_where_that_does_not_suffice() -> None:
    # 32 kW on 10 kW: shedding a leaves 24 kW; two of the three firm jobs stop, the cheapest.
    jobs = (("a", "shed", 9000), ("b", "firm", 100), ("c", "firm", 200), ("d", "firm", 300))
    plan = Plan({"a": {"r1": 1}, "b": {"r1": 1}, "c": {"r2": 1}, "d": {"r2": 1}})
    found = emergency(problem(*jobs, rating_w=10_000, emergency_permille=4_000), plan, ("ups1",))
    assert done(found) == [("shed", "a"), ("stop", "b"), ("stop", "c")]
    assert not found.as_planned
    assert found.remaining == ()


def test_a_survivor_that_trips_before_the_action_is_named() -> None:
    # 32 kW on a feed that carries 20 kW for good and 22 kW for 10 s
    jobs = tuple((name, "shed", 1) for name in "abcd")
    plan = Plan({"a": {"r1": 1}, "b": {"r1": 1}, "c": {"r2": 1}, "d": {"r2": 1}})
    found = emergency(problem(*jobs, emergency_permille=1_100), plan, ("ups1",))
    assert [finding.subject for finding in found.too_late] == ["ups2"]
    assert found.too_late[0].violation == 32_000 - 22_000
    assert found.remaining == ()


def test_a_ride_through_shorter_than_the_action_is_too_late() -> None:
    jobs = tuple((name, "shed", 1) for name in "abcd")
    plan = Plan({"a": {"r1": 1}, "b": {"r1": 1}, "c": {"r2": 1}, "d": {"r2": 1}})
    found = emergency(problem(*jobs, emergency_s=2), plan, ("ups1",))  # actions take 5 s
    assert found.too_late[0].violation == 32_000 - 20_000


def test_firm_contracts_stop_last_and_unit_by_unit() -> None:
    base = problem(("free", "firm", 9000), rating_w=10_000, emergency_permille=4_000)
    contract = build.contract("c", tenant="u", units=2, price_mills_per_gpu_h=1)
    tenants = {**base.workload.tenants, "u": build.tenant("u")}
    workload = replace(base.workload, tenants=tenants, contracts={"c": contract})
    plan = Plan({"free": {"r1": 1}, "c": {"r1": 1, "r2": 1}})
    found = emergency(replace(base, workload=workload), plan, ("ups1",))
    # 24 kW on 10 kW: without `free` 16 kW, so one unit of the contract has to stop as well
    assert done(found) == [("stop", "free"), ("stop", "c")]
    assert sum(found.actions[1].units.values()) == 1


def test_a_loop_without_pumps_counts_units_on_dark_racks() -> None:
    found = emergency(problem(("a", "shed", 1)), Plan({"a": {"r1": 1}}), ("loop1", "loop1"))
    assert found.lost_units == 1


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_all_that_work_can_relieve_is_relieved(seed: int, plan_seed: int) -> None:
    """What stays broken in power after all actions is broken by idle racks and base loads."""
    random = replace(random_problem(seed), current=None)
    rng = Random(plan_seed)
    plan = random_plan(random, rng)
    node = rng.choice(list(random.site.power_nodes))
    found = emergency(random, plan, (node,))
    empty = emergency(random, Plan({}), (node,))
    power = {f.subject: f.violation for f in found.remaining if f.term == "power_failover"}
    bare = {f.subject: f.violation for f in empty.remaining if f.term == "power_failover"}
    assert power == bare
