"""Ragged index arithmetic that several parts of the sweep share."""

from __future__ import annotations

import numpy as np

from kernels.forms import Ints


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
            keys = number * span + (label - low)
            _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    return first, number
