"""How far a run has come: what is done, what waits, what is given up."""

from __future__ import annotations

from collections import Counter, deque

MOST_DEATHS = 2  # of workers by one task, before it is given up


class Progress:
    """The tasks of one run by number."""

    def __init__(self, num_tasks: int, notes: list[str]) -> None:
        self.results: list[object | None] = [None] * num_tasks
        self.waiting = deque(range(num_tasks))
        self._deaths: Counter[int] = Counter()
        self._notes = notes

    def done(self, task: int, result: object) -> None:
        """Keep the result."""
        self.results[task] = result

    def worker_died(self, task: int, how: str) -> None:
        """Have the task run again before all others, or give it up."""
        self._deaths[task] += 1
        again = self._deaths[task] < MOST_DEATHS
        if again:
            self.waiting.appendleft(task)
        outcome = "is run again" if again else "is given up"
        self._notes.append(f"task {task} {outcome}: its worker {how}")
