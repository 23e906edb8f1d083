"""What a character of ``rackwatt show`` means: one view for each question about a rack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from scheduler.cli.blocks import PALE, Mark, View

if TYPE_CHECKING:
    from scheduler.report.racks import RackFacts

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
OTHERS, EMPTY, OUT = "*", "·", "x"
# Told apart by people with any common form of colour blindness; the letter says the same.
STYLES: tuple[str, ...] = ("black on #56b4e9", "black on #e69f00", "white on #009e73")
STYLES += ("black on #f0e442", "black on #cc79a7", "white on #0072b2", "white on #d55e00")

Step = tuple[int, Mark]  # below this value


def by_tenant(racks: Iterable[RackFacts]) -> View:
    """Letters of the largest tenants; a rack shows the tenant with the most GPUs on it."""
    racks = tuple(racks)
    held: Counter[str] = Counter()
    for rack in racks:
        held.update(dict.fromkeys(rack.tenants[:1], rack.gpus))
    ranked = [name for name, _ in held.most_common()]
    marks = {
        name: Mark(letter, STYLES[i % len(STYLES)], name)
        for i, (name, letter) in enumerate(zip(ranked, LETTERS, strict=False))
    }
    others, empty, out = Mark(OTHERS, PALE, "other tenants"), _empty(), _out()

    def mark(rack: RackFacts) -> Mark:
        if rack.tenants:
            return marks.get(rack.tenants[0], others)
        return empty if rack.usable_gpus else out

    return View(
        "the tenant with the most GPUs on each rack",
        {rack.name: mark(rack) for rack in racks},
        [*marks.values(), others, empty, out],
    )


def by_headroom(racks: Iterable[RackFacts]) -> View:
    """What is left of the tightest limit that a rack leans on."""
    steps = _steps(
        ("!", 6, "broken", 0),
        ("0", 6, "less than 2 % left", 20),
        ("1", 1, "2 to 5 %", 50),
        ("2", 3, "5 to 10 %", 100),
        ("3", 2, "10 to 20 %", 200),
        ("4", 0, "20 to 40 %", 400),
        ("5", 5, "40 % or more", 10**9),
    )

    def left(rack: RackFacts) -> int:
        return 1000 if rack.tightest is None else rack.tightest.left_permille

    return _stepped("what is left of the tightest limit, worst state", racks, left, steps)


def by_utilisation(racks: Iterable[RackFacts]) -> View:
    """GPUs that are taken, of those that can be used."""
    steps = _steps(
        (EMPTY, None, "empty", 1),
        ("1", 3, "up to 25 %", 250),
        ("2", 1, "25 to 50 %", 500),
        ("3", 2, "50 to 75 %", 750),
        ("4", 0, "75 to 100 %", 1000),
        ("5", 5, "full", 10**9),
    )
    return _stepped("GPUs taken of those usable", racks, lambda rack: rack.used_permille, steps)


def by_inlet(racks: Iterable[RackFacts]) -> View:
    """Temperature of the air that a rack breathes."""
    racks = tuple(racks)
    low = min((rack.inlet_mc for rack in racks), default=0)
    high = max((rack.inlet_mc for rack in racks), default=0)
    width = max(1, -(-(high - low + 1) // 6))
    steps = [
        (
            low + width * (i + 1),
            Mark(
                str(i),
                STYLES[style],
                f"{(low + width * i) / 1000:.2f} to {(low + width * (i + 1)) / 1000:.2f} °C",
            ),
        )
        for i, style in enumerate((5, 0, 2, 3, 1, 6))
    ]
    return _stepped("inlet air", racks, lambda rack: rack.inlet_mc, steps)


def by_exclusivity(racks: Iterable[RackFacts]) -> View:
    """The largest domain around a rack that one tenant has to itself."""
    racks = tuple(racks)
    marks = {
        level: Mark(level[0].upper(), STYLES[i], f"its {level} is one tenant's alone")
        for i, level in enumerate(("rack", "array", "pod", "hall", "site"))
    }
    shared = Mark(EMPTY, PALE, "shared or free")
    return View(
        "domains that one tenant has alone",
        {rack.name: marks.get(rack.alone_level, shared) for rack in racks},
        [*marks.values(), shared],
    )


def _stepped(
    title: str, racks: Iterable[RackFacts], value: Callable[[RackFacts], int], steps: Sequence[Step]
) -> View:
    out = _out()

    def mark(rack: RackFacts) -> Mark:
        if not rack.usable_gpus:
            return out
        return next(mark for below, mark in steps if value(rack) < below)

    return View(title, {r.name: mark(r) for r in racks}, [*(mark for _, mark in steps), out])


def _steps(*rows: tuple[str, int | None, str, int]) -> list[Step]:
    return [
        (below, Mark(character, PALE if style is None else STYLES[style], meaning))
        for character, style, meaning, below in rows
    ]


def _empty() -> Mark:
    return Mark(EMPTY, PALE, "empty")


def _out() -> Mark:
    return Mark(OUT, PALE, "drained or down")
