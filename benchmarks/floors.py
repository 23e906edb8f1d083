"""What a machine could do at best: bytes it copies and integers it adds per second, measured."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

NUMBERS = 2**25  # 256 MiB: far larger than caches
CACHED = 2**14  # 128 KiB: inside a cache, so that arithmetic counts and not memory
ROUNDS = 5


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


def _timed(run: object) -> float:
    assert callable(run)
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
