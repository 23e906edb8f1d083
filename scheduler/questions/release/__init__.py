"""`rackwatt release`: give capacity back with little value lost and few moves."""

from scheduler.questions.release.answer import Fewest, Release
from scheduler.questions.release.asking import UnreachableError, release
from scheduler.questions.release.goal import Goal, mistakes
from scheduler.questions.release.notice import Ending, ending_of

__all__ = [
    "Ending",
    "Fewest",
    "Goal",
    "Release",
    "UnreachableError",
    "ending_of",
    "mistakes",
    "release",
]
