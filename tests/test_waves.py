"""Moves between plans and the waves in which they are safe."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.check import check
from scheduler.model import Level, Plan, Problem
from scheduler.questions.moves import (
    Allowed,
    Move,
    applied,
    doubled,
    moved_gpus,
    moved_units,
    moves_between,
    units_by_tenant,
    waves,
    worse,
)
from tests import build
from tests.random_problems import random_plan, random_problem


def test_the_fewest_moves_match_what_leaves_with_what_comes() -> None:
    before = Plan({"a": {"r1": 3, "r2": 1}, "b": {"r1": 2}})
    after = Plan({"a": {"r2": 2, "r3": 2}, "c": {"r1": 1}})
    # of a 3 leave r1; 1 comes to r2 and 2 to r3; b stops, c starts
    assert moves_between(before, after) == (
        Move("a", 1, "r1", "r2"),
        Move("a", 2, "r1", "r3"),
        Move("b", 2, "r1", None),
        Move("c", 1, None, "r1"),
    )
    assert applied(before, moves_between(before, after)) == after


def test_moves_are_counted_in_units_gpus_and_by_tenant() -> None:
    jobs = [build.job("a", units=4), build.job("b", tenant="u", gpus_per_unit=2, units=2)]
    problem = build.problem(jobs=jobs)
    moves = (Move("a", 3, "r1", "r2"), Move("b", 2, "r1", "r2"), Move("b", 1, "r1", None))
    assert moved_units(moves) == 5
    assert moved_gpus(problem, moves) == 3 * 8 + 2 * 2
    assert units_by_tenant(problem, moves) == {"t": 3, "u": 2}


def test_more_units_cannot_leave_than_lie_there() -> None:
    with pytest.raises(ValueError, match="more units of a from rack r1"):
        applied(Plan({"a": {"r1": 1}}), [Move("a", 2, "r1", "r2")])


def test_a_rotation_with_one_free_rack_takes_one_wave_each() -> None:
    # r1 -> r2 -> r3 (free): b has to go before a can come.
    racks = [build.rack(name) for name in ("r1", "r2", "r3")]
    jobs = [build.job(name, units=2) for name in ("a", "b")]
    problem = build.problem(build.site(racks), jobs)
    before = Plan({"a": {"r1": 2}, "b": {"r2": 2}})
    found = waves(problem, before, Plan({"a": {"r2": 2}, "b": {"r3": 2}}))
    assert [wave.moves for wave in found.waves] == [
        (Move("b", 2, "r2", "r3"),),
        (Move("a", 2, "r1", "r2"),),
    ]
    assert found.waves[0].during == Plan({"a": {"r1": 2}, "b": {"r2": 2, "r3": 2}})
    assert found.paused == ()


def test_a_swap_on_full_racks_pauses_what_earns_less() -> None:
    jobs = [
        build.job("dear", units=2, value_mills_per_gpu_h=2000),
        build.job("cheap", units=2, value_mills_per_gpu_h=1000),
    ]
    problem = build.problem(jobs=jobs)
    before = Plan({"dear": {"r1": 2}, "cheap": {"r2": 2}})
    found = waves(problem, before, Plan({"dear": {"r2": 2}, "cheap": {"r1": 2}}))
    assert found.paused == ("cheap",)
    assert [wave.moves for wave in found.waves] == [
        (Move("cheap", 2, "r2", None),),
        (Move("dear", 2, "r1", "r2"),),
        (Move("cheap", 2, None, "r1"),),
    ]


def test_both_ends_count_for_power() -> None:
    # Two jobs of 2 kW... each rack 16 kW when full; the feeds carry 40 kW: both ends of one job
    # (16 + 16 kW) beside nothing else fit, both ends of two jobs (64 kW) do not.
    racks = [build.rack(f"r{n}") for n in range(4)]
    nodes = {"ups1": build.ups("ups1", 50_000)}
    racks = [replace(rack, feeds=("ups1",)) for rack in racks]
    jobs = [build.job("a", units=2), build.job("b", units=2)]
    problem = build.problem(build.site(racks, power_nodes=nodes), jobs)
    before = Plan({"a": {"r0": 2}, "b": {"r1": 2}})
    found = waves(problem, before, Plan({"a": {"r2": 2}, "b": {"r3": 2}}))
    # 32 kW run; 16 kW more for one job make 48 <= 50 kW, for two jobs 64 kW.
    assert [[move.job for move in wave.moves] for wave in found.waves] == [["a"], ["b"]]


def test_a_gang_that_must_stay_in_one_array_moves_whole() -> None:
    racks = [build.rack(f"r{n}", array=f"A{n // 2}") for n in range(4)]
    job = build.job("gang", units=4, required=Level.ARRAY)
    problem = build.problem(build.site(racks), [job])
    before, after = Plan({"gang": {"r0": 2, "r1": 2}}), Plan({"gang": {"r2": 2, "r3": 2}})
    (wave,) = waves(problem, before, after).waves
    assert wave.after == after
    assert not check(problem, wave.during).checked  # as one job it would lie in two arrays
    assert check(*doubled(problem, before, wave.moves)).checked


def test_jobs_inside_a_contract_move_with_it() -> None:
    contract = build.contract("c", units=2)
    problem = build.problem(jobs=[build.job("inside", units=2)], contracts=[contract])
    before = Plan({"c": {"r1": 2}, "inside": {"r1": 2}})
    after = Plan({"c": {"r2": 2}, "inside": {"r2": 2}})
    (wave,) = waves(problem, before, after).waves
    assert wave.after == after


def test_a_plan_that_breaks_more_is_refused() -> None:
    problem = build.problem(jobs=[build.job("a", units=3)])
    with pytest.raises(ValueError, match="rack_capacity r1"):
        waves(problem, Plan({"a": {"r1": 2, "r2": 1}}), Plan({"a": {"r1": 3}}))


def test_a_broken_limit_may_stay_but_not_grow() -> None:
    problem = build.problem(jobs=[build.job("a", units=4, min_units=1)])
    over, more = Plan({"a": {"r1": 3}}), Plan({"a": {"r1": 4}})
    broken, worse_still = check(problem, over), check(problem, more)
    assert Allowed.by(broken).kept(broken)
    assert not Allowed.by(broken).kept(worse_still)
    assert [finding.subject for finding in worse(broken, worse_still)] == ["r1"]
    assert worse(worse_still, broken) == ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_every_state_on_the_way_keeps_every_limit(seed: int, plan_seed: int) -> None:
    """Between random plans, also broken ones: during and after every wave nothing gets worse."""
    problem = replace(random_problem(seed), current=None)
    rng = Random(plan_seed)
    before, after = random_plan(problem, rng), random_plan(problem, rng)
    began, final = check(problem, before), check(problem, after)
    if worse(began, final):
        before, after = after, before
        began, final = final, began
    if worse(began, final):
        return
    assert_safe(problem, before, after)


def assert_safe(problem: Problem, before: Plan, after: Plan) -> None:
    """Walk the waves and let the check judge every state anew."""
    final = check(problem, after)
    state, units = before, 0
    for wave in (found := waves(problem, before, after)).waves:
        assert wave.moves
        allowed = Allowed.by(check(problem, state), final)
        twins = {f"{name} (arriving)": name for name in problem.jobs}
        assert allowed.limits_kept(check(*doubled(problem, state, wave.moves)), twins)
        state = applied(state, wave.moves)
        assert wave.after == state
        assert allowed.limits_kept(check(problem, state))
        firm = any(problem.jobs[job].firm for job in wave.paused)
        assert firm or allowed.obligations_kept(check(problem, state))
        units += moved_units(wave.moves)
    assert state == applied(after, ())
    assert units <= moved_units(moves_between(before, after)) or found.paused
