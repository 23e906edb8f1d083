"""Halls and arrays written out: names, pods, seats on the floor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scheduler.inputs.hall_file import HallFile
from scheduler.inputs.mistakes import Mistakes, Place
from scheduler.inputs.site_file import SiteFile
from scheduler.model import RackType

MOST_HALLS = 1000
MOST_RACKS = 100_000
_RANGE = re.compile(r"(.*)\[([0-9]+)-([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class Seat:
    """A place on the floor of a hall."""

    rack: str
    row: int
    position: int


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """An array in its place: racks of one type behind the same leaf switches."""

    name: str
    pod: str
    entry: int  # index in the `arrays` of its hall
    type: RackType
    seats: tuple[Seat, ...]

    @property
    def nameplate_w(self) -> int:
        """Nameplate power of the array."""
        return len(self.seats) * self.type.nameplate_w

    @property
    def observed_peak_w(self) -> int:
        """Observed peak power of the array."""
        return len(self.seats) * self.type.observed_peak_w


@dataclass(frozen=True, slots=True)
class HallPlan:
    """One hall with its arrays in order."""

    name: str
    index: int  # index in the `halls` of the file
    file: HallFile
    arrays: tuple[ArrayPlan, ...]


def expand_range(name: str) -> range | None:
    """Return the numbers of ``H[1-4]``, None for a plain name; empty if it runs backwards."""
    match = _RANGE.fullmatch(name)
    return range(int(match[2]), int(match[3]) + 1) if match else None


def hall_names(name: str) -> tuple[str, ...]:
    """Return the names that ``H[1-4]`` stands for; ``H[01-04]`` keeps its zeros."""
    match, numbers = _RANGE.fullmatch(name), expand_range(name)
    if match is None or numbers is None:
        return (name,)
    width = len(match[2]) if match[2].startswith("0") else 1
    return tuple(f"{match[1]}{number:0{width}d}" for number in numbers)


def expand_halls(
    site_file: SiteFile, types: Mapping[str, RackType], place: Place, mistakes: Mistakes
) -> tuple[HallPlan, ...] | None:
    """Return every hall with its arrays, or None if the file asks for too many or for nothing."""
    if not _is_of_sensible_size(site_file, place, mistakes):
        return None
    halls: list[HallPlan] = []
    pods = 0
    for index, file in enumerate(site_file.halls):
        for name in hall_names(file.name):
            arrays = tuple(_arrays(name, file, types, site_file.arrays_per_pod, pods))
            halls.append(HallPlan(name, index, file, arrays))
            pods += -(-len(arrays) // site_file.arrays_per_pod)
    return tuple(halls) if _are_names_unique(halls, place, mistakes) else None


def _is_of_sensible_size(site_file: SiteFile, place: Place, mistakes: Mistakes) -> bool:
    halls = racks = 0
    for index, file in enumerate(site_file.halls):
        numbers = expand_range(file.name)
        count = 1 if numbers is None else len(numbers)
        if count == 0:
            mistakes.add(place, ("halls", index, "name"), "a range that goes up", file.name)
            return False
        halls += count
        racks += count * sum(entry.count * entry.racks for entry in file.arrays)
    if halls > MOST_HALLS:
        mistakes.add(place, ("halls",), f"at most {MOST_HALLS} halls", halls)
    if racks > MOST_RACKS:
        mistakes.add(place, ("halls",), f"at most {MOST_RACKS} racks", racks)
    return halls <= MOST_HALLS and racks <= MOST_RACKS


def _arrays(
    hall: str, file: HallFile, types: Mapping[str, RackType], per_pod: int, pods_before: int
) -> Iterator[ArrayPlan]:
    """Yield the arrays of a hall; an array starts a new row where the row has no room for it."""
    number = row = position = 0
    width = max(2, len(str(sum(entry.count for entry in file.arrays))))
    for index, entry in enumerate(file.arrays):
        for _ in range(entry.count):
            if position and position + entry.racks > file.racks_per_row:
                row, position = row + 1, 0
            name = f"{hall}-A{number + 1:0{width}d}"
            seats = []
            for rack in range(1, entry.racks + 1):
                if position == file.racks_per_row:
                    row, position = row + 1, 0
                seats.append(Seat(f"{name}-R{rack}", row, position))
                position += 1
            pod = f"P{pods_before + number // per_pod + 1}"
            yield ArrayPlan(name, pod, index, types[entry.rack], tuple(seats))
            number += 1


def _are_names_unique(halls: Sequence[HallPlan], place: Place, mistakes: Mistakes) -> bool:
    """Jobs name halls, pods, arrays and racks alike, so all of them need names of their own."""
    inner = {array.pod for hall in halls for array in hall.arrays}
    inner |= {array.name for hall in halls for array in hall.arrays}
    inner |= {seat.rack for hall in halls for array in hall.arrays for seat in array.seats}
    seen: set[str] = set()
    unique = True
    for hall in halls:
        if hall.name in seen or hall.name in inner:
            expected = "a name that no other hall, pod, array or rack has"
            mistakes.add(place, ("halls", hall.index, "name"), expected, hall.name)
            unique = False
        seen.add(hall.name)
    return unique
