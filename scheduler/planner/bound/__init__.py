"""Bounds on the margin of every plan, proven in integers, and what they teach."""

from scheduler.planner.bound.run import Bounded, Bounding, bound
from scheduler.planner.bound.volume import most

__all__ = ["Bounded", "Bounding", "bound", "most"]
