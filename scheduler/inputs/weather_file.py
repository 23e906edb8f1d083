"""Hourly temperatures: a CSV table with the dry and the wet bulb of every hour."""

from __future__ import annotations

from pathlib import Path

from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.inputs.tables import Table, read_table
from scheduler.model import Weather
from scheduler.model.units import round_up

COLUMNS = ("time", "dry_bulb_c", "wet_bulb_c")
NEEDED = COLUMNS[1:]
MOST_HOURS = 200_000  # more than 20 years
COLDEST_C, HOTTEST_C = -80.0, 60.0


def read_weather(path: Path) -> tuple[Weather, ...]:
    """Read hours from a table with the columns dry_bulb_c and wet_bulb_c; a time is not used.

    Raises
    ------
    InputError
        With every mistake: no hours, no number, an impossible temperature.
    """
    mistakes = Mistakes()
    table = read_table(path, COLUMNS, mistakes, required=NEEDED)
    hours: list[Weather] = []
    if table is not None:
        for number in range(min(len(table.rows), MOST_HOURS)):
            dry, wet = (_celsius(table, number, column, mistakes) for column in NEEDED)
            if wet > dry:
                expected = f"at most the dry bulb, {dry:g} °C"
                mistakes.add(table, (number, NEEDED[1]), expected, Plain(f"{wet:g} °C"))
            hours.append(
                Weather(
                    name=f"hour {number}",
                    dry_bulb_mc=round_up(dry, 1000),
                    wet_bulb_mc=round_up(wet, 1000),
                )
            )
        if not hours:
            mistakes.add(table, (), "at least one hour", Plain("none"))
        if len(table.rows) > MOST_HOURS:
            got = Plain(f"{len(table.rows)}")
            mistakes.add(table, (MOST_HOURS,), f"at most {MOST_HOURS} hours", got)
    mistakes.raise_if_any()
    return tuple(hours)


def _celsius(table: Table, number: int, column: str, mistakes: Mistakes) -> float:
    """Return the temperature in a cell; 0 after a mistake."""
    cell = table.rows[number].get(column)
    try:
        value = float(cell) if cell is not None else None
    except ValueError:
        value = None
    if value is not None and COLDEST_C <= value <= HOTTEST_C:
        return value
    expected = f"a temperature from {COLDEST_C:g} to {HOTTEST_C:g} °C"
    mistakes.add(table, (number, column), expected, cell)
    return 0.0
