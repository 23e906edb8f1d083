"""GPU temperature against the slowdown limit."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from kernels.forms import AssignmentCost
from scheduler.model import Kind, Plan, Problem, Weather
from scheduler.terms.gpu_temperature import GpuTemperature
from tests.build import PROFILES, contract, job, problem, rack, rack_type, site
from tests.thermal import SEEDS, WARM, prohibited_units, random_case, terrain, with_one_more

TERM = GpuTemperature()
HOT = Weather(name="hot", dry_bulb_mc=36_000, wet_bulb_mc=26_000)
MILD = Weather(name="mild", dry_bulb_mc=20_000, wet_bulb_mc=12_000)

# A loaded default rack: 16 kW * 0.8 = 12.8 kW into 20 L/min: 12,800 * 15,200 / 20,000 = 9,728 mK,
# half of it 4,864 mK; 45 mK/W * 700 W = 31,500 mK; supply 30,000 mC: 66,364 mC in all.
DEFAULT_MC = 66_364


def case(slowdown_mc: int = 87_000, profile: str = "flat", **fields: Any) -> Problem:
    """One job on the default site whose GPUs slow down at `slowdown_mc`."""
    rack_fields = fields.pop("rack_type", {})
    types = {"hgx": rack_type(slowdown_mc=slowdown_mc, **rack_fields)}
    base = problem(site(rack_types=types, **fields), jobs=[job("a", profile=profile, units=2)])
    return replace(base, workload=replace(base.workload, profiles={**PROFILES, "warm": WARM}))


def assert_hottest_is(expected_mc: int, of: Problem, rack_name: str = "r1") -> None:
    """The GPU reaches exactly `expected_mc`: allowed at that slowdown, not a milli-kelvin below."""
    plan = Plan({"a": {rack_name: 2}})
    for slowdown_mc, units in ((expected_mc, {}), (expected_mc - 1, {("a", rack_name): 2})):
        types = {
            name: replace(kind, slowdown_mc=slowdown_mc)
            for name, kind in of.site.rack_types.items()
        }
        moved = replace(of, site=replace(of.site, rack_types=types))
        assert prohibited_units(TERM, moved, plan) == units
        assert {(f.jobs[0], f.subject): f.amount for f in TERM.explain(moved, plan)} == units


def test_supply_half_the_rise_and_the_cold_plate_add_up() -> None:
    assert_hottest_is(DEFAULT_MC, case())


def test_the_hottest_day_counts() -> None:
    # 26 + 4 + 4 = 34 C instead of 30 C
    assert_hottest_is(DEFAULT_MC + 4_000, case(weather=(MILD, HOT)))


def test_a_job_of_lower_peak_heats_less() -> None:
    # 90 + 337/1000 * 610 = 295.57 -> 296 W; 45 * (700 - 296) = 18,180 mK less
    assert_hottest_is(DEFAULT_MC - 18_180, case(profile="warm"))


def test_the_rise_follows_the_power_basis_and_is_rounded_up() -> None:
    # nameplate 20 kW * 0.8 = 16 kW into 19.999 L/min: 12,160.608 -> 12,161 mK, half 6,081 mK
    of = case(power_basis="nameplate", rack_type={"flow_mlpm": 19_999})
    assert_hottest_is(30_000 + 6_081 + 31_500, of)


def test_racks_without_liquid_take_the_inlet_limit_and_no_rise() -> None:
    # inlet limit 27 C + 31.5 K
    assert_hottest_is(58_500, case(racks=[rack("r1", loop=None)]))
    assert_hottest_is(58_500, case(rack_type={"liquid_permille": 0}))


def without_spare(lost: bool, units: int = 2) -> Problem:
    """Two racks that want 40 L/min in all from CDUs of 15 L/min each, none of them spare."""
    loop = replace(site().loops["loop1"], units=units, spare_units=0, unit_flow_mlpm=15_000)
    return case(loops={"loop1": loop}, failure_kinds=("cdu",) if lost else ())


def test_after_the_loss_of_a_cdu_what_flow_is_left_is_shared() -> None:
    # 3 CDUs of 15 L/min: 45 L/min are enough for 40; 2 CDUs give each rack 20 * 30 / 40 = 15 L/min.
    # 12,800 * 15,200 / 15,000 = 12,970.67 -> 12,971 mK, half of it 6,486 mK
    assert_hottest_is(DEFAULT_MC, without_spare(lost=False, units=3))
    assert_hottest_is(30_000 + 6_486 + 31_500, without_spare(lost=True, units=3))


def test_a_job_that_acts_is_cooler_after_the_loss_of_a_cdu() -> None:
    # shed: 45 * 90 W; cap to 0.4: 90 + 244 = 334 W. Both are cooler than before the loss.
    of = without_spare(lost=True, units=3)
    for action in ("shed", "cap"):
        jobs = {"a": replace(of.workload.jobs["a"], power_action=action)}
        moved = replace(of, workload=replace(of.workload, jobs=jobs))
        assert_hottest_is(DEFAULT_MC, moved)


def test_spare_cdus_and_the_loss_of_the_only_one_change_nothing() -> None:
    # 4 CDUs less one give 45 L/min, more than the design flow; a loop of one CDU is out of service
    assert_hottest_is(DEFAULT_MC, without_spare(lost=True, units=4))
    loop = replace(site().loops["loop1"], units=1, spare_units=0, unit_flow_mlpm=40_000)
    assert_hottest_is(DEFAULT_MC, case(loops={"loop1": loop}, failure_kinds=("cdu",)))


def test_a_finding_names_the_loss() -> None:
    of = without_spare(lost=True, units=3)
    types = {"hgx": rack_type(slowdown_mc=DEFAULT_MC)}
    of = replace(of, site=replace(of.site, rack_types=types))
    (found,) = TERM.explain(of, Plan({"a": {"r1": 2}}))
    assert (found.amount, found.state) == (2, "loss of loop1 on design")
    assert "68.0 °C" in found.message


def test_kinds_are_told_apart_by_type_loop_and_hall() -> None:
    base = site()
    loops = {
        **base.loops,
        "warm": replace(base.loops["loop1"], name="warm", supply_mc=40_000),
    }
    racks = [rack("r1"), rack("r2"), rack("r3", loop="warm")]
    types = {"hgx": rack_type(slowdown_mc=DEFAULT_MC)}
    of = problem(site(racks, loops=loops, rack_types=types), jobs=[job("a")])
    (form,) = TERM.compile(terrain(of))
    assert isinstance(form, AssignmentCost)
    assert form.kind_of_rack.tolist() == [0, 0, 1]
    assert form.allowed.tolist() == [[True, False]]


def test_a_finding_says_how_hot_and_how_many() -> None:
    (found,) = TERM.explain(case(slowdown_mc=65_000, weather=(HOT,)), Plan({"a": {"r2": 2}}))
    assert (found.kind, found.subject, found.jobs) == (Kind.LIMIT, "r2", ("a",))
    assert (found.amount, found.limit, found.unit, found.state) == (2, 0, "units", "hot")
    for words in ("70.4 °C", "65.0 °C", "34.0 °C", "700 W"):
        assert words in found.message


def test_a_rack_without_flow_is_no_place_for_work() -> None:
    of = case(rack_type={"flow_mlpm": 0})
    assert prohibited_units(TERM, of, Plan({"a": {"r1": 1}})) == {("a", "r1"): 1}
    assert len(list(TERM.explain(of, Plan({"a": {"r1": 1}})))) == 1


def test_work_inside_a_contract_heats_its_gpus_too() -> None:
    types = {"hgx": rack_type(slowdown_mc=65_000)}
    of = problem(site(rack_types=types), jobs=[job("in")], contracts=[contract("c")])
    assert prohibited_units(TERM, of, Plan({"in": {"r1": 1}})) == {("in", "r1"): 1}


def test_nothing_is_compiled_where_every_pair_is_cool_enough() -> None:
    assert list(TERM.compile(terrain(case()))) == []


@pytest.mark.parametrize("jobs", [[], [job("a")]])
def test_applies_where_something_is_to_be_placed(jobs: list[Any]) -> None:
    assert TERM.applies(problem(jobs=jobs)) == bool(jobs)


def test_views_agree() -> None:
    hot = cool = 0
    for seed in SEEDS:
        of, plan = random_case(seed)
        if not TERM.applies(of):
            continue
        found = list(TERM.explain(of, plan))
        units = {(f.jobs[0], f.subject): f.violation for f in found}
        assert units == prohibited_units(TERM, of, plan)
        assert len(found) == len(units)
        hot += len(units)
        cool += sum(1 for _ in plan.shards()) - len(units)
    assert min(hot, cool) > 20


def test_load_never_helps() -> None:
    for seed in SEEDS:
        of, plan = random_case(seed)
        if not of.jobs:
            continue
        rng = Random(-seed)
        more = with_one_more(plan, rng.choice(list(of.jobs)), rng.choice(list(of.site.racks)))
        before, after = (
            {(f.jobs[0], f.subject): f.amount for f in TERM.explain(of, each)}
            for each in (plan, more)
        )
        assert all(after.get(pair, 0) >= amount for pair, amount in before.items())
