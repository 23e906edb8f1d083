"""Workers as Ray actors, on this machine or on a cluster. The only importer of ray."""

from __future__ import annotations

import logging
import os
import pickle
import signal
from collections.abc import Sequence
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

    def __init__(self, ray: ModuleType, actor: Any) -> None:
        self._ray = ray
        self._actor = actor
        self.owed = actor.ready.remote()

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
        self._ray.kill(self._actor)


class RayCrew:
    """Actors that share one object of Ray's store."""

    def __init__(self, context: object, workers: int) -> None:
        self._ray = imported_ray()
        self._owns_ray = not self._ray.is_initialized()
        if self._owns_ray:
            start(self._ray, workers)
        self._context = self._ray.put(context)
        self._actor = self._ray.remote(num_cpus=1, max_restarts=0)(Actor)

    def hire(self) -> RayWorker:
        """Start an actor."""
        return RayWorker(self._ray, self._actor.remote(self._context))

    def hear(self, workers: Sequence[RayWorker], timeout: float) -> list[tuple[RayWorker, Reply]]:
        """Wait until some actor replies or dies."""
        by_reply = {worker.owed: worker for worker in workers}
        self._ray.wait(list(by_reply), num_returns=1, timeout=timeout)
        here, _ = self._ray.wait(list(by_reply), num_returns=len(by_reply), timeout=0)
        return [(by_reply[each], by_reply[each].reply()) for each in here]

    def close(self) -> None:
        """Leave the cluster, and end it if it is ours."""
        self._context = None
        if self._owns_ray:
            self._owns_ray = False
            self._ray.shutdown()


def imported_ray() -> ModuleType:
    """Import ray, which says nothing to anyone about its use."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise EngineError("engine ray: ray is not installed (extra ray)") from None
    return ray


def start(ray: ModuleType, workers: int) -> None:
    """Join the cluster that ``RAY_ADDRESS`` names, or start one on this machine."""
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
