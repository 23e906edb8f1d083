"""Workers as processes on this machine.

They are started as new programs, not forked, so that no lock of a thread of ours is copied.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from threading import Event, Lock, Thread

from scheduler.planner.engine import context_file
from scheduler.planner.engine.memory import private_mib
from scheduler.planner.engine.task import Died, Reply, Task, unpacked

PROGRAM = "scheduler.planner.engine.worker"


class LocalWorker:
    """A process, and our end of the connection to it."""

    def __init__(self, *files: int) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                # -P: what is in the current directory is imported only if we would import it.
                [sys.executable, "-P", "-m", PROGRAM, *map(str, (theirs.fileno(), *files))],
                pass_fds=(theirs.fileno(), *files),
                env=os.environ | {"PYTHONPATH": _import_path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # ours is for results; a solver's log is none
                process_group=0,  # Ctrl-C reaches us alone, also while the worker starts
            )

    def tell(self, layout: context_file.Layout) -> None:
        """Say where the context lies."""
        self._send(pickle.dumps(layout))

    def give(self, task: Task) -> None:
        """Send the task."""
        self._send(pickle.dumps(task, protocol=5))

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # it has died, which we will hear
            self.connection.send_bytes(message)

    def reply(self) -> Reply:
        """Receive what it says; its end is a reply as well."""
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            self.kill()
            return Died(_end(self._process.returncode))
        return unpacked(message)

    def memory_mib(self) -> int:
        """Return the memory that the process has for itself."""
        return private_mib(self._process.pid)

    def kill(self) -> None:
        """End the process; it has nothing to tidy up, so it is not asked first."""
        self._process.kill()
        self._process.wait()
        self.connection.close()


def _import_path() -> str:
    """Return where we import from, as the workers are to."""
    return os.pathsep.join(place or str(Path.cwd()) for place in sys.path)


def _end(returncode: int) -> str:
    """Describe how a process ended."""
    if returncode < 0:
        return f"was killed by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"


class LocalCrew:
    """Processes that map one file. The file is written while they start."""

    def __init__(self, context: object) -> None:
        self._file = context_file.create()
        self._lifeline, self._held = os.pipe()  # workers end when nobody holds it
        self._closed = Event()
        self._lock = Lock()  # on the three below
        self._layout: context_file.Layout | None = None
        self._uninformed: list[LocalWorker] = []
        self._failure: Exception | None = None
        self._writer = Thread(target=self._write, args=(context,), name="context", daemon=True)
        self._writer.start()

    def _write(self, context: object) -> None:
        """Write the context and tell the workers that wait for it."""
        try:
            layout = context_file.write(self._file, context, self._closed.is_set)
        except Exception as error:  # disk full, or no pickle: the next run raises it
            self._failure = error
            return
        if layout is not None:
            with self._lock:
                self._layout = layout
                for worker in self._uninformed:
                    worker.tell(layout)
                self._uninformed.clear()

    def hire(self) -> LocalWorker:
        """Start a process; it says that it is ready when it has the context."""
        worker = LocalWorker(self._lifeline, self._file.fileno())
        with self._lock:
            if self._layout is None:
                self._uninformed.append(worker)
            else:
                worker.tell(self._layout)
        return worker

    def hear(
        self, workers: Sequence[LocalWorker], timeout: float
    ) -> list[tuple[LocalWorker, Reply]]:
        """Wait until some process says something or dies."""
        if self._failure is not None:
            raise self._failure
        by_connection = {worker.connection: worker for worker in workers}
        heard = wait(list(by_connection), timeout)
        return [
            (worker, worker.reply())
            for connection, worker in by_connection.items()
            if connection in heard
        ]

    def close(self) -> None:
        """Close the file and the lifeline."""
        if not self._closed.is_set():
            self._closed.set()
            self._writer.join()
            self._file.close()
            os.close(self._held)
            os.close(self._lifeline)
