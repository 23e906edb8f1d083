"""Power in words: what is drawn of what can be, what is stranded, and why."""

from __future__ import annotations

import pytest

from scheduler.power_words import CAUSES, drawn_words, stranded_words
from scheduler.stranded import FirmPower


def words_of(firm: FirmPower) -> str:
    return stranded_words(firm.stranded_w, firm.stranded_by_cause_w)


@pytest.mark.parametrize(
    ("free", "open_", "usable", "told"),
    [
        (50_000, 50_000, 50_000, "none of it is stranded"),
        (
            50_000,
            40_000,
            40_000,
            "10.0 kW of it is stranded, though work waits: "
            "10.0 kW as isolation or the size of its gangs keeps it from free nodes",
        ),
        (
            38_000,
            38_000,
            20_000,
            "30.0 kW of it is stranded, though work waits: "
            "12.0 kW as racks that suit it are full, 18.0 kW as loops cool no more",
        ),
    ],
)
def test_causes_in_words(free: int, open_: int, usable: int, told: str) -> None:
    # 80 kW may be drawn, 50 kW are asked for.
    assert words_of(FirmPower(80_000, 50_000, free, open_, usable)) == told


def test_drawn_power_in_words() -> None:
    told = "75.0 % of the 80.0 kW that any plan of this work can draw at most"
    assert drawn_words(60_000, 80_000) == told
    assert drawn_words(0, 0) == "and no plan of this work can draw any"


def test_every_cause_has_words() -> None:
    assert set(CAUSES) == set(FirmPower(0, 0, 0, 0, 0).stranded_by_cause_w)
