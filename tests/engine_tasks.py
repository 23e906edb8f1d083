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


@dataclass(frozen=True, eq=False)
class Context:
    """Stands for a compiled problem: names, and arrays of several kinds."""

    names: tuple[str, ...]
    weights: Ints
    flags: np.ndarray
    empty: Ints


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


def nap(_context: Context, seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def hold_the_interpreter(_context: Context, seconds: int) -> None:
    """Sleep as a solver would that never lets Python run."""
    ctypes.PyDLL(None).sleep(seconds)


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


def grow(_context: Context, mib: int) -> int:
    """Take memory, keep it, and return the process."""
    KEPT.append(np.ones(mib << 17))
    time.sleep(0.3)
    return os.getpid()


KEPT: list[np.ndarray] = []
