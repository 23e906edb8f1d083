"""What a worker process does: tasks, one after another, until its parent closes the connection."""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection

from scheduler.planner.engine.perform import perform
from scheduler.planner.engine.task import Ready


def work(context: object, connection: Connection) -> None:
    """Say that we are ready, then do tasks."""
    answer = pickle.dumps(Ready())
    while True:
        try:
            connection.send_bytes(answer)
            answer = perform(context, connection.recv_bytes())
        except (EOFError, OSError):  # the parent has closed it, perhaps before the answer
            return
