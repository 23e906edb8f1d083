"""Ruin and recreate as machine code: a hundred times as many steps as `Ruin` takes."""

from scheduler.planner.fast.jit import available
from scheduler.planner.fast.run import FastRuin, build, can_plan, load

__all__ = ["FastRuin", "available", "build", "can_plan", "load"]
