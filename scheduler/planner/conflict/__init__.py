"""Why firm obligations cannot all be met: limits that conflict, and what to relax.

A limit is a part of the forms that a person can name. To drop a limit is to write the forms
without it, so whether some limits conflict is a question to the same lowering and solver that
plan: no row of a program has to know which limit it came from.
"""

from scheduler.planner.conflict.find import Conflict, find_conflict
from scheduler.planner.conflict.limits import Kind, Limit
from scheduler.planner.conflict.relax import Relaxation, Step

__all__ = ["Conflict", "Kind", "Limit", "Relaxation", "Step", "find_conflict"]
