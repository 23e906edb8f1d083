"""Cooling written out: liquid loops with their CDUs, and the air of every hall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby

from scheduler.inputs.climate import pue_permille
from scheduler.inputs.expand_layout import ArrayPlan, HallPlan
from scheduler.inputs.hall_file import LoopFile
from scheduler.inputs.mistakes import Loc, Mistakes, Place, Plain
from scheduler.inputs.quantities import watts_down
from scheduler.inputs.recirculation import recirculation
from scheduler.model import Hall, Loop, Plant, Weather
from scheduler.model.climate import facility_water_mc
from scheduler.model.units import PERMILLE, ceil_div, exact, part, round_down, round_up

FLOW_LPM_PER_KW = Fraction(3, 2)  # [S] OCP: 1.5 L/min per kW for 10 K


def loops(hall: HallPlan) -> Iterator[tuple[Loop, tuple[str, ...]]]:
    """Yield the loops of a hall with the names of the arrays that they serve.

    Arrays of the same kind share a loop, `LoopFile.per` of them each; air-cooled ones have none.
    """
    file = hall.file.cooling.loop
    liquid = [array for array in hall.arrays if array.type.liquid_permille]
    number = 0
    for _, alike in groupby(liquid, key=lambda array: array.entry):
        arrays = list(alike)
        for first in range(0, len(arrays), file.per):
            served = arrays[first : first + file.per]
            number += 1
            name = f"{hall.name}-L{number}"
            yield _loop(name, hall.name, file, served), tuple(a.name for a in served)


def _loop(name: str, hall: str, file: LoopFile, arrays: Sequence[ArrayPlan]) -> Loop:
    """Return a loop: the CDUs given, or as many as carry nameplate heat and design flow."""
    unit_w = watts_down(file.cdu_kw)
    flow = exact(file.cdu_kw) * FLOW_LPM_PER_KW if file.flow_lpm is None else exact(file.flow_lpm)
    unit_flow_mlpm = round_down(flow, 1000)
    heat_w = sum(part(each.nameplate_w, each.type.liquid_permille) for each in arrays)
    flow_mlpm = sum(len(each.seats) * each.type.flow_mlpm for each in arrays)
    need = max(ceil_div(heat_w, unit_w), ceil_div(flow_mlpm, unit_flow_mlpm))
    spare = {"N": 0, "N+1": 1, "2N": need}[file.redundancy]
    units = need + spare
    if file.cdus is not None:
        units = file.cdus
        spare = {"N": 0, "N+1": 1, "2N": units // 2}[file.redundancy]
    return Loop(
        name=name,
        hall=hall,
        units=units,
        spare_units=spare,
        unit_w=unit_w,
        unit_flow_mlpm=unit_flow_mlpm,
        supply_mc=round_up(file.supply_c, 1000),
        approach_mk=round_up(file.approach_c, 1000),
        return_limit_mc=round_down(file.return_limit_c, 1000),
    )


def check_loops(hall: HallPlan, place: Place, mistakes: Mistakes) -> None:
    """Add what is wrong with the loops of a hall."""
    file, loc = hall.file.cooling.loop, ("halls", hall.index, "cooling", "loop")
    if file.cdus is not None and file.cdus < 2 and file.redundancy != "N":
        expected = f"at least 2 CDUs with redundancy {file.redundancy}"
        mistakes.add(place, (*loc, "cdus"), expected, file.cdus)
    if file.return_limit_c <= file.supply_c:
        expected = f"> {file.supply_c:g} °C, the supply"
        mistakes.add(place, (*loc, "return_limit_c"), expected, file.return_limit_c)


def check_air(hall: Hall, loc: Loc, place: Place, mistakes: Mistakes) -> None:
    """Add an inlet limit that the supply alone exceeds, entries left out included."""
    if hall.inlet_limit_mc <= hall.supply_mc:
        expected = f"> {hall.supply_mc / 1000:.3f} °C: supply and small recirculation"
        got = Plain(f"{hall.inlet_limit_mc / 1000:g} °C")
        mistakes.add(place, (*loc, "inlet_limit_c"), expected, got)


def hall_air(hall: HallPlan, basis: str) -> Hall:
    """Return the hall with its recirculation matrix; the supply covers the entries left out."""
    air = hall.file.cooling.air
    matrix = recirculation(hall.arrays, air.containment, basis)
    return Hall(
        name=hall.name,
        supply_mc=round_up(air.supply_c, 1000) + matrix.raise_mk,
        inlet_limit_mc=round_down(air.inlet_limit_c, 1000),
        recirculation=matrix.entries,
        air_cooling_w=None if air.capacity_kw is None else watts_down(air.capacity_kw),
    )


def default_pue_permille(
    halls: Sequence[HallPlan], plant: Plant, weather: Sequence[Weather]
) -> int:
    """Return the PUE of the site on its design day with every rack at its observed peak."""
    liquid_w = 0
    air_w: dict[int, int] = {}
    for hall in halls:
        supply_mc = round_up(hall.file.cooling.air.supply_c, 1000)
        for array in hall.arrays:
            in_loop_w = array.observed_peak_w * array.type.liquid_permille // PERMILLE
            liquid_w += in_loop_w
            air_w[supply_mc] = air_w.get(supply_mc, 0) + array.observed_peak_w - in_loop_w
    by_supply = [(heat_w, supply_mc) for supply_mc, heat_w in air_w.items()]
    return pue_permille(liquid_w, by_supply, facility_water_mc(plant, weather[0]))
