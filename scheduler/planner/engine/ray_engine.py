"""Workers as Ray actors, on this machine or on a cluster. The only importer of ray."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from scheduler.planner.engine.perform import perform
from scheduler.planner.engine.task import (
    Died,
    EngineError,
    Ready,
    Reply,
    Task,
    failure,
    unpacked,
)

if TYPE_CHECKING:
    from types import ModuleType


class Actor:
    """What Ray runs: holds the context, and does one task at a time."""

    def __init__(self, context: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
        self._context = context

    def ready(self) -> bytes:
        """Say that the context is there."""
        return pickle.dumps(Ready())

    def perform(self, task: bytes) -> bytes:
        """Do a pickled task."""
        return perform(self._context, task)


class RayWorker:
    """Our handle of an actor, and the reply that it owes."""

    def __init__(self) -> None:
        self.owed: Any = None  # nothing before there is an actor
        self._ray: Any = None
        self._actor: Any = None
        self._ended = False

    def start(self, ray: ModuleType, hire: Callable[[], Any]) -> None:
        """Hire an actor, unless the worker is ended by now."""
        if not self._ended:
            self._ray, self._actor = ray, hire()
            self.owed = self._actor.ready.remote()

    def give(self, task: Task) -> None:
        """Send the task."""
        self.owed = self._actor.perform.remote(pickle.dumps(task, protocol=5))

    def reply(self) -> Reply:
        """Fetch what it owes; its end is a reply as well."""
        try:
            return unpacked(self._ray.get(self.owed))
        except self._ray.exceptions.RayActorError:
            return Died("died")
        except self._ray.exceptions.RayError as error:
            return failure(error)

    def memory_mib(self) -> int:
        """Return 0: while it works, Ray alone watches the memory of an actor."""
        return 0

    def kill(self) -> None:
        """End the actor at once."""
        self._ended = True
        if self._actor is not None:
            self._ray.kill(self._actor)


class RayCrew:
    """Actors that share one object of Ray's store. Ray starts while the caller goes on.

    One thread starts Ray and stays until the end, as the kernel ends Ray's processes together
    with the thread that started them. Being no main thread, it leaves our signal handlers alone.
    """

    def __init__(self, context: object, workers: int) -> None:
        self._ray = imported_ray()
        self._closed = Event()
        self._lock = Lock()  # on the two below
        self._hire: Callable[[], Any] | None = None  # makes an actor, once Ray is there
        self._without_actor: list[RayWorker] = []
        self._failure: Exception | None = None
        self._keeper = Thread(target=self._keep, args=(context, workers), name="ray", daemon=True)
        self._keeper.start()

    def _keep(self, context: object, workers: int) -> None:
        """Start Ray, hand over the context, and end Ray when the crew is closed."""
        ours = not self._ray.is_initialized()
        try:
            if ours:
                start(self._ray, workers)
            actor = self._ray.remote(num_cpus=1, max_restarts=0)(Actor)
            hire = partial(actor.remote, self._ray.put(context))
            with self._lock:
                self._hire = hire
                for worker in self._without_actor:
                    worker.start(self._ray, hire)
                self._without_actor.clear()
        except Exception as error:  # no cluster, or no pickle: the next run raises it
            self._failure = error
        self._closed.wait()
        if ours:
            self._ray.shutdown()

    def hire(self) -> RayWorker:
        """Start an actor, or have it started as soon as Ray is there."""
        worker = RayWorker()
        with self._lock:
            if self._hire is None:
                self._without_actor.append(worker)
            else:
                worker.start(self._ray, self._hire)
        return worker

    def hear(self, workers: Sequence[RayWorker], timeout: float) -> list[tuple[RayWorker, Reply]]:
        """Wait until some actor replies or dies."""
        if self._failure is not None:
            raise self._failure
        by_reply = {worker.owed: worker for worker in workers if worker.owed is not None}
        if not by_reply:
            time.sleep(timeout)
            return []
        self._ray.wait(list(by_reply), num_returns=1, timeout=timeout)
        here, _ = self._ray.wait(list(by_reply), num_returns=len(by_reply), timeout=0)
        return [(by_reply[each], by_reply[each].reply()) for each in here]

    def close(self) -> None:
        """Leave the cluster, and end it if it is ours; waits for one that is just starting."""
        self._closed.set()
        self._keeper.join()


def imported_ray() -> ModuleType:
    """Import ray, which says nothing to anyone about its use."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise EngineError("engine ray: ray is not installed (extra ray)") from None
    module: ModuleType = ray
    return module


def start(ray: ModuleType, workers: int) -> None:
    """Join the cluster that ``RAY_ADDRESS`` names, or start one on this machine."""
    # Ray tells of dead workers on our standard output, which is for results. It has no setting
    # against that, and we tell of them in the notes.
    ray._private.worker._worker_logs_enabled = False
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
