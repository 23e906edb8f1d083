"""Firm power that is left and what of it cannot be used, by hand: 16 kW a rack, 1 kW a GPU."""

from __future__ import annotations

from typing import Any

from scheduler.check import check
from scheduler.firm_headroom import headroom_by_group
from scheduler.model import Level, Loop, Plan, Problem, Site
from scheduler.stranded import FirmPower, firm_power
from scheduler.topology import Topology
from tests import build


def two_n(**fields: Any) -> Site:
    """Two racks on two UPS of 30 kW, either of which carries all when the other is lost."""
    nodes = {name: build.ups(name, 30_000) for name in ("ups1", "ups2")}
    return build.site(power_nodes=nodes, failure_kinds=("ups",), **fields)


def firm(problem: Problem, plan: Plan) -> FirmPower:
    findings = check(problem, plan).findings
    return firm_power(problem, plan, Topology(problem.site), findings)


def causes(power: FirmPower) -> dict[str, int]:
    """Return the causes that there are; together they are what is stranded."""
    by_cause = power.stranded_by_cause_w
    assert sum(by_cause.values()) == power.stranded_w
    assert min(by_cause.values()) >= 0
    return {cause: watts for cause, watts in by_cause.items() if watts}


def test_headroom_is_what_the_worst_state_allows_after_the_power_action() -> None:
    """Firm 8 kW, capped 0.4 * 8 = 3.2 kW, shed 0: 11.2 kW of 30 kW after a loss, so 18.8 kW more.

    Before the action 24 of 30 kW: the load of 24 kW may grow by a quarter, 6 kW: that is less.
    """
    problem = build.problem(
        two_n(),
        [
            build.job("firm"),
            build.job("capped", power_action="cap"),
            build.job("shed", power_action="shed"),
        ],
    )
    plan = Plan({"firm": {"r1": 1}, "capped": {"r1": 1}, "shed": {"r2": 1}})
    findings = check(problem, plan).findings
    by_group = headroom_by_group(problem, plan, Topology(problem.site), findings)
    assert by_group == {("ups1", "ups2"): 6_000}


def test_after_the_action_counts_what_jobs_leave() -> None:
    """UPS of 20 kW bear 40 kW for 10 s. Firm 8 kW, shed 8 kW.

    After a loss 8 of 20 kW are left: 12 kW more. Before it 16 of 40 kW, normally 8 of 20 kW on each
    UPS: 24 kW more.
    """
    nodes = {
        name: build.ups(name, 20_000, emergency_permille=2000, emergency_s=10)
        for name in ("ups1", "ups2")
    }
    problem = build.problem(
        build.site(power_nodes=nodes, failure_kinds=("ups",)),
        [build.job("firm"), build.job("shed", power_action="shed")],
    )
    assert firm(problem, Plan({"firm": {"r1": 1}, "shed": {"r2": 1}})).headroom_w == 12_000


def test_nothing_is_stranded_while_nothing_waits() -> None:
    """8 of 30 kW after a loss: 22 kW are left, and nobody asks for them."""
    problem = build.problem(two_n(), [build.job("a")])
    power = firm(problem, Plan({"a": {"r1": 1}}))
    assert (power.headroom_w, power.asked_w, power.stranded_w) == (22_000, 0, 0)


def test_headroom_that_waiting_work_can_reach_is_not_stranded() -> None:
    """`b` waits with 8 kW and three nodes are free."""
    problem = build.problem(two_n(), [build.job("a"), build.job("b")])
    power = firm(problem, Plan({"a": {"r1": 1}}))
    assert power == FirmPower(22_000, asked_w=8_000, free_w=8_000, open_w=8_000, usable_w=8_000)
    assert power.stranded_w == 0


def test_headroom_is_stranded_where_no_node_is_free() -> None:
    """One rack, full: 16 of 30 kW, 14 kW left; 24 kW wait for a node."""
    problem = build.problem(
        two_n(racks=[build.rack("r1")]), [build.job("a", units=2), build.job("b", units=3)]
    )
    power = firm(problem, Plan({"a": {"r1": 2}}))
    assert power == FirmPower(14_000, asked_w=24_000, free_w=0, open_w=0, usable_w=0)
    assert power.stranded_w == 14_000
    assert causes(power) == {"racks_full": 14_000}


