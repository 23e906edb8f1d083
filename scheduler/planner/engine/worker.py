"""The program that a worker process runs: ``python -m scheduler.planner.engine.worker``.

It gets three open files from its parent: the connection, the lifeline and the context file.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import signal
import sys
from multiprocessing.connection import Connection

from scheduler.planner.engine import context_file
from scheduler.planner.engine.perform import perform
from scheduler.planner.engine.task import Ready, failure


def main() -> None:
    """Take in the context, then do tasks until the parent closes the connection."""
    connection_number, lifeline, context_number = map(int, sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    die_with(lifeline)
    connection = Connection(connection_number)
    try:
        context = context_file.read(context_number, connection.recv())
    except EOFError:
        return
    except Exception as error:  # whatever it is, the parent raises it
        connection.send(failure(error))
        return
    answer = pickle.dumps(Ready())
    while True:
        try:
            connection.send_bytes(answer)
            answer = perform(context, connection.recv_bytes())
        except (EOFError, BrokenPipeError):  # the parent has closed it, perhaps before the answer
            return


def die_with(lifeline: int) -> None:
    """Have the kernel end this process when nobody holds the other end of the pipe any more.

    The end of the pipe raises SIGIO, whose default action needs no Python: it works inside a
    solver that holds the interpreter. The parent's death closes the pipe, whatever it died of.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(lifeline, select.POLLHUP)
    if poll.poll(0):  # it ended before we were listening
        os._exit(1)


if __name__ == "__main__":
    main()
