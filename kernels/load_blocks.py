"""Linear rows as dense blocks, so that the rows of many plans are products of small matrices.

Racks stand in an order in which those come together that agree in all *far* rows (of many racks):
a far row is a product with sums over such **signatures**. *Near* rows (of few racks) tie racks
together into **cells**; a cell is a small dense matrix. What is too sparse for either stays a row.

Everything runs in float64, which holds integers exactly below 2^53; `LoadBlocks.holds` says
whether the loads of given plans stay there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Index, Ints, Rows
from kernels.linear_table import LinearTable
from kernels.parts.expand import merged

Floats = NDArray[np.float64]

NEAR_RACKS = 256  # a row of more racks is far
BLOCK_FILL = 16  # a cell's matrix has at most so many numbers for each entry of its rows
SHARED_CELLS = 4  # as many cells with the same matrix share it
FAR_NUMBERS = 2**23  # and the matrix of far rows at most so many in all
HELD = 2.0**51  # loads and limits below it leave room for their differences
EXACT = 2.0**53
ONE_THREAD = 2**18  # multiplications that OpenBLAS does without threads


@dataclass(frozen=True, eq=False)
class _Limits:
    """Room of rows, and scale where it is not 1; rows are the last axis."""

    room: Floats  # (..., m) limit - base
    scaled: Ints  # columns of which some row has a scale
    scale: Floats  # (..., scaled)

    @staticmethod
    def build(table: LinearTable, rows: Ints) -> _Limits:
        """Return the limits of rows. One that no load reaches may as well be 2^51."""
        limit = np.clip(table.limit[rows], -(2**51), 2**51)
        room = limit - np.clip(table.base[rows], -(2**51), 2**51)
        scale = table.scale[rows].astype(np.float64)
        scaled = np.flatnonzero((scale != 1).any(axis=tuple(range(rows.ndim - 1))))
        return _Limits(room.astype(np.float64), scaled, scale[..., scaled])

    def excess(self, load: Floats, axes: int | tuple[int, ...]) -> Ints:
        """Return ``ceil(max(0, load - room) / scale)``, summed; `load` is overwritten."""
        load -= self.room
        np.maximum(load, 0.0, out=load)
        if len(self.scaled):
            # Below 2^53 a quotient above an integer stays above it when rounded: ceil is exact.
            load[..., self.scaled] = np.ceil(load[..., self.scaled] / self.scale)
        total = load.sum(axis=axes)
        if total.max(initial=0.0) < EXACT:  # so was every partial sum, as none is negative
            return np.asarray(total.astype(np.int64))
        return np.asarray(load.astype(np.int64).sum(axis=axes))


@dataclass(frozen=True, eq=False)
class _Cells:
    """B cells of n racks and m rows."""

    place: Ints  # (B, n) of racks
    weight: Floats  # (B, n, m), or (n, m) where all are alike
    limits: _Limits  # (B, 1, m), or (B, m)

    def excess(self, load: Floats) -> Ints:
        """Return the excess of each plan from the loads of its racks (P, R), (P,)."""
        own = load.take(self.place, axis=1)  # (P, B, n)
        if self.weight.ndim == 2:  # one large product is far cheaper than many small ones
            rows = _product(own.reshape(-1, own.shape[2]), self.weight)
            return self.limits.excess(rows.reshape(*own.shape[:2], -1), (1, 2))
        return self.limits.excess(own.transpose(1, 0, 2) @ self.weight, (0, 2))


@dataclass(frozen=True, eq=False)
class _Far:
    """Rows over signatures."""

    weight: Floats  # (S, m)
    limits: _Limits  # (m,)

    def excess(self, by_signature: Floats) -> Ints:
        """Return the excess of each plan from the loads of its signatures (P, S), (P,)."""
        return self.limits.excess(_product(by_signature, self.weight), 1)


@dataclass(frozen=True, eq=False)
class _Loose:
    """Rows that stay rows."""

    rows: Rows  # over places
    limits: _Limits  # (m,)

    def excess(self, load: Floats) -> Ints:
        """Return the excess of each plan from the loads of its racks (P, R), (P,)."""
        return self.limits.excess(self.rows.dot(load.astype(np.int64)).astype(np.float64), 1)


class LoadBlocks:
    """The rows of all demand tables as blocks."""

    def __init__(self, table: LinearTable) -> None:
        self.num_tables, self.num_racks = table.kind.shape
        size = table.racks_in_row
        self._heaviest = np.zeros(self.num_tables)  # (Q,)
        np.maximum.at(self._heaviest, table.table, table.weight.astype(np.float64))
        self._most_base = float(np.abs(table.base).max(initial=0))
        self._least_limit = float(table.limit.min(initial=0))
        far = np.flatnonzero(size[table.row] > NEAR_RACKS)
        cells: list[list[tuple[Ints, Ints]]] = []
        for q in range(self.num_tables):
            near = np.flatnonzero((table.table == q) & (size[table.row] <= NEAR_RACKS))
            dense, sparse = _cells(table, near, self.num_racks)
            cells.append(dense)
            far = np.concatenate((far, sparse))
        signature = _signatures(table, far, self.num_racks)
        order = np.argsort(signature, kind="stable")
        self.place = np.empty(self.num_racks, np.int64)  # (R,) of every rack in the order here
        self.place[order] = np.arange(self.num_racks)
        self._first = np.searchsorted(signature[order], np.arange(signature.max(initial=-1) + 1))
        self._near = [
            [one for each in own for one in _as_cells(table, self.place, *each)] for own in cells
        ]
        self._far: list[_Far | None] = []
        self._loose: list[_Loose | None] = []
        for q in range(self.num_tables):
            own = far[table.table[far] == q]
            rows = np.unique(np.concatenate((table.row[own], _empty(table, q))))
            few = len(rows) * len(self._first) <= FAR_NUMBERS
            self._far.append(self._as_far(table, signature, own, rows) if few else None)
            self._loose.append(None if few else self._as_loose(table, own, rows))

    def holds(self, drawn: Floats) -> NDArray[np.bool_]:
        """Return whether plans are exact here whose units draw at most so much in all.

        Parameters
        ----------
        drawn : (P, Q) sum of absolute loads of a plan, by demand table
        """
        most = (drawn * self._heaviest).max(axis=1, initial=0.0) + self._most_base
        return np.asarray((most < HELD) & (self._least_limit > -HELD))

    def excess(self, load: Floats) -> Ints:
        """Return the excess of all rows of each plan, (P,).

        Parameters
        ----------
        load : (Q, P, R) loads of racks by demand table, racks in the order of `place`
        """
        total = np.zeros(load.shape[1], np.int64)
        for q in range(self.num_tables):
            for cells in self._near[q]:
                total += cells.excess(load[q])
            far, loose = self._far[q], self._loose[q]
            if far is not None and len(far.limits.room):
                total += far.excess(np.add.reduceat(load[q], self._first, axis=1))
            if loose is not None:
                total += loose.excess(load[q])
        return total

    def _as_far(self, table: LinearTable, signature: Ints, own: Ints, rows: Ints) -> _Far:
        weight = np.zeros((len(self._first), len(rows)))
        weight[signature[table.rack[own]], np.searchsorted(rows, table.row[own])] = table.weight[
            own
        ]
        return _Far(weight, _Limits.build(table, rows))

    def _as_loose(self, table: LinearTable, own: Ints, rows: Ints) -> _Loose:
        own = own[np.argsort(table.row[own], kind="stable")]
        start = np.append(np.searchsorted(table.row[own], rows), len(own))
        places = self.place[table.rack[own]].astype(np.int32)
        return _Loose(Rows(start, places, table.weight[own]), _Limits.build(table, rows))


def _product(rows: Floats, weight: Floats) -> Floats:
    """Return ``rows @ weight``, in pieces that BLAS does without threads.

    The products are too small to gain from threads, which wait badly where cores are busy.
    """
    product = np.empty((len(rows), weight.shape[1]))
    width = max(1, ONE_THREAD // max(1, 8 * len(weight)))
    for left in range(0, weight.shape[1], width):
        part = weight[:, left : left + width]
        height = max(2, ONE_THREAD // max(1, part.size))
        for top in range(0, len(rows), height):
            some = rows[top : top + height]
            # A single row would be a product with a vector, for which BLAS takes threads early.
            found = some @ part if len(some) > 1 else np.einsum("pn,nm->pm", some, part)
            product[top : top + height, left : left + width] = found
    return product


_BLOCKS: WeakKeyDictionary[LinearTable, LoadBlocks] = WeakKeyDictionary()


def load_blocks(table: LinearTable) -> LoadBlocks:
    """Return the blocks of a table, which are made once: every base of a problem shares them."""
    if table not in _BLOCKS:
        _BLOCKS[table] = LoadBlocks(table)
    return _BLOCKS[table]


def _empty(table: LinearTable, q: int) -> Ints:
    """Return the rows of a demand table that hold no rack: their base may be above the limit."""
    return np.flatnonzero((table.table_of_row == q) & (table.racks_in_row == 0))


def _cells(table: LinearTable, near: Ints, num_racks: int) -> tuple[list[tuple[Ints, Ints]], Ints]:
    """Return ([(entries, cell of each)] by shape of cell, entries that fill a cell too little)."""
    cell = _tied(table.row[near], table.rack[near], table.num_rows, num_racks)[table.rack[near]]
    entries = np.bincount(cell, minlength=num_racks)
    racks, rows = (
        np.bincount(np.unique(cell * span + each[near]) // span, minlength=num_racks)
        for each, span in ((table.rack, num_racks), (table.row, max(1, table.num_rows)))
    )
    dense = racks * rows <= BLOCK_FILL * entries
    shape = (racks * (rows.max(initial=0) + 1) + rows)[cell]
    by_shape = [
        (near[own], cell[own])
        for own in (np.flatnonzero((shape == s) & dense[cell]) for s in np.unique(shape).tolist())
        if len(own)
    ]
    return by_shape, near[~dense[cell]]


def _as_cells(table: LinearTable, place: Ints, entry: Ints, cell: Ints) -> Iterator[_Cells]:
    """Yield cells of one shape as matrices; those that many cells share stand once."""
    number = np.unique(cell, return_inverse=True)[1]
    rack, slot = _within(number, table.rack[entry], len(place))
    row, column = _within(number, table.row[entry], table.num_rows)
    weight = np.zeros((len(rack), rack.shape[1], row.shape[1]))
    weight[number, slot, column] = table.weight[entry]
    flat, like = np.unique(weight.reshape(len(rack), -1), axis=0, return_inverse=True)
    shared = np.flatnonzero(np.bincount(like, minlength=len(flat)) >= SHARED_CELLS)
    others = np.flatnonzero(~np.isin(like, shared))
    for s in shared.tolist():
        some = np.flatnonzero(like == s)
        yield _Cells(place[rack[some]], weight[some[0]], _Limits.build(table, row[some]))
    if len(others):
        limits = _Limits.build(table, row[others][:, None])
        yield _Cells(place[rack[others]], weight[others], limits)


def _within(number: Ints, member: Index, span: int) -> tuple[Ints, Ints]:
    """Return (the members of every cell (B, n), the place of each entry's member in its cell)."""
    keys, inverse = np.unique(number * span + member, return_inverse=True)
    members = (keys % span).reshape(int(number.max()) + 1, -1)
    return members, inverse % members.shape[1]


def _tied(row: Index, rack: Index, num_rows: int, num_racks: int) -> Ints:
    """Return the first rack of the set that rows tie every rack to, (R,)."""
    label = np.arange(num_racks)
    while True:
        least = np.full(num_rows, num_racks)
        np.minimum.at(least, row, label[rack])
        after = label.copy()
        np.minimum.at(after, rack, least[row])
        after = after[after]  # a label is a rack whose own label is at most as large
        if (after == label).all():
            return label
        label = after


def _signatures(table: LinearTable, far: Ints, num_racks: int) -> Ints:
    """Number the sets of far rows, with their weights, that racks lie in, (R,)."""
    number = np.zeros(num_racks, np.int64)
    for column in _columns(table, far, num_racks):
        number = merged([number, column])[1]
        if number.max(initial=0) == num_racks - 1:
            break
    return number


def _columns(table: LinearTable, far: Ints, num_racks: int) -> Iterator[Ints]:
    """Yield the n-th far row of every rack, then its weight, for all n."""
    far = far[np.lexsort((table.row[far], table.rack[far]))]
    start = np.searchsorted(table.rack[far], np.arange(num_racks + 1))
    for n in range(int(np.diff(start).max(initial=0))):
        some = np.flatnonzero(np.diff(start) > n)
        for each in (table.row, table.weight):
            column = np.full(num_racks, -1, np.int64)
            column[some] = each[far[start[some] + n]]
            yield column
