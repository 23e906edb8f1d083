"""Bounds on the margin of every plan, proven in integers, and what they teach."""

from scheduler.planner.bound.run import Bounded, Bounding, bound

__all__ = ["Bounded", "Bounding", "bound"]
