"""From forms to shards: construct, bound, improve. The only importer of ortools."""

from scheduler.planner.bound import most
from scheduler.planner.conflict import Conflict, find_conflict
from scheduler.planner.engine import EngineError
from scheduler.planner.engine import Name as EngineName
from scheduler.planner.resume import kept
from scheduler.planner.search import Best, Search
from scheduler.planner.worth import GapPart, Price

__all__ = [
    "Best",
    "Conflict",
    "EngineError",
    "EngineName",
    "GapPart",
    "Price",
    "Search",
    "find_conflict",
    "kept",
    "most",
]
