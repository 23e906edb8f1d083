"""Tasks for the tests of engines: of module level, as workers import them by name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kernels.forms import Ints
from scheduler.planner.engine.memory import private_mib


@dataclass(frozen=True, eq=False)
class Context:
    """Stands for a compiled problem: names, and arrays of several kinds."""

    names: tuple[str, ...]
    weights: Ints
    flags: np.ndarray
    empty: Ints


class SlowToPickle:
    """A context that takes a while to hand over."""

    def __reduce__(self) -> tuple[type[SlowToPickle], tuple[()]]:
        time.sleep(1.5)
        return SlowToPickle, ()


def context() -> Context:
    weights = np.arange(1_000, dtype=np.int64)
    return Context(
        ("a", "b"), weights, np.asfortranarray(weights.reshape(10, 100) % 2 == 0), weights[:0]
    )


def draw(context: Context, seed: int) -> tuple[str, Ints]:
    """Return a sample that depends on context and seed."""
    rng = np.random.default_rng(seed)
    return context.names[seed % 2], rng.choice(context.weights[context.flags.ravel()], 5)


def process(_context: Context, _payload: object) -> int:
    return os.getpid()


def server(_context: Context, _payload: object) -> int:
    return os.getppid()


def nap(_context: Context, seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def hold_the_interpreter(_context: Context, seconds: int) -> None:
    """Sleep as a solver would that never lets Python run."""
    ctypes.PyDLL(None).sleep(seconds)


def write_pid_and_hold(context: Context, file: Path) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(file)
    hold_the_interpreter(context, 30)


def sum_and_memory(context: Ints, _payload: object) -> tuple[int, int]:
    return int(context.sum()), private_mib(os.getpid())


def die_once(_context: Context, marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def die(_context: Context, count_in: Path) -> None:
    with count_in.open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


def divide(_context: Context, divisor: int) -> float:
    return 1 / divisor


def write_to_the_context(context: Context, _payload: object) -> None:
    context.weights[0] = 1


class StubbornError(Exception):
    """Does not come out of a pickle."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def raise_stubborn(_context: Context, _payload: object) -> None:
    raise StubbornError(1, 2)


def return_a_lambda(_context: Context, _payload: object) -> object:
    return lambda: None


def meet(_context: Context, payload: tuple[Path, int]) -> int:
    """Wait until so many processes have come to the folder."""
    folder, expected = payload
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < expected:
        time.sleep(0.01)
    return os.getpid()


def interrupt_self(_context: Context, _payload: object) -> str:
    """Do what Ctrl-C does to all processes of a terminal."""
    os.kill(os.getpid(), signal.SIGINT)
    return "went on"


def grow(_context: Context, mib: int) -> int:
    """Take memory, keep it, and return the process."""
    KEPT.append(np.ones(mib << 17))
    return os.getpid()


def grow_and_stay(context: Context, mib: int) -> None:
    grow(context, mib)
    time.sleep(30)


def prepare() -> None:
    """Load something."""
    PREPARED.append(os.getpid())


def prepare_badly() -> None:
    divide(context(), 0)


def prepared(_context: Context, _payload: object) -> list[int]:
    time.sleep(0.1)  # so that others do the same task
    return PREPARED


KEPT: list[np.ndarray] = []
PREPARED: list[int] = []  # processes that did

# python -c PARENT ENGINE FILE...: loses a worker; then stays in a run of a task for each file, the
# workers' pids there.
PARENT = """
import sys, time
from pathlib import Path
from scheduler.planner.engine import Task, make_engine
from tests import engine_tasks as tasks

files = [Path(each) for each in sys.argv[2:]]
engine = make_engine(sys.argv[1], tasks.context(), workers=len(files))
for work in (
    [Task(tasks.die_once, files[0].with_name("died"))],
    [Task(tasks.write_pid_and_hold, each) for each in files],
):
    engine.run(work, deadline=time.monotonic() + 60, stopped=bool)
"""
