"""Tasks shared out among workers that may die: the same for every kind of worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, Self, TypeVar

from scheduler.planner.engine.progress import Progress
from scheduler.planner.engine.task import (
    Beside,
    Died,
    Done,
    EngineError,
    Failed,
    Ready,
    Reply,
    Task,
    WorkerError,
)

TICK_S = 0.05  # between two looks at `stopped`, and at the memory of busy workers
MOST_FALSE_STARTS = 3  # workers that die one after another before they are ready


class Worker(Protocol):
    """Does one task at a time, and may die at any moment. Says that it is `Ready` when it is."""

    def give(self, task: Task) -> None:
        """Have the task done; the reply is heard by the crew."""
        ...

    def memory_mib(self) -> int:
        """Return its own memory as far as can be told while it works, else 0."""
        ...

    def kill(self) -> None:
        """End the worker at once, whatever it is doing."""
        ...


W = TypeVar("W", bound=Worker)


class Crew(Protocol[W]):
    """Hires workers of one kind and hears what they say."""

    def hire(self) -> W:
        """Start a worker and return before it is ready."""
        ...

    def hear(self, workers: Sequence[W], timeout: float) -> list[tuple[W, Reply]]:
        """Wait for at least one reply, at most `timeout` seconds."""
        ...

    def close(self) -> None:
        """Free what the workers share."""
        ...


class CrewEngine(Generic[W]):
    """An engine on a crew. Workers start at once, and get ready while the caller goes on."""

    def __init__(self, crew: Crew[W], *, workers: int, memory_limit_mib: int | None) -> None:
        self.workers = workers
        self.notes: list[str] = []
        self._crew = crew
        self._limit_mib = memory_limit_mib
        self._starting: list[W] = []
        self._idle: list[W] = []
        self._busy: dict[W, int] = {}  # number of the task
        self._aside: dict[W, Beside] = {}  # busy with a task beside the runs
        self._false_starts = 0
        self._next_look = 0.0  # at the memory of busy workers, as of time.monotonic()
        self._closed = False
        try:
            self._staff(workers)
        except BaseException:
            self.close()
            raise

    def run(
        self, tasks: Sequence[Task], *, deadline: float, stopped: Callable[[], bool]
    ) -> list[object | None]:
        """Run `tasks` on the workers; see `Engine.run`."""
        if self._closed:
            raise EngineError("engine: expected to be open, is closed")
        progress = Progress(len(tasks), self.notes)
        try:
            while (progress.waiting or self._busy) and not stopped():
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._staff(len(progress.waiting))
                self._hand_out(tasks, progress)
                self._take_in(progress, min(left, TICK_S))
                self._end_the_grown(progress)
        except BaseException:
            self._dismiss_all()
            raise
        self._dismiss(list(self._busy))
        return progress.results

    def begin(self, task: Task, *, deadline: float, stopped: Callable[[], bool]) -> Beside:
        """Have a task done beside the runs that follow; see `Engine.begin`."""
        if self.workers == 1:
            (result,) = self.run([task], deadline=deadline, stopped=stopped)
            return Beside(ended=True, result=result)
        beside, nothing = Beside(), Progress(0, self.notes)
        try:
            while not self._idle and not stopped() and time.monotonic() < deadline:
                self._staff(1)
                self._take_in(nothing, TICK_S)
        except BaseException:
            self._dismiss_all()
            raise
        if self._idle:
            worker = self._idle.pop()
            self._aside[worker] = beside
            worker.give(task)
        else:
            beside.ended = True
        return beside

    def finish(self, beside: Beside, *, deadline: float, stopped: Callable[[], bool]) -> None:
        """Wait for a task that was begun; see `Engine.finish`."""
        try:
            while not beside.ended and not stopped() and time.monotonic() < deadline:
                self._take_in(Progress(0, self.notes), TICK_S)
        except BaseException:
            self._dismiss_all()
            raise
        self._dismiss([worker for worker, each in self._aside.items() if each is beside])

    def _staff(self, tasks: int) -> None:
        """Replace workers that are no more, as far as there is something to do for them."""
        there = (self._starting, self._idle, self._busy, self._aside)
        missing = self.workers - sum(map(len, there))
        needed = tasks - len(self._starting) - len(self._idle)
        for _ in range(min(missing, needed)):
            self._starting.append(self._crew.hire())

    def _hand_out(self, tasks: Sequence[Task], progress: Progress) -> None:
        """Give every idle worker a task."""
        while progress.waiting and self._idle:
            number, worker = progress.waiting.popleft(), self._idle.pop()
            self._busy[worker] = number
            worker.give(tasks[number])

    def _take_in(self, progress: Progress, timeout: float) -> None:
        """Wait for replies and act on them."""
        everyone = [*self._busy, *self._starting, *self._aside]
        for worker, reply in self._crew.hear(everyone, timeout):
            if worker in self._aside:
                self._end_beside(worker, reply)
                continue
            task = self._busy.pop(worker, None)
            if task is None:
                self._starting.remove(worker)
            match reply:
                case Ready():
                    self._false_starts = 0
                    self._idle.append(worker)
                case Done() if task is not None:
                    progress.done(task, reply.result)
                    self._keep(worker, reply.memory_mib)
                case Failed():
                    worker.kill()
                    raise reply.error from WorkerError(reply.traceback)
                case Died() if task is not None:
                    progress.worker_died(task, reply.how)
                case Died():
                    self._count_false_start(reply.how)

    def _end_beside(self, worker: W, reply: Reply) -> None:
        """Act on the reply of a worker that had a task beside the runs."""
        beside = self._aside.pop(worker)
        beside.ended = True
        match reply:
            case Done():
                beside.result = reply.result
                self._keep(worker, reply.memory_mib)
            case Failed():
                worker.kill()
                raise reply.error from WorkerError(reply.traceback)
            case Died():
                self.notes.append(f"a task was given up: its worker {reply.how}")

    def _count_false_start(self, how: str) -> None:
        self._false_starts += 1
        if self._false_starts == MOST_FALSE_STARTS:
            self._false_starts = 0
            raise EngineError(
                f"engine: expected workers to start, got {MOST_FALSE_STARTS} in a row that did "
                f"not; the last one {how}"
            )

    def _keep(self, worker: W, memory_mib: int) -> None:
        """Keep a worker for the next task, unless it has grown too much."""
        if self._limit_mib is not None and memory_mib > self._limit_mib:
            worker.kill()
        else:
            self._idle.append(worker)

    def _end_the_grown(self, progress: Progress) -> None:
        """End workers that have grown far too much inside a task."""
        now = time.monotonic()
        if self._limit_mib is None or now < self._next_look:
            return
        self._next_look = now + TICK_S
        for worker, task in list(self._busy.items()):
            grown_to = worker.memory_mib()
            if grown_to > 2 * self._limit_mib:
                self._dismiss([worker])
                progress.worker_died(task, f"grew to {grown_to} MiB and was ended")
        for worker in list(self._aside):
            grown_to = worker.memory_mib()
            if grown_to > 2 * self._limit_mib:
                self._dismiss([worker])
                self.notes.append(f"a task was given up: its worker grew to {grown_to} MiB")

    def _dismiss(self, workers: list[W]) -> None:
        """End workers, also inside a task; others take their place when needed."""
        for worker in workers:
            worker.kill()
        self._starting = [worker for worker in self._starting if worker not in workers]
        self._idle = [worker for worker in self._idle if worker not in workers]
        self._busy = {w: task for w, task in self._busy.items() if w not in workers}
        for worker in [worker for worker in self._aside if worker in workers]:
            self._aside.pop(worker).ended = True

    def _dismiss_all(self) -> None:
        self._dismiss([*self._starting, *self._idle, *self._busy, *self._aside])

    def close(self) -> None:
        """End all workers; see `Engine.close`."""
        self._closed = True
        self._dismiss_all()
        self._crew.close()

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the engine."""
        self.close()
