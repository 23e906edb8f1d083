"""The engine without workers: tasks run here, one after another. What the others must equal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Self

from scheduler.planner.engine.task import Beside, Task


class InlineEngine:
    """Runs tasks in the calling thread. One that has begun is not interrupted."""

    def __init__(self, context: object) -> None:
        self.workers = 1
        self.notes: list[str] = []
        self._context = context

    def run(
        self, tasks: Sequence[Task], *, deadline: float, stopped: Callable[[], bool]
    ) -> list[object | None]:
        """Run `tasks` in their order; see `Engine.run`."""
        results: list[object | None] = [None] * len(tasks)
        for number, task in enumerate(tasks):
            if stopped() or time.monotonic() >= deadline:
                break
            results[number] = task.function(self._context, task.payload)
        return results

    def begin(self, task: Task, *, deadline: float, stopped: Callable[[], bool]) -> Beside:
        """Run the task; see `Engine.begin`."""
        (result,) = self.run([task], deadline=deadline, stopped=stopped)
        return Beside(ended=True, result=result)

    def finish(self, beside: Beside, *, deadline: float, stopped: Callable[[], bool]) -> None:
        """Do nothing: the task has ended."""

    def close(self) -> None:
        """Let go of the context."""
        self._context = None

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the engine."""
        self.close()
