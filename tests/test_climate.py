"""Weather to coolant and air; watts to heat and temperature."""

from __future__ import annotations

from dataclasses import replace

from scheduler.model import Plant, Weather
from scheduler.model.climate import (
    DESIGN_DAY,
    air_capacity_w,
    air_permille,
    coolant_heat_w,
    coolant_mc,
    coolant_rise_mk,
    facility_water_mc,
    hottest_supply_mc,
    least_air_capacity_w,
    loop_supply_mc,
)
from tests.build import rack, rack_type, site

HOT = Weather(name="hot", dry_bulb_mc=36_000, wet_bulb_mc=26_000)
MILD = Weather(name="mild", dry_bulb_mc=20_000, wet_bulb_mc=12_000)


def test_tower_follows_the_wet_bulb() -> None:
    # 26 + 4 = 30 C; on the mild day 12 + 4 = 16 C, but never colder than the set point of 20 C
    assert facility_water_mc(Plant(), HOT) == 30_000
    assert facility_water_mc(Plant(), MILD) == 20_000


def test_dry_cooler_follows_the_dry_bulb() -> None:
    # 36 + 7 = 43 C; 20 + 7 = 27 C
    plant = Plant(heat_rejection="dry", approach_mk=7_000)
    assert facility_water_mc(plant, HOT) == 43_000
    assert facility_water_mc(plant, MILD) == 27_000


def test_loop_supply_is_the_hotter_of_its_own_and_facility_water_plus_approach() -> None:
    on = site(weather=(MILD, HOT))
    # mild: max(30, 20 + 4) = 30 C; hot: max(30, 30 + 4) = 34 C
    assert loop_supply_mc(on, on.loops["loop1"]) == (("mild", 30_000), ("hot", 34_000))
    assert hottest_supply_mc(on, on.loops["loop1"]) == ("hot", 34_000)


def test_no_weather_is_one_design_day() -> None:
    assert loop_supply_mc(site(), site().loops["loop1"]) == ((DESIGN_DAY, 30_000),)
    assert least_air_capacity_w(site(), 100_000) == (DESIGN_DAY, 100_000)


def test_the_first_of_equally_hot_days_is_named() -> None:
    on = site(weather=(MILD, replace(MILD, name="cold", wet_bulb_mc=0)))
    assert hottest_supply_mc(on, on.loops["loop1"]) == ("mild", 30_000)
    assert least_air_capacity_w(on, 5) == ("mild", 5)


def test_air_cooling_is_derated_above_the_rating_point_and_rounded_down() -> None:
    # 38 C is 3 K above 35 C: 1 - 0.007 * 3 = 0.979; 1001 W * 0.979 = 979.979 W
    assert air_capacity_w(Plant(), 1001, replace(HOT, dry_bulb_mc=38_000)) == 979
    assert air_capacity_w(Plant(), 1001, replace(HOT, dry_bulb_mc=35_000)) == 1001
    # half a kelvin counts: 1 - 0.0035 = 0.9965; 100,000 W -> 99,650 W
    assert air_capacity_w(Plant(), 100_000, replace(HOT, dry_bulb_mc=35_500)) == 99_650
    # 200 K above would be less than nothing
    assert air_capacity_w(Plant(), 1001, replace(HOT, dry_bulb_mc=235_000)) == 0


def test_the_day_with_least_air_cooling_binds() -> None:
    on = site(weather=(MILD, HOT))
    # 36 C is 1 K above 35 C: 100 kW * 0.993
    assert least_air_capacity_w(on, 100_000) == ("hot", 99_300)


def test_one_kilowatt_of_pg25_at_ten_kelvin_takes_1520_millilitres_a_minute() -> None:
    assert coolant_rise_mk(1_000, 1_520) == 10_000
    assert coolant_heat_w(10_000, 1_520) == 1_000
    # rise up, heat down: 1000 * 15,200 / 1521 = 9993.4 mK; 10,000 * 1519 / 15,200 = 999.3 W
    assert coolant_rise_mk(1_000, 1_521) == 9_994
    assert coolant_heat_w(10_000, 1_519) == 999
    # a supply above the return limit leaves less than nothing: -1 * 1520 / 15,200 = -0.1 W
    assert coolant_heat_w(-1, 1_520) == -1


def test_coolant_that_stands_still_is_hotter_than_any_limit() -> None:
    assert coolant_rise_mk(1, 0) == 1_000_000
    assert coolant_rise_mk(0, 0) == 0


def test_heat_that_enters_no_loop_enters_the_room() -> None:
    assert air_permille(rack("r"), rack_type(liquid_permille=870)) == 130
    assert air_permille(rack("r", loop=None), rack_type(liquid_permille=870)) == 1000


def test_air_cooled_gpus_see_the_inlet_limit_whatever_the_weather() -> None:
    on = site([rack("wet"), rack("dry", loop=None)], weather=(HOT,))
    assert coolant_mc(on, on.racks["wet"]) == ("hot", 34_000)
    assert coolant_mc(on, on.racks["dry"]) == ("normal", 27_000)
    cooled_by_air = replace(on, rack_types={"hgx": rack_type(liquid_permille=0)})
    assert coolant_mc(cooled_by_air, on.racks["wet"]) == ("normal", 27_000)
