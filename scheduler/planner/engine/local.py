"""Workers as processes on this machine.

They are forked from a program of their own, not from ours, so that no lock of a thread of ours is
copied.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe, wait
from threading import Event, Lock, Thread

from scheduler.planner.engine import context_file
from scheduler.planner.engine.fork_server import ForkServer, Prepare, how_it_ended
from scheduler.planner.engine.memory import private_mib
from scheduler.planner.engine.task import Died, Failed, Ready, Reply, Task, unpacked


class LocalWorker:
    """A process, from before it is started on, and our end of the connection to it."""

    def __init__(self) -> None:
        self.connection, self._theirs = Pipe()
        self._lock = Lock()  # on what follows: it may be ended while it is being started
        self._server: ForkServer | None = None  # that has started it
        self._process = 0
        self._how = "was not started"

    def start(self, server: ForkServer) -> None:
        """Have the process forked, unless the worker is ended by now; see `ForkServer.fork`."""
        with self._lock:
            if not self._theirs.closed:
                self._process = server.fork(self._theirs)
                self._server = server
                self._theirs.close()

    def give_up(self, reply: Failed | Died) -> None:
        """Say, in the worker's place, why it cannot be started."""
        with self._lock, suppress(OSError):  # nobody may be listening
            if isinstance(reply, Died):
                self._how = reply.how
            elif not self._theirs.closed:
                self._theirs.send_bytes(pickle.dumps(reply))
            self._theirs.close()

    def give(self, task: Task) -> None:
        """Send the task."""
        with suppress(OSError):  # it has died, which we will hear
            self.connection.send_bytes(pickle.dumps(task, protocol=5))

    def reply(self) -> Reply:
        """Receive what it says; its end is a reply as well."""
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            self.kill()
            return Died(self._how)
        return unpacked(message)

    def memory_mib(self) -> int:
        """Return the memory that the process has for itself, or shares with other workers."""
        return private_mib(self._process) if self._process else 0

    def kill(self) -> None:
        """End the process; it has nothing to tidy up, so it is not asked first."""
        with self._lock:
            self.connection.close()
            self._theirs.close()
            if self._server is not None:
                self._how = how_it_ended(self._server.end(self._process))
                self._server = None


class LocalCrew:
    """Processes that map one file, forked by one server. Both are made while the caller goes on."""

    def __init__(self, context: object, prepare: Prepare | None = None) -> None:
        self._file = context_file.create()
        self._context, self._prepare = context, prepare
        self._layout: context_file.Layout | None = None  # once the context is written
        self._closed = Event()
        self._lock = Lock()  # on what follows
        self._server: ForkServer | None = None
        self._servers: list[ForkServer] = []  # also lost ones: their workers go on
        self._opener: Thread | None = None  # opens the server
        self._is_open = False
        self._waiting: list[LocalWorker] = []  # for the server
        self._failure: Exception | None = None

    def hire(self) -> LocalWorker:
        """Have a process started; it says that it is ready when it is."""
        worker = LocalWorker()
        with self._lock:
            self._waiting.append(worker)
            if self._server is None:
                self._start_server()
            elif self._is_open:
                self._start_waiting(self._server)
        return worker

    def _start_server(self) -> None:
        self._server, self._is_open = ForkServer(self._file.fileno()), False
        self._servers.append(self._server)
        self._opener = Thread(target=self._open, args=(self._server,), name="opener", daemon=True)
        self._opener.start()

    def _open(self, server: ForkServer) -> None:
        """Hand over what workers need, and start those that wait."""
        server.prepare(self._prepare)
        try:
            if self._layout is None:
                self._layout = context_file.write(self._file, self._context, self._closed.is_set)
        except Exception as error:  # disk full, or no pickle: the next run raises it
            self._failure = error
            return
        if self._layout is None:
            return
        reply = server.open(self._layout)
        with self._lock:
            if isinstance(reply, Ready):
                self._is_open = True
                self._start_waiting(server)
            else:
                assert isinstance(reply, Failed | Died)
                self._lose(reply)

    def _start_waiting(self, server: ForkServer) -> None:
        """Start workers that wait, or lose them with the server: others will be hired."""
        try:
            while self._waiting:
                self._waiting[-1].start(server)
                self._waiting.pop()
        except (EOFError, OSError):
            self._lose(Died("could not be started: the program that starts workers died"))

    def _lose(self, reply: Failed | Died) -> None:
        """Give up the server, and workers that wait for it."""
        self._server = None
        for worker in self._waiting:
            worker.give_up(reply)
        self._waiting.clear()

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
        """End the server and close all files."""
        if self._closed.is_set():
            return
        self._closed.set()
        for server in self._servers:
            server.kill()
        if self._opener is not None:
            self._opener.join()
        for server in self._servers:
            server.close()
        self._file.close()
