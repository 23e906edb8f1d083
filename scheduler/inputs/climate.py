"""Weather, plant and the default PUE."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from scheduler.inputs.quantities import permille_up
from scheduler.inputs.site_file import AmbientFile, PlantFile
from scheduler.model import Plant, Weather
from scheduler.model.climate import DESIGN_DAY
from scheduler.model.units import exact, round_down, round_up

APPROACH_C = {"tower": 4.0, "dry": 7.0}  # tower [M] 3 to 5 K, dry [S] 6 to 8 K

# Losses between the grid and the rack: transformer [S], UPS and distribution [M].
EFFICIENCY = Fraction(99, 100) * Fraction(97, 100) * Fraction(99, 100)
LIQUID_PUMPS = Fraction(25, 1000)  # [A] of the heat moved: pumps and tower fans, 0.02 to 0.03
AIR_FANS = Fraction(50, 1000)  # [A] of the heat moved, 0.04 to 0.06
REST = Fraction(10, 1000)  # [A] of the IT power


def weather(ambient: AmbientFile) -> tuple[Weather, ...]:
    """Return the design day and the hot days."""
    design = _day(DESIGN_DAY, ambient.dry_bulb_c, ambient.wet_bulb_c)
    hot = (_day(day.name, day.dry_bulb_c, day.wet_bulb_c) for day in ambient.hot_days)
    return (design, *hot)


def _day(name: str, dry_bulb_c: float, wet_bulb_c: float) -> Weather:
    return Weather(
        name=name, dry_bulb_mc=round_up(dry_bulb_c, 1000), wet_bulb_mc=round_up(wet_bulb_c, 1000)
    )


def plant(file: PlantFile) -> Plant:
    """Return the plant in base units."""
    approach_c = APPROACH_C[file.heat_rejection] if file.approach_c is None else file.approach_c
    return Plant(
        heat_rejection=file.heat_rejection,
        approach_mk=round_up(approach_c, 1000),
        water_set_mc=round_up(file.water_set_c, 1000),
        air_derate_permille_per_k=permille_up(file.air_derate),
        air_rating_mc=round_down(file.air_rating_c, 1000),
    )


def cop(supply_c: Fraction) -> Fraction:
    """Return the chiller's heat over power: ``0.0068 T^2 + 0.0008 T + 0.458``.

    Supply air ``T`` in degrees Celsius; Moore et al. 2005, HP Utility Data Center [T].
    """
    return exact(0.0068) * supply_c**2 + exact(0.0008) * supply_c + exact(0.458)


def pue_permille(liquid_w: int, air_w_by_supply: Sequence[tuple[int, int]], free_water: int) -> int:
    """Return facility power over IT power on the design day, rounded up.

    ``1 / efficiency + rest + liquid * pumps + sum air * (chiller / COP(supply) + fans)``, with
    ``liquid`` and ``air`` as shares of all heat. Loops take the facility water as it is; air needs
    the chiller wherever that water is warmer than the supply air.

    Parameters
    ----------
    liquid_w
        Heat that goes into loops.
    air_w_by_supply
        Air heat in watts and supply air in milli-degrees, one entry for each supply.
    free_water
        Facility water without chillers in milli-degrees.
    """
    heat_w = liquid_w + sum(air_w for air_w, _ in air_w_by_supply)
    pue = 1 / EFFICIENCY + REST
    if heat_w:
        pue += Fraction(liquid_w, heat_w) * LIQUID_PUMPS
        for air_w, supply_mc in air_w_by_supply:
            is_chilled = free_water > supply_mc
            chiller = 1 / cop(Fraction(supply_mc, 1000)) if is_chilled else Fraction(0)
            pue += Fraction(air_w, heat_w) * (chiller + AIR_FANS)
    return round_up(pue, 1000)
