"""From one plan to another: which units move, and in which order that is safe all the time."""

from scheduler.questions.moves.both_ends import doubled, twin_names
from scheduler.questions.moves.moves import (
    Move,
    applied,
    known_part,
    moved_gpus,
    moved_units,
    moves_between,
    units_by_tenant,
)
from scheduler.questions.moves.never_worse import Allowed, worse
from scheduler.questions.moves.waves import Wave, Waves, waves

__all__ = [
    "Allowed",
    "Move",
    "Wave",
    "Waves",
    "applied",
    "doubled",
    "known_part",
    "moved_gpus",
    "moved_units",
    "moves_between",
    "twin_names",
    "units_by_tenant",
    "waves",
    "worse",
]
