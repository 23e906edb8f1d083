"""Rack classes: racks that are alike are planned together.

With every rack a class of its own the integer program is exact. With larger classes it is a
relaxation, whose optimum bounds every plan, and mostly one that a plan can follow rack by rack.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.forms import (
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
)


@dataclass(frozen=True, eq=False)
class Classes:
    """A partition of the racks."""

    of_rack: Index  # (R,)

    @cached_property
    def count(self) -> int:
        """Number of classes."""
        return int(self.of_rack.max(initial=-1)) + 1

    @cached_property
    def size(self) -> Ints:
        """Racks in each class, (C,)."""
        return np.bincount(self.of_rack, minlength=self.count).astype(np.int64)

    @cached_property
    def members(self) -> list[Index]:
        """Racks of each class."""
        order = np.argsort(self.of_rack, kind="stable").astype(np.int32)
        return np.split(order, np.cumsum(self.size)[:-1])

    @property
    def is_exact(self) -> bool:
        """Whether every rack is a class of its own."""
        return self.count == len(self.of_rack)

    def total(self, per_rack: Ints) -> Ints:
        """Sum over the racks of each class, (C,)."""
        return np.bincount(self.of_rack, per_rack, self.count).astype(np.int64)


def single_racks(compiled: Compiled) -> Classes:
    """Every rack a class of its own."""
    return Classes(np.arange(compiled.num_racks, dtype=np.int32))


def alike_racks(compiled: Compiled, most: int) -> Classes:
    """Join racks that are alike, in at most about `most` classes.

    Starts from one class and refines form by form, the forms that tell fewest racks apart
    first; a form that would make too many classes is left to the relaxation.
    """
    label = np.zeros(compiled.num_racks, np.int64)
    signatures = [signature(form, compiled) for form in compiled.forms]
    for by in sorted(signatures, key=lambda s: int(s.max(initial=0))):
        finer = labels(label, by)
        if int(finer.max(initial=-1)) < most:
            label = finer
    return Classes(by_first_rack(label))


def signature(form: Form, compiled: Compiled) -> Ints:
    """Label racks so that racks of one label are alike in `form`, (R,)."""
    match form:
        case AssignmentCost():
            return labels(form.kind_of_rack)
        case Packing():
            return labels(form.kind_of_rack, form.bin_size, form.bins)
        case GroupPresence():
            return labels(form.domain_of_rack)
        case GroupCount():
            return _columns_alike(form.domains.rack, form.domains.row, None, compiled.num_racks)
        case LinearLoad():
            rows = form.rows
            columns = _columns_alike(rows.rack, rows.row, rows.weight, compiled.num_racks)
            return labels(columns, form.kind_of_rack)


def labels(*keys: Ints | Index) -> Ints:
    """Number the distinct columns of stacked `keys` from 0 on, and label each column."""
    label = np.unique(np.stack(keys), axis=1, return_inverse=True)[1]
    return np.asarray(label.ravel(), np.int64)


def _columns_alike(racks: Index, rows: Index, weights: Ints | None, num_racks: int) -> Ints:
    """Label racks by their set of (row, weight) entries."""
    order = np.lexsort((rows, racks))
    columns = np.stack([rows, rows if weights is None else weights])[:, order].astype(np.int64)
    start = np.searchsorted(racks[order], np.arange(num_racks + 1))
    known: dict[bytes, int] = {}
    labels = [
        known.setdefault(columns[:, a:b].tobytes(), len(known))
        for a, b in itertools.pairwise(start.tolist())
    ]
    return np.array(labels, np.int64)


def by_first_rack(label: Ints) -> Index:
    """Number classes in the order in which their first rack appears."""
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]


def distinct(keys: list[np.ndarray]) -> tuple[Ints, Ints]:
    """Return the distinct columns of stacked `keys` and how often each occurs."""
    stacked = np.stack([np.asarray(key, np.int64) for key in keys])
    columns, count = np.unique(stacked, axis=1, return_counts=True)
    return columns, count.astype(np.int64)
