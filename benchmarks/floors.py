"""What a machine could do at best: bytes it copies and integers it adds per second, measured."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBERS = 2**25  # 256 MiB: far larger than caches
CACHED = 2**14  # 128 KiB: inside a cache, so that arithmetic counts and not memory
ROUNDS = 5
ADDITIONS = 1000  # of one thread of the GPU


@dataclass(frozen=True)
class Floor:
    """Measured rates of a machine."""

    copied_bytes_per_s: float  # read and written
    additions_per_s: float  # of 64-bit integers, in cache, one thread

    def seconds(self, moved_bytes: float, operations: float) -> float:
        """Return the time below which no program on this machine does the work.

        ``max(bytes / copy bandwidth, operations / rate of additions)``.
        """
        return max(moved_bytes / self.copied_bytes_per_s, operations / self.additions_per_s)


def measure_cpu() -> Floor:
    """Measure this machine with NumPy: the best of a few rounds."""
    source = np.ones(NUMBERS, np.int64)
    target = np.empty_like(source)
    copy_s = min(_timed(lambda: np.copyto(target, source)) for _ in range(ROUNDS))
    small = source[:CACHED].copy()
    out = np.empty_like(small)

    def add_often() -> None:
        for _ in range(1000):
            np.add(small, small, out=out)

    add_s = min(_timed(add_often) for _ in range(ROUNDS)) / 1000
    return Floor(2 * source.nbytes / copy_s, CACHED / add_s)


def measure_gpu() -> Floor:
    """Measure the GPU: copies of 1 GiB, and additions that depend on nothing but registers."""
    cupy: Any = importlib.import_module("cupy")
    source = cupy.ones(2**27, cupy.int64)
    target = cupy.empty_like(source)
    add_often = cupy.ElementwiseKernel(
        "int64 start",
        "int64 sum",
        f"long long value = start; for (int n = 0; n < {ADDITIONS}; ++n) value += value ^ n; "
        "sum = value;",
        "rackwatt_add_often",
    )
    some = source[: 2**22]

    def seconds(run: Callable[[], object]) -> float:
        run()  # compiles
        times = []
        for _ in range(ROUNDS):
            cupy.cuda.runtime.deviceSynchronize()
            began = time.perf_counter()
            run()
            cupy.cuda.runtime.deviceSynchronize()
            times.append(time.perf_counter() - began)
        return min(times)

    copy_s = seconds(lambda: cupy.copyto(target, source))
    add_s = seconds(lambda: add_often(some))
    return Floor(2 * source.nbytes / copy_s, some.size * ADDITIONS / add_s)


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
