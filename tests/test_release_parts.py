"""The parts of a release: choices, bounds by counting, notice, places, changed sites."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.check import check
from scheduler.model import BaseLoad, Level, Plan, Problem
from scheduler.questions.release import running as running_now
from scheduler.questions.release.candidates import Scoring, best_sets, candidates
from scheduler.questions.release.changed import switched_off, with_ceiling, with_held
from scheduler.questions.release.cover import cheapest_choice, cheapest_cover, step_of
from scheduler.questions.release.goal import Goal, mistakes
from scheduler.questions.release.least_moves import (
    fewest,
    least_for_domains,
    least_for_gpus,
    least_for_watts,
)
from scheduler.questions.release.measure import changes, free_by_rack, gpus_left, peak_draw_w
from scheduler.questions.release.notice import ending_of
from scheduler.questions.release.places import racks_of
from scheduler.questions.release.refill import refilled
from scheduler.questions.release.running import pinned, running
from scheduler.questions.release.stops import stopped
from tests import build

OPTION = st.tuples(st.integers(0, 20), st.integers(0, 9))
GROUPS = st.lists(st.lists(OPTION, max_size=3), max_size=5)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(GROUPS, st.integers(1, 25))
def test_the_cheapest_choice_is_the_cheapest(
    groups: list[list[tuple[int, int]]], target: int
) -> None:
    every = product(*([None, *range(len(group))] for group in groups))
    costs = [
        sum(groups[i][option][0] for i, option in enumerate(choice) if option is not None)
        for choice in every
        if sum(groups[i][option][1] for i, option in enumerate(choice) if option is not None)
        >= target
    ]
    found = cheapest_choice(groups, target)
    assert (found is None) == (not costs)
    if found is not None:
        cost, choice = found
        chosen = [groups[i][option] for i, option in enumerate(choice) if option is not None]
        assert cost == min(costs) == sum(cost for cost, _ in chosen)
        assert sum(amount for _, amount in chosen) >= target


def test_a_cover_names_its_members() -> None:
    # 4 + 3 reach 7 for 9; 5 + 4 cost 11; 5 + 3 cost 10.
    assert cheapest_cover([6, 5, 4], [5, 4, 3], 7) == (9, (1, 2))
    assert cheapest_cover([6, 5, 4], [5, 4, 3], 13) is None


def test_steps_keep_the_table_small() -> None:
    assert step_of(30, 5) == 1
    assert step_of(40_001, 5) == 2
    assert step_of(30_000_000, 30_000) == 30_000  # 1,000 steps x 30,000 groups


def test_fewest_takes_the_richest_first_and_the_last_in_part() -> None:
    # 4 GPUs give 40, then 10 of the 20 that 8 GPUs give: 4 + 4.
    pieces = [(Fraction(8), Fraction(20)), (Fraction(4), Fraction(40)), (Fraction(1), Fraction(0))]
    assert fewest(pieces, 50) == 8
    assert fewest(pieces, 1000) == 12


def hungry_and_thrifty() -> tuple[Problem, Plan]:
    """A training job of 2 nodes on r1 and a firm contract of 1 node on r2, 1 kW a GPU."""
    problem = build.problem(
        jobs=[build.job("train", units=2), build.job("small", gpus_per_unit=4)],
        contracts=[build.contract("deal", tenant="x")],
    )
    return problem, Plan({"train": {"r1": 2}, "deal": {"r2": 1}, "small": {"r2": 1}})


def test_watts_need_as_many_gpus_as_the_hungriest_that_may_stop() -> None:
    problem, plan = hungry_and_thrifty()
    # Every GPU draws 1 kW; the contract may only move, to the same draw: 9 kW are 9 GPUs.
    assert least_for_watts(problem, plan, 9_000) == 9
    # All that may stop are 16 + 4 GPUs; more is not to be had, the bound stays there.
    assert least_for_watts(problem, plan, 24_000) == 20


def test_nodes_need_what_lies_on_the_emptiest_of_them() -> None:
    problem, plan = hungry_and_thrifty()
    # One node of r2 holds 4 GPUs, the other nodes 8 each: 8 GPUs free cost 4, 16 cost 4 + 8.
    assert least_for_gpus(problem, plan, 8) == 4
    assert least_for_gpus(problem, plan, 16) == 12
    assert least_for_gpus(problem, plan, 8, ("h200",)) == 0


def test_domains_are_chosen_whole() -> None:
    # 16 GPUs: the second and the third hold 3 + 4 GPUs of work; the first alone holds 9.
    assert least_for_domains([9, 3, 4], [16, 8, 8], 16) == 7


@pytest.mark.parametrize(
    ("fields", "within", "may_end", "short", "cost_usd"),
    [
        ({"notice_days": 90}, 90, True, 0, 0),
        ({"notice_days": 90}, 89, False, 1, 384),  # 8 GPUs x 2 $ x 24 h x 1 day
        ({"notice_days": 90, "firm": False}, 30, False, 60, 23_040),
        ({"firm": False}, 0, True, 0, 0),
        ({}, 1000, False, None, None),
        ({"term_days": 30}, 10, False, 20, 7_680),
        ({"term_days": 30}, 40, False, 0, 0),  # begins at an unknown day: it may not end
    ],
)
def test_notice_decides_what_may_end(
    fields: dict[str, int], within: int, may_end: bool, short: int | None, cost_usd: int | None
) -> None:
    ending = ending_of(build.contract("deal", **fields), within)
    assert (ending.may_end, ending.short_days) == (may_end, short)
    assert ending.cost_mills == (None if cost_usd is None else cost_usd * 1000)
    assert ("may end" in ending.words) == may_end


def test_what_runs_is_all_that_may_run() -> None:
    problem = build.problem(
        jobs=[build.job("a", units=4, min_units=1), build.job("waits")],
        contracts=[
            build.contract("soft", tenant="x", firm=False, notice_days=30),
            build.contract("idle", tenant="y", firm=False),
            build.contract("owed", tenant="z"),
        ],
    )
    run = running(problem, Plan({"a": {"r1": 2}, "soft": {"r2": 1}}), within_days=7)
    assert (run.jobs["a"].units, run.jobs["a"].min_units) == (2, 1)
    assert set(run.jobs) == {"a", "soft"}
    assert run.jobs["soft"].firm  # its notice is longer than a week
    assert not running(problem, Plan({"soft": {"r2": 1}}), 30).jobs["soft"].firm


def test_what_is_pinned_stays_on_its_racks_or_in_its_arrays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, plan = hungry_and_thrifty()
    jobs = pinned(problem, plan, {"small"}).jobs
    assert (jobs["train"].within, jobs["deal"].within, jobs["small"].within) == (
        ("r1",),
        ("r2",),
        (),
    )
    monkeypatch.setattr(running_now, "MOST_SINGLE_RACKS", 1)
    assert pinned(problem, plan, {"small"}).jobs["train"].within == ("A",)


def test_places_are_halls_pods_arrays_racks_loops_and_power_nodes() -> None:
    racks = [
        build.rack("r1", array="A"),
        build.rack("r2", array="B", feeds=("ups2",), loop=None),
    ]
    site = build.site(racks)
    assert racks_of(site, "H") == racks_of(site, "P") == racks_of(site, "ups2") == ("r1", "r2")
    assert racks_of(site, "B") == racks_of(site, "r2") == ("r2",)
    assert racks_of(site, "ups1") == racks_of(site, "loop1") == ("r1",)


def test_every_mistake_in_a_goal_is_told() -> None:
    problem, _ = hungry_and_thrifty()
    goal = Goal(tenant="y", domain="Q", within_days=-1, contiguous=Level.POD, gpu_types=("gb",))
    text = "\n".join(mistakes(problem, goal))
    for part in ("expected one of", "--within", "--contiguous: expected array", "'y'", "'Q'"):
        assert part in text
    assert "--gpu-type: expected with --gpus" in text
    assert list(mistakes(problem, Goal(gpus=8, contiguous=Level.ARRAY))) == []


def test_a_ceiling_carries_all_that_the_site_draws() -> None:
    problem, plan = hungry_and_thrifty()
    load = BaseLoad(name="switches", hall="H", feeds=("ups1",), power_w=1_000)
    problem = replace(problem, site=replace(problem.site, base_loads=(load,)))
    drawn_w = peak_draw_w(problem, plan)
    assert drawn_w == 29_000  # 16 + 8 + 4 GPUs and the switches
    assert check(with_ceiling(problem, drawn_w), plan).checked
    assert check(with_ceiling(problem, drawn_w - 1), plan).violation == 1


def test_a_rack_that_is_off_draws_nothing_and_takes_nothing() -> None:
    on = build.site(rack_types={"hgx": build.rack_type(idle_w=2_000)})
    problem = build.problem(on, jobs=[build.job("a")])
    off = switched_off(problem, ["r1"])
    assert peak_draw_w(problem, Plan({})) == 4_000
    assert peak_draw_w(off, Plan({})) == 2_000
    assert not check(off, Plan({"a": {"r1": 1}})).checked
    assert check(off, Plan({"a": {"r2": 1}})).checked


def test_free_nodes_are_whole_and_nobody_elses() -> None:
    racks = [build.rack(f"r{i}", array="A" if i < 3 else "B") for i in (1, 2, 3, 4)]
    owner = build.tenant("x", isolation=Level.ARRAY)
    problem = build.problem(
        build.site(racks),
        jobs=[build.job("small", gpus_per_unit=4)],
        tenants=[owner],
        contracts=[build.contract("deal", tenant="x")],
    )
    plan = Plan({"deal": {"r1": 1}, "small": {"r3": 1}})
    # Array A is kept by x; of B one node of r3 is in use.
    assert free_by_rack(problem, plan) == {"r3": 8, "r4": 16}
    assert free_by_rack(problem, plan, level=Level.ARRAY) == {}
    assert free_by_rack(problem, Plan({"deal": {"r1": 1}}), level=Level.ARRAY) == {
        "r3": 16,
        "r4": 16,
    }


def test_a_reservation_holds_what_is_given_back_for_nothing() -> None:
    problem, plan = hungry_and_thrifty()
    held = with_held(problem, 8, 8, ("h100",), Level.HOST)
    empty = check(problem, Plan({}))
    with_it = check(held, Plan({"released": {"r1": 1}}))
    assert (with_it.violation, with_it.margin_mills) == (0, empty.margin_mills)
    assert check(held, plan).unmet_firm_gpus == check(problem, plan).unmet_firm_gpus + 8


def test_changes_tell_moves_from_stops() -> None:
    problem, plan = hungry_and_thrifty()
    after = Plan({"train": {"r1": 1, "r2": 1}, "deal": {"r2": 1}})
    found = {each.job: (each.left, each.moved, each.stopped) for each in changes(plan, after)}
    assert found == {"train": (1, 1, 0), "small": (1, 0, 1)}
    assert gpus_left(problem, plan, after) == 12


def test_the_cheapest_work_stops_and_elastic_work_in_part() -> None:
    problem = build.problem(
        jobs=[
            build.job("cheap", value_mills_per_gpu_h=500, units=2, min_units=1),
            build.job("dear", value_mills_per_gpu_h=3_000),
        ]
    )
    plan = Plan({"cheap": {"r1": 2}, "dear": {"r2": 1}})

    def given_back(other: Plan) -> int:
        return peak_draw_w(problem, plan) - peak_draw_w(problem, other)

    some = stopped(problem, plan, 8_000, given_back, in_watts=True, move_mills_per_gpu=0)
    assert some.units == {"cheap": {"r1": 1}, "dear": {"r2": 1}}
    more = stopped(problem, plan, 8_001, given_back, in_watts=True, move_mills_per_gpu=0)
    assert more.units == {"dear": {"r2": 1}}


def test_what_must_leave_a_rack_evicts_what_earns_less() -> None:
    problem = build.problem(
        jobs=[
            build.job("cheap", value_mills_per_gpu_h=500),
            build.job("dear", value_mills_per_gpu_h=3_000, units=2),
        ]
    )
    plan = Plan({"dear": {"r1": 2}, "cheap": {"r2": 1}})
    racks = {**problem.site.racks, "r1": replace(problem.site.racks["r1"], drained=True)}
    drained = replace(problem, site=replace(problem.site, racks=racks))
    assert refilled(drained, plan, 0, 10.0, lambda same: same).units == {"dear": {"r2": 2}}
    # At 10 $ for every GPU that leaves, making room is dearer than stopping.
    assert refilled(drained, plan, 10_000, 10.0, lambda same: same).units == {"cheap": {"r2": 1}}


def test_sets_of_domains_are_enough_and_the_cheapest_comes_first() -> None:
    racks = [build.rack(f"r{i}", array=f"A{i}") for i in (1, 2, 3)]
    jobs = [build.job(f"j{i}", value_mills_per_gpu_h=i * 1000) for i in (1, 2, 3)]
    problem = build.problem(build.site(racks), jobs=jobs)
    plan = Plan({f"j{i}": {f"r{i}": 1} for i in (1, 2, 3)})
    domains = {f"A{i}": (f"r{i}",) for i in (1, 2, 3)}
    gives = dict.fromkeys(domains, 16)
    scoring = Scoring(problem, plan, 0, needed_gpus=24)
    found = candidates(problem, plan, domains, gives, scoring)
    assert [each.cost_mills for each in found] == [8_000, 16_000, 24_000]
    sets = best_sets(found, 32)
    assert [each.name for each in sets[0]] == ["A1", "A2"]
    assert all(sum(each.gives for each in chosen) >= 32 for chosen in sets)
    assert best_sets(found, 49) == []
