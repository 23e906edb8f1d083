"""Random numbers by counter: number n of scenario s is the same whoever asks, in any order.

Philox4x32-10 turns (seed, purpose, scenario, slot) into four words of 32 bits. Nothing is drawn
one after the other, so results depend neither on the size of chunks nor on the backend.
Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011 [T].
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.forms import Ints

Words = NDArray[np.uint64]  # values below 2^32

WORDS = 4  # words that one counter gives
BITS = 32
ONE = 1 << BITS
_ROUNDS = 10
_MASK = np.uint64(ONE - 1)
_SHIFT = np.uint64(BITS)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85


class Purpose(IntEnum):
    """What words are drawn for: each purpose has counters of its own."""

    MONTH = 0  # how many events a month has
    EVENT = 1  # what fails, when, for how long
    LOAD = 2  # how hard jobs draw
    WEATHER = 3
    NODES = 4  # nodes that are down while nothing else is
    NODES_IN_OUTAGE = 5


def words(
    seed: int, purpose: Purpose, scenario: ArrayLike, slot: ArrayLike, lane: int = 0
) -> Words:
    """Return four words for each pair of a scenario and a slot, (4, N).

    Parameters
    ----------
    scenario, slot
        Below 2^32; they are broadcast against each other.
    lane
        Tells series of the same purpose apart, below 2^24.
    """
    first, second = np.broadcast_arrays(
        np.asarray(scenario, np.uint64), np.asarray(slot, np.uint64)
    )
    tag = np.uint64(int(purpose) | lane << 8)
    high = np.uint64(seed >> 64 & (ONE - 1))
    counter = [first.ravel(), second.ravel(), np.full(first.size, tag), np.full(first.size, high)]
    return np.stack(philox(counter, (seed & (ONE - 1), seed >> BITS & (ONE - 1))))


def philox(counter: list[Words], key: tuple[int, int]) -> list[Words]:
    """Return the four words of Philox4x32-10 for four counter words and two key words."""
    a, b, c, d = counter
    low, high = key
    for _ in range(_ROUNDS):
        left, right = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            right >> _SHIFT ^ b ^ np.uint64(low),
            right & _MASK,
            left >> _SHIFT ^ d ^ np.uint64(high),
            left & _MASK,
        )
        low, high = (low + _WEYL[0]) % ONE, (high + _WEYL[1]) % ONE
    return [a, b, c, d]


def below(word: Words, most: ArrayLike) -> Ints:
    """Return a whole number from 0 to ``most - 1`` for each word; `most` is below 2^31."""
    scaled = word * np.asarray(most, np.uint64) >> _SHIFT
    return np.asarray(scaled, np.int64)


def exponential(word: Words, mean: Ints) -> Ints:
    """Return ``round(-mean * ln u)`` for each word, u in the middle of its 2^-32."""
    return np.asarray(np.rint(-np.log((word + 0.5) / ONE) * mean), np.int64)


def thresholds(probabilities: NDArray[np.float64]) -> Words:
    """Return the running sums of probabilities as words; the last is 2^32, so all are covered."""
    sums = np.cumsum(probabilities)
    found: Words = np.rint(sums / sums[-1] * ONE).astype(np.uint64)
    found[-1] = ONE
    return found


def pick(word: Words, table: Words) -> Ints:
    """Return for each word the first place of `table` that is above it."""
    return np.searchsorted(table, word, side="right").astype(np.int64)
