"""The blocks of ``rackwatt show``: halls side by side, a character for every rack, and a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from scheduler.cli.console import COLUMNS
from scheduler.words import clean, quantity

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.report.floor import HallFloor

BETWEEN = "  "  # halls that stand side by side
NAME_WIDTH = 40  # characters of a name in the key
MOST_KEYS = 30  # lines of the key
PALE = "dim"


@dataclass(frozen=True, slots=True)
class Mark:
    """One character of the map."""

    character: str
    style: str
    meaning: str


@dataclass(frozen=True, slots=True)
class View:
    """What every rack shows, and the sentence above the map."""

    title: str
    marks: Mapping[str, Mark]  # rack -> mark
    order: Sequence[Mark]  # of the key


def print_floor(console: Console, site: str, floor: Sequence[HallFloor], view: View) -> None:
    """Print the map, as many halls side by side as fit, and the key with the number of racks."""
    console.print(Text(f"{clean(site)}: {view.title}"[:COLUMNS]))
    for band in _bands(floor):
        console.print()
        for line in _lines(band, view):
            console.print(line)
    console.print()
    number = Counter(view.marks.values())
    shown = [mark for mark in view.order if number[mark]]
    for mark in shown[:MOST_KEYS]:
        name = clean(mark.meaning)
        short = name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 3] + "..."
        line = Text("  ").append(mark.character, mark.style)
        console.print(line.append(f"  {short:<{NAME_WIDTH}} {quantity(number[mark], 'racks'):>12}"))
    if len(shown) > MOST_KEYS:
        console.print(f"     and {len(shown) - MOST_KEYS} more")


def _bands(floor: Iterable[HallFloor]) -> Iterator[list[HallFloor]]:
    """Yield halls in groups that fit side by side."""
    band: list[HallFloor] = []
    for hall in floor:
        if band and sum(_width(each) + len(BETWEEN) for each in band) + _width(hall) > COLUMNS:
            yield band
            band = []
        band.append(hall)
    if band:
        yield band


def _width(hall: HallFloor) -> int:
    return max(hall.columns, min(len(clean(hall.name)), 16))


def _lines(band: Sequence[HallFloor], view: View) -> Iterator[Text]:
    """Yield the lines of halls side by side: their names, then their racks."""
    names = (f"{clean(hall.name)[: _width(hall)]:<{_width(hall)}}" for hall in band)
    yield Text(BETWEEN.join(names).rstrip())
    places = [{(seat.line, seat.column): seat.rack for seat in hall.seats} for hall in band]
    for number in range(max(hall.lines for hall in band)):
        line = Text()
        for hall, place in zip(band, places, strict=True):
            line.append(BETWEEN if len(line) else "")
            for column in range(_width(hall)):
                mark = view.marks.get(place.get((number, column), ""))
                line.append(mark.character if mark else " ", mark.style if mark else "")
        line.rstrip()
        yield line
