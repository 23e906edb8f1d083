"""From the running plan to a better one: after failures and arrivals, with few moves."""

from scheduler.questions.replan.budget import Budget
from scheduler.questions.replan.degraded import Degraded, unknown_components, without
from scheduler.questions.replan.emergency import Emergency, emergency
from scheduler.questions.replan.pipeline import Point, Replanned, replan

__all__ = [
    "Budget",
    "Degraded",
    "Emergency",
    "Point",
    "Replanned",
    "emergency",
    "replan",
    "unknown_components",
    "without",
]
