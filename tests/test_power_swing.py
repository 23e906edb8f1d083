"""Synchronous swing of training jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.model import BaseLoad, Plan
from scheduler.terms.power_swing import PowerSwing
from tests import build
from tests.power_cases import (
    SEEDS,
    assert_compile_equals_explain,
    compiled,
    findings,
    node,
    nodes,
    random_case,
)

TERM = PowerSwing()


def test_synchronous_jobs_swing_by_their_depth() -> None:
    # Profile "sync" swings by 0.6 of the dynamic range: a node of 8 kW by 4.8 kW.
    # 3 nodes: 14.4 kW on the site, half of it on each UPS. The "flat" job does not swing.
    site = build.site(
        power_nodes=nodes(node("ups1", swing_limit_w=7_199), node("ups2")),
        site_swing_limit_w=14_400,
    )
    jobs = [build.job("train", units=3, profile="sync"), build.job("serve")]
    problem = build.problem(site, jobs=jobs)
    plan = Plan({"train": {"r1": 2, "r2": 1}, "serve": {"r2": 1}})
    found = findings(TERM, problem, plan)
    assert set(found) == {("ups1", "normal"), ("test", "normal")}
    feed, whole = found["ups1", "normal"], found["test", "normal"]
    assert (feed.amount, feed.limit, feed.violation) == (7_200, 7_199, 1)
    assert feed.message == "feed ups1 swings by 7,200 W in step, 100.1 % of its 7,199 W"
    assert (whole.amount, whole.violation, whole.message) == (14_400, 0, "")
    assert whole.jobs == ("train",)
    assert assert_compile_equals_explain(TERM, problem, plan) == 1


def test_swings_of_different_jobs_are_added_and_standing_power_is_not() -> None:
    # Two jobs of 8 GPUs: dynamic range 16 - 4 = 12 kW a rack, 8 / 16 x 0.6 x 12 = 3.6 kW each.
    # Added: 7.2 kW (the root of the sum of squares would be 5.1 kW). Idle and base load: 0.
    site = build.site(
        rack_types={"hgx": build.rack_type(idle_w=4_000)},
        base_loads=(BaseLoad(name="switches", hall="H", feeds=("ups1",), power_w=3_000),),
        site_swing_limit_w=7_000,
    )
    jobs = [build.job("a", profile="sync"), build.job("b", profile="sync")]
    problem = build.problem(site, jobs=jobs)
    plan = Plan({"a": {"r1": 1}, "b": {"r2": 1}})
    finding = findings(TERM, problem, plan)["test", "normal"]
    assert (finding.amount, finding.violation, finding.jobs) == (7_200, 200, ("a", "b"))
    assert finding.message == "site test swings by 7,200 W in step, 102.9 % of its 7,000 W"
    (form,) = compiled(TERM, problem)
    assert list(form.base) == [0]


def test_a_swing_depth_without_step_does_not_count() -> None:
    site = build.site(site_swing_limit_w=1)
    problem = build.problem(site, jobs=[build.job("a", profile="sync")])
    profile = replace(problem.workload.profiles["sync"], synchronous=False)
    workload = replace(problem.workload, profiles={"sync": profile})
    finding = findings(TERM, replace(problem, workload=workload), Plan({"a": {"r1": 1}}))
    assert finding["test", "normal"].amount == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_compile_equals_explain(seed: int) -> None:
    problem, plan = random_case(seed)
    assert_compile_equals_explain(TERM, problem, plan)


def test_applies_where_a_feed_or_the_site_limits_the_swing() -> None:
    limited = nodes(node("ups1", swing_limit_w=1), node("ups2"))
    assert not TERM.applies(build.problem())
    assert TERM.applies(build.problem(build.site(power_nodes=limited)))
    assert TERM.applies(build.problem(build.site(site_swing_limit_w=1)))
