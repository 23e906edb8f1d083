"""Power in every failure state, before and after the power actions of jobs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import pytest

from scheduler.model import BaseLoad, Finding, Plan, PowerNode, Problem, Site
from scheduler.terms.power_failover import PowerFailover, state_name
from scheduler.terms.power_normal import PowerNormal
from scheduler.topology import Topology
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

TERM = PowerFailover()
LOST_1, LOST_1_BEFORE = "loss of ups1", "loss of ups1 (before action)"


def pair(rating_w: int = 100_000, **fields: int) -> Site:
    """Two racks on a 2N pair of UPS, each of which may fail."""
    ups = [node(name, rating_w=rating_w, **fields) for name in ("ups1", "ups2")]
    return build.site(power_nodes=nodes(*ups), failure_kinds=("ups",))


def mixed(site: Site) -> tuple[Problem, Plan]:
    """Both racks full: 16 kW of firm work on r1, 8 kW to cap and 8 kW to shed on r2."""
    jobs = [
        build.job("firm", units=2),
        build.job("capped", power_action="cap"),
        build.job("batch", power_action="shed"),
    ]
    plan = Plan({"firm": {"r1": 2}, "capped": {"r2": 1}, "batch": {"r2": 1}})
    return build.problem(site, jobs=jobs), plan


def amounts(found: dict[tuple[str, str], Finding]) -> dict[tuple[str, str], int]:
    return {key: finding.amount for key, finding in found.items()}


def test_the_survivor_of_a_pair_takes_all() -> None:
    # r1 16 kW, r2 8 kW: each UPS carries 12 kW, the survivor 24 kW.
    problem = build.problem(pair(23_999), jobs=[build.job("a", units=3)])
    plan = Plan({"a": {"r1": 2, "r2": 1}})
    found = findings(TERM, problem, plan)
    assert amounts(found) == {
        ("ups2", LOST_1): 24_000,
        ("ups1", "loss of ups2"): 24_000,
        ("ups2", LOST_1_BEFORE): 24_000,
        ("ups1", "loss of ups2 (before action)"): 24_000,
    }
    assert found["ups2", LOST_1].violation == 1
    assert found["ups2", LOST_1].jobs == ("a",)
    assert assert_compile_equals_explain(TERM, problem, plan) == 4


def test_firm_keeps_capped_lowers_and_shed_stops() -> None:
    # After: 16 firm + 0.4 x 8 capped + 0 shed = 19.2 kW. Before: 16 + 8 + 8 = 32 kW.
    problem, plan = mixed(pair(20_000, emergency_permille=1333, emergency_s=10))
    found = findings(TERM, problem, plan)
    after, before = found["ups2", LOST_1], found["ups2", LOST_1_BEFORE]
    assert (after.amount, after.limit, after.violation) == (19_200, 20_000, 0)
    assert after.jobs == ("firm", "capped")
    assert (before.amount, before.limit) == (32_000, 26_660)  # 20 kW x 1.333
    assert before.jobs == ("firm", "batch", "capped")
    assert before.violation == 5_340
    assert before.message == (
        "feed ups2 would carry 32.0 kW for 5 s after losing ups1, 120.1 % of its 26.7 kW"
    )


@pytest.mark.parametrize(
    ("emergency_s", "power_action_s", "limit"), [(4, 5, 20_000), (5, 5, 26_660), (10, 11, 20_000)]
)
def test_overload_is_allowed_only_if_it_lasts_until_jobs_have_acted(
    emergency_s: int, power_action_s: int, limit: int
) -> None:
    site = pair(20_000, emergency_permille=1333, emergency_s=emergency_s)
    problem, plan = mixed(replace(site, power_action_s=power_action_s))
    found = findings(TERM, problem, plan)
    assert found["ups2", LOST_1_BEFORE].limit == limit
    assert found["ups2", LOST_1].limit == 20_000
    assert_compile_equals_explain(TERM, problem, plan)


def test_idle_racks_and_base_loads_count_before_and_after() -> None:
    # Nothing runs: 2 racks x 1 kW idle + 3 kW of switches on both UPS = 5 kW on the survivor.
    site = replace(
        pair(),
        rack_types={"hgx": build.rack_type(idle_w=1_000)},
        base_loads=(BaseLoad(name="switches", hall="H", feeds=("ups1", "ups2"), power_w=3_000),),
    )
    found = findings(TERM, build.problem(site), Plan({}))
    assert set(amounts(found).values()) == {5_000}


def test_four_to_make_three() -> None:
    # Six racks of 12 kW, one on each pair of four UPS: a UPS is in 3 pairs, 3 x 12 / 2 = 18 kW.
    # When one fails each survivor takes half of one rack more: 18 + 6 = 24 = 18 x 4 / 3.
    pairs = combinations([f"u{i}" for i in range(4)], 2)
    site = build.site(
        [build.rack(f"r{i}", feeds=feeds) for i, feeds in enumerate(pairs)],
        rack_types={"hgx": build.rack_type(observed_peak_w=12_000)},
        power_nodes=nodes(*(node(f"u{i}", rating_w=23_999) for i in range(4))),
        failure_kinds=("ups",),
    )
    problem = build.problem(site, jobs=[build.job("a", units=12)])
    plan = Plan({"a": dict.fromkeys(site.racks, 2)})
    normal = findings(PowerNormal(), problem, plan)
    assert {finding.amount for finding in normal.values()} == {18_000}
    found = findings(TERM, problem, plan)
    assert len(found) == 2 * 4 * 3
    assert set(amounts(found).values()) == {24_000}
    assert assert_compile_equals_explain(TERM, problem, plan) == 24


def test_pairs_count_not_averages() -> None:
    # All on the pair u0, u1: when u0 fails u1 takes 32 kW and u2 stays at nothing.
    site = build.site(
        [build.rack("r1", feeds=("u0", "u1")), build.rack("r2", feeds=("u0", "u1"))],
        power_nodes=nodes(*(node(f"u{i}") for i in range(3))),
        failure_kinds=("ups",),
    )
    problem = build.problem(site, jobs=[build.job("a", units=4)])
    found = findings(TERM, problem, Plan({"a": {"r1": 2, "r2": 2}}))
    assert amounts(found)["u1", "loss of u0"] == 32_000
    assert ("u2", "loss of u0") not in found


def test_a_single_corded_rack_is_lost_and_draws_nothing() -> None:
    # r1 (16 kW) on both UPS, r2 on ups1 alone: without ups1 ups2 carries r1 only, 16 kW.
    site = replace(pair(), racks={"r1": build.rack("r1"), "r2": build.rack("r2", feeds=("ups1",))})
    problem = build.problem(site, jobs=[build.job("a", units=4)])
    plan = Plan({"a": {"r1": 2, "r2": 2}})
    found = findings(TERM, problem, plan)
    assert amounts(found)["ups2", LOST_1] == 16_000
    assert amounts(found)["ups1", "loss of ups2"] == 32_000
    assert_compile_equals_explain(TERM, problem, plan)


def test_jobs_that_do_not_move_are_named_beside_those_that_do() -> None:
    # Without ups1: r2's 16 kW on ups2 stay where they are, r1's 8 kW come whole, not half.
    site = replace(pair(), racks={"r1": build.rack("r1"), "r2": build.rack("r2", feeds=("ups2",))})
    problem = build.problem(site, jobs=[build.job("moved"), build.job("steady", units=2)])
    finding = findings(TERM, problem, Plan({"moved": {"r1": 1}, "steady": {"r2": 2}}))
    assert finding["ups2", LOST_1].jobs == ("steady", "moved")
    assert finding["ups2", LOST_1].amount == 24_000


@pytest.mark.parametrize("seed", SEEDS)
def test_findings_name_the_five_largest_jobs(seed: int) -> None:
    problem, plan = random_case(seed)
    found = findings(TERM, problem, plan)
    for state in problem.site.failure_states:
        for name, shares in Topology(problem.site).failure_flows(state).items():
            watts = dict.fromkeys(plan.units, Fraction(0))
            for job, rack, units in plan.shards():
                rack_type = problem.site.type_of(problem.site.racks[rack])
                one = problem.peak_w(problem.jobs[job], rack_type)
                watts[job] += units * one * shares.get(rack, 0)
            ranked = sorted((job for job in watts if watts[job]), key=lambda j: (-watts[j], j))
            assert found[name, state_name(state, acted=False)].jobs == tuple(ranked[:5])


def test_a_transfer_switch_moves_all_to_the_reserve() -> None:
    # Two blocks of 16 kW stand on their own UPS; the reserve takes either, alone.
    site = build.site(
        [build.rack("r1", feeds=("sts1",)), build.rack("r2", feeds=("sts2",))],
        power_nodes=nodes(
            node("ups1", rating_w=16_000),
            node("ups2", rating_w=16_000),
            node("reserve", kind="reserve", rating_w=15_999),
            node("sts1", "ups1", "reserve", kind="sts", mode="transfer"),
            node("sts2", "ups2", "reserve", kind="sts", mode="transfer"),
        ),
        failure_kinds=("ups",),
        failure_sets=(("ups1", "ups2"),),
    )
    problem = build.problem(site, jobs=[build.job("a", units=4)])
    plan = Plan({"a": {"r1": 2, "r2": 2}})
    after = {
        key: value
        for key, value in amounts(findings(TERM, problem, plan)).items()
        if "before" not in key[1]
    }
    assert after == {
        ("reserve", "loss of ups1"): 16_000,
        ("reserve", "loss of ups2"): 16_000,
        ("reserve", "loss of ups1 and ups2"): 32_000,
    }
    assert assert_compile_equals_explain(TERM, problem, plan) == 6


def three_levels() -> dict[str, PowerNode]:
    """Two utilities, two UPS below each, and a busway below every two of one utility."""
    return nodes(
        node("g1", kind="utility"),
        node("g2", kind="utility"),
        *(node(f"u{i}{k}", f"g{i}") for i in (1, 2) for k in (1, 2)),
        *(node(f"b{i}", f"u{i}1", f"u{i}2", kind="busway", rating_w=15_000) for i in (1, 2)),
    )


def test_load_moves_up_a_tree_of_three_levels() -> None:
    # r1 16 kW on b1 and b2, so 8 kW each; every UPS 4 kW, every utility 8 kW.
    # Without g1: all 16 kW on b2, 8 kW on u21 and u22, 16 kW on g2.
    # Without u11: b1 stays live on u12, which takes 8 kW instead of 4; no other node grows.
    site = build.site(
        [build.rack("r1", feeds=("b1", "b2"))],
        power_nodes=three_levels(),
        failure_kinds=("utility", "ups"),
    )
    problem = build.problem(site, jobs=[build.job("a", units=2)])
    plan = Plan({"a": {"r1": 2}})
    found = amounts(findings(TERM, problem, plan))
    without_g1 = {key[0]: value for key, value in found.items() if key[1] == "loss of g1"}
    without_u11 = {key[0]: value for key, value in found.items() if key[1] == "loss of u11"}
    assert without_g1 == {"b2": 16_000, "u21": 8_000, "u22": 8_000, "g2": 16_000}
    assert without_u11 == {"u12": 8_000}
    assert assert_compile_equals_explain(TERM, problem, plan) == 4  # b1 and b2 above 15 kW


def test_racks_without_cooling_draw_nothing() -> None:
    # The set loses ups1 and the only CDU of loop1, which cools r1: ups2 carries r2's 8 kW alone.
    site = pair()
    loop = replace(site.loops["loop1"], units=1)
    site = replace(
        site,
        racks={"r1": build.rack("r1"), "r2": build.rack("r2", loop=None)},
        loops={"loop1": loop},
        failure_sets=(("ups1", "loop1"),),
    )
    problem = build.problem(site, jobs=[build.job("a", units=3)])
    plan = Plan({"a": {"r1": 2, "r2": 1}})
    found = amounts(findings(TERM, problem, plan))
    assert found["ups2", LOST_1] == 24_000
    assert found["ups2", "loss of ups1 and loop1"] == 8_000
    assert_compile_equals_explain(TERM, problem, plan)


def test_rows_that_no_plan_can_break_are_left_out_of_the_arrays_only() -> None:
    # Two full racks are 32 kW: a UPS of 32 kW can never break, one of 31 999 W can.
    job = build.job("a", units=4)
    for rating_w, num_rows in ((32_000, 0), (31_999, 2)):
        problem = build.problem(pair(rating_w), jobs=[job])
        forms = compiled(TERM, problem)
        assert [form.rows.num_rows for form in forms] == [num_rows] * (2 if num_rows else 0)
        assert len(findings(TERM, problem, Plan({}))) == 4


def test_pruning_counts_the_watts_that_rounding_adds() -> None:
    # A unit of 1 GPU draws 16 001 / 16 = 1 000.06, rounded up 1 001 W: a full rack 16 016 W,
    # more than the 16 001 W of its basis. Two racks can break 32 031 W, so the row must stand.
    site = replace(pair(32_031), rack_types={"hgx": build.rack_type(observed_peak_w=16_001)})
    problem = build.problem(site, jobs=[build.job("a", units=32, gpus_per_unit=1)])
    plan = Plan({"a": {"r1": 16, "r2": 16}})
    assert findings(TERM, problem, plan)["ups2", LOST_1].violation == 1
    assert assert_compile_equals_explain(TERM, problem, plan) == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_compile_equals_explain(seed: int) -> None:
    assert_compile_equals_explain(TERM, *random_case(seed))


def test_random_cases_break_limits_and_keep_them() -> None:
    broken = [assert_compile_equals_explain(TERM, *random_case(seed)) for seed in range(20)]
    assert sum(count > 0 for count in broken) > 5
    assert sum(count == 0 for count in broken) > 0


def test_a_thousand_racks() -> None:
    # 42 halls x 6 pairs x 4 racks = 1 008 racks of 16 kW. A UPS is in 3 pairs: 3 x 4 x 8 = 96 kW,
    # and takes half of one pair's four racks more when another fails: 96 + 32 = 128 kW.
    ups = {f"h{h}u{i}": node(f"h{h}u{i}", rating_w=127_999) for h in range(42) for i in range(4)}
    racks = [
        build.rack(f"h{h}p{u}{v}r{r}", feeds=(f"h{h}u{u}", f"h{h}u{v}"))
        for h in range(42)
        for u, v in combinations(range(4), 2)
        for r in range(4)
    ]
    site = build.site(racks, power_nodes=ups, failure_kinds=("ups",))
    problem = build.problem(site, jobs=[build.job("a", units=2016)])
    plan = Plan({"a": dict.fromkeys(site.racks, 2)})
    found = findings(TERM, problem, plan)
    assert len(found) == 2 * 42 * 4 * 3
    assert set(amounts(found).values()) == {128_000}
    assert assert_compile_equals_explain(TERM, problem, plan) == len(found)


def test_applies_where_failures_are_named() -> None:
    assert TERM.applies(build.problem(pair()))
    assert not TERM.applies(build.problem())
