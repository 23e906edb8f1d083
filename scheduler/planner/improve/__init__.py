"""Improving a plan part by part: which parts, what is done to each, and how parts come together."""

from scheduler.planner.improve.rounds import Rounds

__all__ = ["Rounds"]