def test_headroom_is_stranded_behind_isolation() -> None:
    """acme has the array alone: 22 kW left, 8 kW wait, the free nodes are not for them."""
    problem = build.problem(
        two_n(),
        [build.job("a", tenant="acme"), build.job("b")],
        [build.tenant("acme", isolation=Level.ARRAY)],
    )
    power = firm(problem, Plan({"a": {"r1": 1}}))
    assert power.stranded_w == 8_000
    assert causes(power) == {"kept_apart": 8_000}


def test_free_nodes_in_domains_too_small_for_a_gang_are_kept_apart() -> None:
    """r1 is full and r2 has one node free, but `b` needs two nodes of one rack: 6 kW for nobody."""
    problem = build.problem(
        two_n(),
        [
            build.job("a", units=3, min_units=3),
            build.job("b", units=2, min_units=2, required=Level.RACK),
        ],
    )
    power = firm(problem, Plan({"a": {"r1": 2, "r2": 1}}))
    assert (power.headroom_w, power.asked_w) == (6_000, 16_000)
    assert causes(power) == {"kept_apart": 6_000}


def test_headroom_is_stranded_behind_a_loop_that_is_full() -> None:
    """The loop takes 8 kW: `a` puts 0.8 * 8 = 6.4 kW into it, so 1.6 kW of 6.4 kW are left.

    Free nodes could draw 8 kW on r1 and 16 kW on r2, 19.2 kW of it heat. Rounded down per rack,
    8,000 * 1.6 / 19.2 = 666 W and 16,000 * 1.6 / 19.2 = 1,333 W of 8 kW are usable.
    """
    loop = Loop(
        name="loop1",
        hall="H",
        units=2,
        spare_units=1,
        unit_w=8_000,
        unit_flow_mlpm=1_000_000,
        supply_mc=30_000,
        approach_mk=4_000,
        return_limit_mc=60_000,
    )
    problem = build.problem(two_n(loops={"loop1": loop}), [build.job("a"), build.job("b")])
    power = firm(problem, Plan({"a": {"r1": 1}}))
    assert (power.usable_w, power.stranded_w) == (1_999, 6_001)
    assert causes(power) == {"cooling": 6_001}


def test_each_cause_counts_beyond_those_before() -> None:
    """32 kW drawn, 48 kW left, 40 kW wait: 16 kW have a free node, 8 kW one that is for them.

    r1 is full, r2 has a free node for anybody, and acme has r3 alone, with a free node of its own.
    """
    nodes = {name: build.ups(name, 80_000) for name in ("ups1", "ups2")}
    racks = [build.rack(name, array=name) for name in ("r1", "r2", "r3")]
    waiting = build.job("b", units=5, min_units=1)
    problem = build.problem(
        build.site(racks, power_nodes=nodes, failure_kinds=("ups",)),
        [build.job("a", units=3), build.job("kept", tenant="acme"), waiting],
        [build.tenant("acme", isolation=Level.ARRAY)],
    )
    power = firm(problem, Plan({"a": {"r1": 2, "r2": 1}, "kept": {"r3": 1}}))
    assert (power.headroom_w, power.asked_w, power.usable_w) == (48_000, 40_000, 8_000)
    assert causes(power) == {"racks_full": 24_000, "kept_apart": 8_000}


def test_a_grid_feed_above_all_groups_caps_their_sum() -> None:
    """Two single UPS of 30 kW below one feed of 40 kW: 8 kW each; 2 * 22 kW, but the feed 24."""
    nodes = {
        "grid": build.ups("grid", 40_000, kind="utility"),
        "ups1": build.ups("ups1", 30_000, parents=("grid",)),
        "ups2": build.ups("ups2", 30_000, parents=("grid",)),
    }
    racks = [build.rack("r1", feeds=("ups1",)), build.rack("r2", feeds=("ups2",))]
    problem = build.problem(
        build.site(racks, power_nodes=nodes), [build.job("a", units=2, min_units=2)]
    )
    assert firm(problem, Plan({"a": {"r1": 1, "r2": 1}})).headroom_w == 24_000
