"""What is run on an engine, and what comes of it."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Task:
    """A function of the context and a payload.

    The same task gives the same result wherever and however often it is run, so a payload that
    needs random numbers carries its own seed. The function is pickled by name: it stands at the
    top of a module. It changes neither context nor payload.
    """

    function: Callable[[Any, Any], object]  # of (context, payload)
    payload: object


@dataclass(eq=False)
class Beside:
    """A task that is done beside runs of others."""

    ended: bool = False
    result: object | None = None  # also None if it was given up or killed its worker


class Engine(Protocol):
    """Runs tasks on workers that all hold one context.

    Results depend on the tasks alone, never on who ran them or when. One call at a time.
    """

    workers: int
    notes: list[str]  # what went wrong and was put right or given up, in plain words

    def run(
        self, tasks: Sequence[Task], *, deadline: float, stopped: Callable[[], bool]
    ) -> list[object | None]:
        """Run `tasks` and return their results, in the order of the tasks.

        Parameters
        ----------
        tasks
            What to run; earlier ones are started earlier.
        deadline
            When to give up, as of ``time.monotonic()``.
        stopped
            Asked many times a second; the run ends soon after it first says yes.

        Returns
        -------
        list
            None for every task that was not finished in time or that killed its workers.

        Raises
        ------
        Exception
            What a task raised; the rest of the run is given up.
        """
        ...

    def begin(self, task: Task, *, deadline: float, stopped: Callable[[], bool]) -> Beside:
        """Have a task done beside the runs that follow, which have a worker less meanwhile.

        Where there is only one worker, the task ends first.
        """
        ...

    def finish(self, beside: Beside, *, deadline: float, stopped: Callable[[], bool]) -> None:
        """Wait until a task that was begun has ended, or give it up."""
        ...

    def close(self) -> None:
        """End the workers and free what they share. May be called again.

        Called by the thread that runs; from another one, have `stopped` say yes first.
        """
        ...

    def __enter__(self) -> Self:
        """Return the engine."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Close the engine."""
        ...


class EngineError(ValueError):
    """An engine cannot be made or cannot go on."""


class WorkerError(Exception):
    """Where in the worker an exception came from: the cause of what `Engine.run` raises."""

    def __str__(self) -> str:
        """Return the traceback as the worker wrote it."""
        return f"in a worker:\n{self.args[0]}"


@dataclass(frozen=True)
class Ready:
    """The worker holds the context and waits for a task."""


@dataclass(frozen=True)
class Done:
    """The worker's task is finished."""

    result: object
    memory_mib: int  # of the worker's own, after the task


@dataclass(frozen=True)
class Failed:
    """The worker's task raised; the worker itself is well."""

    error: Exception
    traceback: str


@dataclass(frozen=True)
class Died:
    """The worker is no more."""

    how: str  # completes "its worker ..."


Reply = Ready | Done | Failed | Died


def failure(error: Exception) -> Failed:
    """Describe `error`, in a way that survives the way to another process."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an exception may refuse in any way, and its text is better than nothing
        return Failed(RuntimeError(f"{type(error).__name__}: {error}"), text)
    return Failed(error, text)


def unpacked(message: bytes) -> Reply:
    """Unpickle a reply; one that cannot be is the failure of its task."""
    try:
        reply: Reply = pickle.loads(message)
    except Exception as error:  # a result may refuse in any way
        return failure(error)
    return reply
