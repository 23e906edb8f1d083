"""Air heat of halls."""

from __future__ import annotations

from typing import Any

from scheduler.model import BaseLoad, Hall, Plan, Site, Weather
from scheduler.terms.air_cooling import AirCooling
from tests.build import job, problem, rack, rack_type, site
from tests.thermal import assert_load_never_helps, assert_views_agree, compiled_rows

TERM = AirCooling()
HOT = Weather(name="hot", dry_bulb_mc=38_000, wet_bulb_mc=26_000)
MILD = Weather(name="mild", dry_bulb_mc=20_000, wet_bulb_mc=12_000)


def hall(name: str = "H", air_cooling_w: int | None = 10_000) -> Hall:
    """A hall that removes 10 kW of air heat."""
    return Hall(name=name, supply_mc=22_000, inlet_limit_mc=27_000, air_cooling_w=air_cooling_w)


def ground(**fields: Any) -> Site:
    """Two racks in one hall that limits its air heat."""
    return site(**{"halls": {"H": hall()}, **fields})


def test_air_share_idle_power_and_base_loads_add_up() -> None:
    on = ground(
        rack_types={"hgx": rack_type(idle_w=1_003, liquid_permille=850)},
        base_loads=(
            BaseLoad(name="net", hall="H", feeds=("ups1",), power_w=2_000),
            BaseLoad(name="far", hall="I", feeds=("ups1",), power_w=900_000),
        ),
        halls={"H": hall(), "I": hall("I", None)},
    )
    case = problem(on, jobs=[job("a", units=3)])
    (found,) = TERM.explain(case, Plan({"a": {"r1": 2, "r2": 1}}))
    # a: 8 * (16,000 - 1,003) / 16 = 7,498.5 -> 7,499 W; 15 % = 1,124.85 -> 1,125 W; 3 units
    # idle: 15 % of 1,003 = 150.45 -> 151 W, two racks
    assert found.amount == 3 * 1_125 + 2 * 151 + 2_000
    assert (found.subject, found.limit, found.state) == ("H", 10_000, "design")
    assert found.jobs == ("a",)


def test_the_hottest_day_derates() -> None:
    case = problem(ground(weather=(MILD, HOT)), jobs=[job("a", units=2)])
    plan = Plan({"a": {"r1": 2}})
    (found,) = TERM.explain(case, plan)
    # 3 K above the rating point: 10,000 * (1 - 0.021) = 9,790 W; heat 2 x 8,000 x 0.2 = 3,200 W
    assert (found.amount, found.limit, found.state) == (3_200, 9_790, "hot")
    assert compiled_rows(TERM, case, plan) == [("H", "hot", "W", 3_200, 9_790)]


def test_a_rack_without_a_loop_gives_all_its_heat_to_the_room() -> None:
    on = ground(racks=[rack("wet"), rack("air", loop=None)])
    case = problem(on, jobs=[job("a", units=2)])
    plan = Plan({"a": {"wet": 1, "air": 1}})
    (found,) = TERM.explain(case, plan)
    assert found.amount == 1_600 + 8_000  # 20 % of 8 kW on the loop, all of 8 kW without
    assert compiled_rows(TERM, case, plan) == [("H", "design", "W", 9_600, 10_000)]


def test_the_message_of_a_broken_limit() -> None:
    case = problem(ground(halls={"H": hall(air_cooling_w=1_500)}), jobs=[job("a")])
    (found,) = TERM.explain(case, Plan({"a": {"r1": 1}}))
    assert found.violation == 100  # 1,600 - 1,500 W
    assert "1,600 W" in found.message
    assert "106.7 %" in found.message


def test_no_air_cooling_left_is_told_without_dividing_by_it() -> None:
    case = problem(ground(halls={"H": hall(air_cooling_w=0)}), jobs=[job("a")])
    (found,) = TERM.explain(case, Plan({"a": {"r1": 1}}))
    assert "more than 100 %" in found.message


def test_applies_only_where_a_hall_limits_air_heat() -> None:
    assert TERM.applies(problem(ground()))
    assert not TERM.applies(problem())


def test_views_agree() -> None:
    assert_views_agree(TERM)


def test_load_never_helps() -> None:
    assert_load_never_helps(TERM)
