"""From forms to shards: construct, bound, improve. The only importer of ortools."""

from scheduler.planner.conflict import Conflict, find_conflict
from scheduler.planner.search import Best, Search

__all__ = ["Best", "Conflict", "Search", "find_conflict"]
