"""Our end of the program that forks workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import send_handle
from pathlib import Path
from threading import Lock

from scheduler.planner.engine import context_file
from scheduler.planner.engine.task import Died, Reply

FORK = 0  # asked instead of the number of a process that is to end
PROGRAM = "scheduler.planner.engine.server"
# Workers are as many as there are cores to use; threads would also make a fork unsafe.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# What is freed goes back to the system; by default, glibc keeps the more the larger it was.
THRIFTY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}

Prepare = Callable[[], object]


class ForkServer:
    """A process that forks workers, and ends when we do. May die at any moment.

    The process that we start loads everything and leaves a copy of itself to fork workers.
    """

    def __init__(self, context_number: int) -> None:
        self._control, theirs = Pipe()
        lifeline, held = os.pipe()  # server and workers end when nobody holds it
        self._held: int | None = held
        self._lock = Lock()  # one request at a time
        files = (theirs.fileno(), lifeline, context_number)
        with theirs:
            self._process = subprocess.Popen(
                # -P: what is in the current directory is imported only if we would import it.
                [sys.executable, "-P", "-m", PROGRAM, *map(str, files)],
                pass_fds=files,
                env=THRIFTY | os.environ | ONE_THREAD | {"PYTHONPATH": _import_path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # ours is for results; a solver's log is none
                process_group=0,  # Ctrl-C reaches us alone, also while the server starts
            )
        os.close(lifeline)

    def prepare(self, prepare: Prepare | None) -> None:
        """Say what is to be loaded: a function at the top of a module, called there."""
        with suppress(OSError):  # it has died, which `open` will say
            self._control.send(prepare)

    def open(self, layout: context_file.Layout) -> Reply:
        """Say where the context lies, and wait until workers can be forked."""
        try:
            self._control.send(layout)
            reply: Reply = self._control.recv()
        except (EOFError, OSError):
            return Died(how_it_ended(self._process.wait()))
        self._process.wait()
        return reply

    def fork(self, connection: Connection) -> int:
        """Start a worker with this end of its connection, and return its process.

        Raises EOFError or OSError if the server has died.
        """
        with self._lock:
            self._control.send(FORK)
            send_handle(self._control, connection.fileno(), self._process.pid)
            process: int = self._control.recv()
        return process

    def end(self, process: int) -> int:
        """End a worker if it has not ended, and return its exit code, < 0 for a signal."""
        try:
            with self._lock:
                self._control.send(process)
                code: int = self._control.recv()
        except (EOFError, OSError):  # the server has died, and the worker is nobody's child
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            return -signal.SIGKILL
        return code

    def kill(self) -> None:
        """End the server and its workers; it has nothing to tidy up, so it is not asked first."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
        self._process.kill()  # while it loads, it may not listen yet
        self._process.wait()

    def close(self) -> None:
        """Close the connection, once nobody waits for an answer any more."""
        self._control.close()


def how_it_ended(code: int) -> str:
    """Describe how a process ended; completes "its worker ..."."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _import_path() -> str:
    """Return where we import from, as the workers are to."""
    return os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
