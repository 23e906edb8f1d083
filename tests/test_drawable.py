"""The most IT power that any plan draws: by hand, and never less than what a plan draws."""

from __future__ import annotations

from random import Random

import pytest

from kernels.reference import score
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.drawable import drawable_w
from scheduler.evaluate import to_shards
from scheduler.it_power import fleet_w, planned_w, standing_w
from scheduler.model import BaseLoad, Level, Plan, Problem, Sla
from scheduler.topology import Topology
from tests import build
from tests.random_problems import random_plan, random_problem

NOTHING = Plan({})


def drawable(problem: Problem, plan: Plan = NOTHING) -> int:
    topology = Topology(problem.site)
    compiled = compile_problem(problem, topology)
    return drawable_w(problem, plan, compiled, topology, time_limit_s=10.0)


def drawn(problem: Problem, plan: Plan) -> int:
    return planned_w(problem, plan, problem.peak_w)


def test_no_more_than_what_is_asked_for() -> None:
    """Three nodes of 8 kW are asked for, four are there; idle and base loads stand: 2 x 1 + 5."""
    site = build.site(
        rack_types={"hgx": build.rack_type(idle_w=1_000)},
        base_loads=(BaseLoad(name="fans", hall="H", power_w=5_000, feeds=("ups1",)),),
    )
    problem = build.problem(site, [build.job("a", units=3)])
    assert standing_w(problem) == 7_000
    # A node is (16 - 1) / 2 = 7.5 kW above its share of the idle rack.
    assert drawable(problem) == 7_000 + 3 * 7_500
    assert fleet_w(problem, lambda each: each.observed_peak_w) == 37_000


def test_no_more_than_racks_hold() -> None:
    problem = build.problem(jobs=[build.job("a", units=9, min_units=1)])
    assert drawable(problem) == 32_000  # two racks of 16 kW


def test_no_more_than_the_rules_of_failover_allow() -> None:
    """Either UPS of 20 kW carries all firm load when the other is lost; jobs that are shed, none.

    Until they are, it bears 40 kW for ten seconds.
    """
    nodes = {
        name: build.ups(name, 20_000, emergency_permille=2000, emergency_s=10)
        for name in ("ups1", "ups2")
    }
    site = build.site(power_nodes=nodes, failure_kinds=("ups",))

    def with_action(action: str) -> Problem:
        return build.problem(site, [build.job("a", units=4, min_units=1, power_action=action)])

    assert drawable(with_action("firm")) == 20_000
    assert drawable(with_action("shed")) == 32_000


def test_a_job_that_draws_less_on_one_type_counts_as_what_it_draws() -> None:
    """A unit takes a rack: 16 kW on the hungry one, 8 kW on the other."""
    types = {
        "hgx": build.rack_type(),
        "calm": build.rack_type("calm", observed_peak_w=8_000),
    }
    racks = [build.rack("r1"), build.rack("r2", type="calm")]
    problem = build.problem(
        build.site(racks, rack_types=types),
        [build.job("a", units=2, min_units=1, gpus_per_unit=16)],
    )
    assert drawable(problem) == 24_000


def test_units_that_never_count_draw_as_well() -> None:
    """One promised, one spare; to survive a rack, as many again lie on the other one."""
    problem = build.problem(
        contracts=[build.contract("deal", sla=Sla(survives=("rack",), spare_permille=1000))]
    )
    assert drawable(problem) == 16_000
    held = Plan({"deal": {"r1": 2, "r2": 1}})
    assert check(problem, held).checked
    assert drawable(problem, held) == 24_000


def test_money_plays_no_part() -> None:
    """A job that is worth nothing draws power, and so does one whose spread costs all it earns.

    A unit of 3 GPUs takes 4 slots of 8, or 3 of 6, so r1 holds 4 of 5 units; each draws 3 kW.
    """
    types = {
        "hgx": build.rack_type(),
        "six": build.rack_type("six", gpus_per_node=6, observed_peak_w=12_000),
    }
    racks = [build.rack("r1"), build.rack("r2", type="six", array="B")]
    spread = {"preferred": Level.ARRAY, "slowdown_permille": 900}
    for value_mills in (0, 100_000):
        job = build.job("a", units=5, gpus_per_unit=3, value_mills_per_gpu_h=value_mills, **spread)
        assert drawable(build.problem(build.site(racks, rack_types=types), [job])) == 15_000


def test_no_checked_plan_draws_more() -> None:
    """Plans are drawn without looking at any rule; enough of them must be inside every limit."""
    kept = 0
    for seed in range(200):
        problem, rng = random_problem(seed), Random(seed)
        plans = [random_plan(problem, rng) for _ in range(25)]
        compiled = compile_problem(problem, Topology(problem.site))
        valid = [each for each in plans if not score(compiled, to_shards(compiled, each)).violation]
        if valid:
            hungriest = max(valid, key=lambda plan: drawn(problem, plan))
            assert drawn(problem, hungriest) <= drawable(problem, hungriest), seed
            kept += bool(hungriest.units)
    assert kept >= 30


def test_without_time_the_bound_is_weak_and_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Racks hold 32 kW, either UPS 20 kW."""
    nodes = {name: build.ups(name, 20_000) for name in ("ups1", "ups2")}
    site = build.site(power_nodes=nodes, failure_kinds=("ups",))
    problem = build.problem(site, [build.job("a", units=4, min_units=1)])
    assert drawable(problem) == 20_000
    monkeypatch.setattr("scheduler.planner.bound.volume.solve_relaxed", lambda *_, **__: None)
    assert drawable(problem) == 32_000
