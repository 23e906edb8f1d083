"""`rackwatt release`: give capacity back with little value lost and few moves."""

from scheduler.questions.release.answer import Fewest, Release
from scheduler.questions.release.asking import UnreachableError, release
from scheduler.questions.release.goal import Goal, mistakes
from scheduler.questions.release.notice import Ending, ending_of
from scheduler.questions.release.order import steps_of
from scheduler.questions.release.record import does, moves_csv, release_record

__all__ = [
    "Ending",
    "Fewest",
    "Goal",
    "Release",
    "UnreachableError",
    "does",
    "ending_of",
    "mistakes",
    "moves_csv",
    "release",
    "release_record",
    "steps_of",
]
