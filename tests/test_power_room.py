"""Watts that groups of racks may draw: by hand, and against where power flows on random sites."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from scheduler.exchange.power_room import power_room
from scheduler.model import Plan, Problem
from scheduler.terms.power_failover import limit_w
from scheduler.terms.routing import Routing, draws
from tests import build
from tests.power_cases import SEEDS, random_case


def room(problem: Problem, plan: Plan | None = None) -> dict[tuple[str, ...], tuple[int, int]]:
    """Planned and allowed watts of every group, by its racks."""
    found = power_room(problem, plan or Plan({}))
    return {group.racks: (group.planned_w, group.room_w) for group in found}


def test_two_racks_grow_until_one_ups_has_to_carry_both() -> None:
    # Full racks draw 2 x 16 kW; after the loss of ups1 all of it is on ups2 with its 20 kW.
    ups = {name: build.ups(name, 20_000) for name in ("ups1", "ups2")}
    site = build.site(power_nodes=ups, failure_kinds=("ups",))
    assert room(build.problem(site)) == {("r1", "r2"): (0, 20_000)}
    # Without the failure both UPS carry half of 32 kW each: nothing stops the racks.
    assert room(build.problem(replace(site, failure_kinds=()))) == {("r1", "r2"): (0, 32_000)}


def test_a_tight_feed_stops_its_own_racks_only() -> None:
    racks = [build.rack("r1", feeds=("ups1",)), build.rack("r2", feeds=("ups2",))]
    ups = {"ups1": build.ups("ups1", 8_000), "ups2": build.ups("ups2")}
    site = build.site(racks, power_nodes=ups)
    assert room(build.problem(site)) == {("r1",): (0, 8_000), ("r2",): (0, 16_000)}


def test_work_that_is_shed_makes_room_after_the_failure_but_not_before() -> None:
    # The job draws 16 kW on r1 and is shed after a failure. Until then ups2 carries it with what
    # is drawn beyond the plan: 16 kW + 16 kW * t <= 20 kW * 1.5, so t = 875/1000 and 14 kW more.
    ups = {
        name: build.ups(name, 20_000, emergency_permille=1500, emergency_s=10)
        for name in ("ups1", "ups2")
    }
    site = build.site(power_nodes=ups, failure_kinds=("ups",))
    problem = build.problem(site, [build.job("j", units=2, power_action="shed")])
    plan = Plan({"j": {"r1": 2}})
    assert room(problem, plan) == {("r1", "r2"): (16_000, 30_000)}
    # A UPS that bears no overload: 16 kW + 16 kW * t <= 20 kW, so t = 250/1000 and 4 kW more.
    hard = replace(site, power_nodes={name: build.ups(name, 20_000) for name in ("ups1", "ups2")})
    assert room(replace(problem, site=hard), plan) == {("r1", "r2"): (16_000, 20_000)}


def test_firm_work_has_to_fit_the_rating_once_the_overload_is_over() -> None:
    # 16 kW of firm work: 16 kW + 16 kW * t <= 20 kW after the action, whatever was borne before.
    ups = {
        name: build.ups(name, 20_000, emergency_permille=3000, emergency_s=10)
        for name in ("ups1", "ups2")
    }
    site = build.site(power_nodes=ups, failure_kinds=("ups",))
    problem = build.problem(site, [build.job("j", units=2)])
    assert room(problem, Plan({"j": {"r1": 2}})) == {("r1", "r2"): (16_000, 20_000)}


def test_what_a_tight_feed_leaves_goes_to_the_others() -> None:
    # Bus a stops r1 at 8 of 16 kW; the UPS above has 20 - 8 = 12 kW left for r2.
    racks = [build.rack("r1", feeds=("a",)), build.rack("r2", feeds=("b",))]
    nodes = {
        "u": build.ups("u", 20_000),
        "a": build.ups("a", 8_000, parents=("u",), kind="busway"),
        "b": build.ups("b", 99_000, parents=("u",), kind="busway"),
    }
    site = build.site(racks, power_nodes=nodes)
    assert room(build.problem(site)) == {("r1",): (0, 8_000), ("r2",): (0, 12_000)}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_limit_breaks_while_all_groups_stay_within_their_room(seed: int) -> None:
    """What is drawn beyond the plan is added as firm load; no excess may grow by it."""
    problem, plan = random_case(seed)
    rng = Random(seed)
    extra: dict[str, int] = {}
    for group in power_room(problem, plan):
        assert group.room_w >= group.planned_w
        more = group.room_w - group.planned_w
        extra[rng.choice(group.racks)] = rng.choice([more, more, rng.randint(0, more)])
    planned, grown = excess(problem, plan, {}), excess(problem, plan, extra)
    assert {key: over for key, over in grown.items() if over > planned.get(key, 0)} == {}


def test_the_rows_can_be_broken() -> None:
    ups = {name: build.ups(name, 20_000) for name in ("ups1", "ups2")}
    problem = build.problem(build.site(power_nodes=ups, failure_kinds=("ups",)))
    assert excess(problem, Plan({}), {"r1": 20_000}) == {}
    assert excess(problem, Plan({}), {"r1": 20_001}) == {
        ("ups2", "loss of ups1", True): 1,
        ("ups2", "loss of ups1", False): 1,
        ("ups1", "loss of ups2", True): 1,
        ("ups1", "loss of ups2", False): 1,
    }


def excess(
    problem: Problem, plan: Plan, extra: dict[str, int]
) -> dict[tuple[str, str, bool], float]:
    """What every power node carries above its limit, in every state, before and after action."""
    site = problem.site
    found: dict[tuple[str, str, bool], float] = {}
    routing = Routing(site)
    for acted in (True, False):
        drawn = draws(problem, plan, problem.acted_w if acted else problem.peak_w)
        for name, watts in extra.items():
            drawn[site.racks[name].feeds, site.racks[name].loop].total_w += watts
        normal = routing.loads(drawn)
        if not acted:
            for name, load in normal.items():
                over = float(load.total) - site.power_nodes[name].rating_w
                if over > 0:
                    found[name, "normal", False] = over
        for state in site.failure_states:
            for name, load in routing.grown_loads(state, drawn, normal):
                over = float(load.total) - limit_w(site, site.power_nodes[name], acted)
                if over > 0:
                    found[name, state.name, acted] = over
    return found
