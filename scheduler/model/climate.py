"""From weather to coolant and air, and from watts to temperature.

Pure functions of the site. Temperatures are rounded up, what can be cooled is rounded down.
"""

from __future__ import annotations

from operator import itemgetter

from scheduler.model.site import NORMAL, Loop, Plant, Rack, RackType, Site, Weather
from scheduler.model.units import PERMILLE, ceil_div

DESIGN_DAY = "design"  # the only day of a site that lists no weather

# Coolant is PG25 (25 % propylene glycol): 1 kW at a rise of 10 K takes 1.52 L/min [D].
# 1000 W take 1520 mL/min * 10,000 mK, so 1 W takes 1520 * 10,000 / 1000 = 15,200 mL/min mK
# (which is 65.8 W per L/min and kelvin).
MLPM_MK_PER_W = 15_200

STAGNANT_MK = 1_000_000  # rise of coolant that does not flow: 1000 K, hotter than any limit

DayValue = tuple[str, int]  # name of a day and the figure of that day


def facility_water_mc(plant: Plant, day: Weather) -> int:
    """Return the temperature of the facility water on `day`, in mC.

    ``max(water_set, wet bulb + approach)`` behind a tower, with the dry bulb behind a dry cooler.
    Tower approach 3 to 5 K [M], not below 2.2 to 2.8 K [T: ASHRAE tower text]; dry cooler 6 to
    8 K [S].
    """
    air_mc = day.wet_bulb_mc if plant.heat_rejection == "tower" else day.dry_bulb_mc
    return max(plant.water_set_mc, air_mc + plant.approach_mk)


def loop_supply_mc(site: Site, loop: Loop) -> tuple[DayValue, ...]:
    """Return the supply temperature of `loop` on every day, in mC.

    ``max(supply, facility water + approach)``; without any weather there is one day, ``design``,
    at the loop's own supply. Approach of a CDU: 3 to 5 K [S].
    """
    if not site.weather:
        return ((DESIGN_DAY, loop.supply_mc),)
    return tuple(
        (day.name, max(loop.supply_mc, facility_water_mc(site.plant, day) + loop.approach_mk))
        for day in site.weather
    )


def hottest_supply_mc(site: Site, loop: Loop) -> DayValue:
    """Return the day with the hottest supply of `loop` (the first of equals) and the supply."""
    return max(loop_supply_mc(site, loop), key=itemgetter(1))


def air_capacity_w(plant: Plant, rated_w: int, day: Weather) -> int:
    """Return the air heat that can be removed on `day`, rounded down.

    ``rated * (1 - derate * max(0, dry bulb - rating point))``, never below 0.
    Derating 0.7 % per kelvin [T: -2 % per 5 F of condensing temperature].
    """
    above_mk = max(0, day.dry_bulb_mc - plant.air_rating_mc)
    whole = PERMILLE * 1000  # permille per kelvin times milli-kelvin
    return max(0, rated_w * (whole - plant.air_derate_permille_per_k * above_mk) // whole)


def least_air_capacity_w(site: Site, rated_w: int) -> DayValue:
    """Return the day with the least air cooling (the first of equals) and what is left of it."""
    if not site.weather:
        return DESIGN_DAY, rated_w
    days = [(day.name, air_capacity_w(site.plant, rated_w, day)) for day in site.weather]
    return min(days, key=itemgetter(1))


def coolant_rise_mk(heat_w: int, flow_mlpm: int) -> int:
    """Return by how much `heat_w` warms a flow of coolant, rounded up: ``heat / (flow * c)``."""
    if flow_mlpm <= 0:
        return STAGNANT_MK if heat_w > 0 else 0
    return ceil_div(heat_w * MLPM_MK_PER_W, flow_mlpm)


def coolant_heat_w(rise_mk: int, flow_mlpm: int) -> int:
    """Return the heat that a flow of coolant carries at `rise_mk`, rounded down."""
    return rise_mk * flow_mlpm // MLPM_MK_PER_W


def air_permille(rack: Rack, rack_type: RackType) -> int:
    """Return the share of the rack's heat that goes into the room: all of it without a loop."""
    return PERMILLE if rack.loop is None else PERMILLE - rack_type.liquid_permille


def coolant_mc(site: Site, rack: Rack) -> DayValue:
    """Return the temperature of what cools the rack's GPUs when it is hottest, in mC, and when.

    The hottest supply of the rack's loop; where GPUs are cooled by air, the inlet limit of the
    hall, which holds in any weather.
    """
    if rack.loop is None or site.type_of(rack).liquid_permille == 0:
        return NORMAL.name, site.halls[rack.hall].inlet_limit_mc
    return hottest_supply_mc(site, site.loops[rack.loop])
