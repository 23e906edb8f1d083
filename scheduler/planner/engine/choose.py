"""Which engine: by name, made when asked for."""

from __future__ import annotations

from typing import Literal, get_args

from scheduler.planner.engine.crew import CrewEngine
from scheduler.planner.engine.fork_server import Prepare
from scheduler.planner.engine.inline import InlineEngine
from scheduler.planner.engine.local import LocalCrew
from scheduler.planner.engine.task import Engine, EngineError

Name = Literal["auto", "local", "ray", "inline"]


def make_engine(
    name: Name,
    context: object,
    *,
    workers: int,
    memory_limit_mib: int | None = None,
    prepare: Prepare | None = None,
) -> Engine:
    """Make an engine, whose workers get ready while the caller goes on.

    Parameters
    ----------
    name
        ``local``: processes on this machine. ``ray``: actors on the cluster that ``RAY_ADDRESS``
        names, or on one of this machine's own. ``inline``: no workers, tasks run one after
        another in the caller. ``auto``: ``local``, or ``inline`` for one worker.
    context
        What all tasks share. Handed over once, and never changed: its arrays are read-only there.
    workers
        Tasks that run at the same time.
    memory_limit_mib
        A worker whose own memory, the context left out, is above this after a task is replaced;
        one that grows to twice as much inside a task is ended, which counts as a death.
    prepare
        Called once for all processes on this machine before any is there, so that what it loads
        lies in memory once. Tasks on other engines load what they need.

    Raises
    ------
    EngineError
        The engine is not known or not installed, or there are no workers.
    """
    if name not in get_args(Name):
        raise EngineError(f"engine: expected one of {', '.join(get_args(Name))}, got {name}")
    if workers < 1:
        raise EngineError(f"engine {name}: expected at least 1 worker, got {workers}")
    if name == "inline" or (name == "auto" and workers == 1):
        return InlineEngine(context)
    if name == "ray":
        from scheduler.planner.engine.ray_engine import RayCrew

        return CrewEngine(
            RayCrew(context, workers), workers=workers, memory_limit_mib=memory_limit_mib
        )
    crew = LocalCrew(context, prepare)
    return CrewEngine(crew, workers=workers, memory_limit_mib=memory_limit_mib)
