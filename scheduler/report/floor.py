"""The floor: where every rack stands on the map, hall by hall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scheduler.model import Rack, Site

WIDEST = 40  # racks in one line of the map; a longer row goes on in the next line
SPARSE = 3  # positions may leave so many places for each rack, else racks stand side by side


@dataclass(frozen=True, slots=True)
class Seat:
    """A rack's place on the map of its hall, both counted from 0."""

    rack: str
    column: int
    line: int


@dataclass(frozen=True, slots=True)
class HallFloor:
    """A hall as lines of racks."""

    name: str
    columns: int
    lines: int
    seats: tuple[Seat, ...]


def floor_of(site: Site) -> tuple[HallFloor, ...]:
    """Return the halls that hold racks, in order of the site.

    A row of the hall is a line; its racks stand at their positions, or side by side where
    positions say nothing. In a hall without rows every array is a line.
    """
    inside: dict[str, list[Rack]] = {}
    for rack in site.racks.values():
        inside.setdefault(rack.hall, []).append(rack)
    return tuple(_hall(name, inside[name]) for name in inside)


def _hall(name: str, racks: list[Rack]) -> HallFloor:
    seats = list(_seats(_rows(racks)))
    columns = 1 + max(seat.column for seat in seats)
    return HallFloor(name, columns, 1 + max(seat.line for seat in seats), tuple(seats))


def _rows(racks: list[Rack]) -> list[list[Rack]]:
    """Return the racks by row, or by array if nobody said where they stand."""
    if len({(rack.row, rack.position) for rack in racks}) == 1:
        by_array: dict[str, list[Rack]] = {}
        for rack in racks:
            by_array.setdefault(rack.array, []).append(rack)
        return list(by_array.values())
    by_row: dict[int, list[Rack]] = {}
    for rack in sorted(racks, key=lambda rack: (rack.row, rack.position)):
        by_row.setdefault(rack.row, []).append(rack)
    return list(by_row.values())


def _seats(rows: Iterable[list[Rack]]) -> Iterator[Seat]:
    line = 0
    for row in rows:
        columns = _columns(row)
        for rack, column in zip(row, columns, strict=True):
            yield Seat(rack.name, column % WIDEST, line + column // WIDEST)
        line += 1 + max(columns) // WIDEST


def _columns(row: list[Rack]) -> list[int]:
    positions = [rack.position - row[0].position for rack in row]
    distinct = len(set(positions)) == len(row)
    if distinct and max(positions) < SPARSE * len(row):
        return positions
    return list(range(len(row)))
