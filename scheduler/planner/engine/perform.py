"""One task in a worker: the same for all kinds of worker."""

from __future__ import annotations

import os
import pickle

from scheduler.planner.engine.memory import private_mib
from scheduler.planner.engine.task import Done, Task, failure


def perform(context: object, pickled: bytes) -> bytes:
    """Run a pickled task and return its pickled reply, also if task or result do not pickle."""
    try:
        task = pickle.loads(pickled)
        assert isinstance(task, Task)
        result = task.function(context, task.payload)
        return pickle.dumps(Done(result, private_mib(os.getpid())), protocol=5)
    except Exception as error:  # whatever it is, the parent raises it
        return pickle.dumps(failure(error), protocol=5)
