"""Sums by key, without sorting where it can be.

Every form adds up what moves change by the keys that it looks at, (plan, row), (plan, group,
domain) and so on; only keys that are touched cost time. Moves are not netted first: sums do not
need it.
"""

from __future__ import annotations

import numpy as np

from kernels.forms import Index, Ints

SCRATCH_KEYS = 2**24  # keys up to here are told apart by a table, above by sorting
SPARSE_KEYS = 2**18  # the same, where they are no more than one key in SPARSE
SPARSE = 256
TABLE_KEYS = 2**22  # sums of the base up to here are looked up in a table, above by bisection


def split(keys: Ints, span: int) -> tuple[Ints, Ints]:
    """Return what was put into ``first * span + second``."""
    span = max(1, span)
    first: Ints = keys // span
    return first, keys - first * span


class KeySums:
    """Adds values up by key. Keeps the table that tells keys apart from one call to the next."""

    def __init__(self) -> None:
        self._owner = np.empty(0, np.int32)

    def sums(self, keys: Ints, values: Ints, span: int) -> tuple[Ints, Ints]:
        """Return every key once, in any order, and the sum of its values; sums of 0 are kept.

        Keys lie in ``0..span - 1``.
        """
        owner = self._owners(keys, span)
        heads = np.flatnonzero(owner == np.arange(len(keys)))
        sums = np.zeros(len(keys), np.int64)
        np.add.at(sums, owner, values)
        return keys[heads], sums[heads]

    def places(self, keys: Ints, span: int) -> tuple[Ints, Ints]:
        """Return (every key once, in any order, the place there of each that was given)."""
        owner = self._owners(keys, span)
        heads = np.flatnonzero(owner == np.arange(len(keys)))
        place = np.empty(len(keys), np.int64)
        place[heads] = np.arange(len(heads))
        return keys[heads], place[owner]

    def has_twins(self, keys: Ints, span: int) -> bool:
        """Return whether a key comes more than once."""
        return bool((self._owners(keys, span) != np.arange(len(keys))).any())

    def _owners(self, keys: Ints, span: int) -> Ints | Index:
        """Return the place of one and the same key of its kind for every key."""
        if span > min(SCRATCH_KEYS, max(SPARSE_KEYS, SPARSE * len(keys))):
            _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
            owners: Ints = first[inverse]
            return owners
        if len(self._owner) < span:
            self._owner = np.empty(min(SCRATCH_KEYS, 2 * span), np.int32)
        # The table is never cleared: only places that were just written are read.
        self._owner[keys] = np.arange(len(keys), dtype=np.int32)
        return self._owner[keys]


class BaseSums:
    """Sums of the base plan by key, 0 where there is none."""

    def __init__(self, keys: Ints, sums: Ints, span: int) -> None:
        self._keys, self._sums = keys, sums  # ascending
        self._table: Ints | None = None
        if span <= TABLE_KEYS:
            self._table = np.zeros(span, np.int64)
            self._table[keys] = sums

    def at(self, asked: Ints) -> Ints:
        """Return the sums of the keys."""
        if self._table is not None:
            return self._table[asked]
        if not len(self._keys):
            return np.zeros(len(asked), np.int64)
        at = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        return np.where(self._keys[at] == asked, self._sums[at], 0)
