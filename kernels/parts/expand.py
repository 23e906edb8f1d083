"""Ragged index arithmetic that several parts of the sweep share."""

from __future__ import annotations

import numpy as np

from kernels.forms import Ints

MOST_SLOTS = 16  # for each key: a table with one slot for each key that could be, else a sort


def ranges(first: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Return every (i, n) with ``first[i] <= n < end[i]``, by i, then n."""
    length = np.maximum(end - first, 0)
    which = np.repeat(np.arange(len(length)), length)
    ends = np.cumsum(length)
    return which, np.arange(len(which)) - (ends - length)[which] + first[which]


def merged(labels: list[Ints]) -> tuple[Ints, Ints]:
    """Return (label of the first of each distinct row, number of every row) of equal columns.

    The number of a row is that of its distinct combination of labels, in sorted order.
    """
    number = np.zeros(len(labels[0]), np.int64)
    first = np.zeros(min(1, len(number)), np.int64)
    for label in labels:
        low = int(label.min(initial=0))
        span = int(label.max(initial=0)) - low + 1
        if span > 1:
            first, number = _numbered(number * span + (label - low), len(first) * span)
    return first, number


def _numbered(keys: Ints, size: int) -> tuple[Ints, Ints]:
    """Return (first of each distinct key, number of every key) of keys below `size`, in order."""
    if size > MOST_SLOTS * len(keys):
        _, first, number = np.unique(keys, return_index=True, return_inverse=True)
        return first, number
    there = np.zeros(size, bool)
    there[keys] = True
    number = (np.cumsum(there) - 1)[keys]
    first = np.empty(int(there.sum()), np.int64)
    first[number[::-1]] = np.arange(len(keys))[::-1]  # of equal places the last one written stays
    return first, number
