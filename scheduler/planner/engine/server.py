"""The program that starts workers: ``python -m scheduler.planner.engine.server``.

It loads what workers need, and the context, once, and forks a worker when it is asked for one. So
a worker starts in milliseconds, and what all of them have loaded lies in memory once. It has one
thread and no lock that a fork could copy while it is held.

It gets three open files from its parent: the connection, the lifeline and the context file.
"""

from __future__ import annotations

import fcntl
import gc
import os
import select
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle

from scheduler.planner.engine import context_file
from scheduler.planner.engine.fork_server import FORK
from scheduler.planner.engine.task import Ready, failure
from scheduler.planner.engine.worker import work


def main() -> None:
    """Load everything, then fork and end workers until the parent closes the connection."""
    control_number, lifeline, context_number = map(int, sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    die_with(lifeline)
    control = Connection(control_number)
    try:
        prepare = control.recv()
        if prepare is not None:
            prepare()
        context = context_file.read(context_number, control.recv())
    except EOFError:
        return
    except Exception as error:  # whatever it is, the parent raises it
        control.send(failure(error))
        return
    if os.fork():
        os._exit(0)  # what was only read while loading, tens of MiB of a compiler, stays with it
    gc.collect()
    gc.freeze()  # a collection in a worker would write to what is loaded, and so copy it
    control.send(Ready())
    while True:
        try:
            request = control.recv()
            control.send(_fork(control, context) if request == FORK else _end(request))
        except (EOFError, OSError):  # the parent is gone
            return


def _fork(control: Connection, context: object) -> int:
    """Start a worker, whose end of its connection follows, and return its process."""
    with Connection(recv_handle(control)) as connection:
        process = os.fork()
        if process == 0:
            code = 1
            try:
                control.close()
                work(context, connection)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # whatever happens, a worker does not go on as a server
        return process


def _end(process: int) -> int:
    """End a worker if it has not ended, and return its exit code, < 0 for a signal."""
    os.kill(process, signal.SIGKILL)  # nobody but us waits for it, so the number is still its own
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def die_with(lifeline: int) -> None:
    """Have the kernel end all of our process group when nobody holds the pipe's other end.

    The end of the pipe raises SIGIO, whose default action needs no Python: it works inside a
    solver that holds the interpreter. The parent's death closes the pipe, whatever it died of.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(lifeline, select.POLLHUP)
    if poll.poll(0):  # it ended before we were listening
        os._exit(1)


if __name__ == "__main__":
    main()
