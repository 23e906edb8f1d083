"""Engines that run the planner's tasks: here, in processes, or on Ray; the results are the same."""

from scheduler.planner.engine.choose import Name, make_engine
from scheduler.planner.engine.task import Beside, Engine, EngineError, Task, WorkerError

__all__ = ["Beside", "Engine", "EngineError", "Name", "Task", "WorkerError", "make_engine"]
