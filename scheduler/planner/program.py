"""An integer program as sparse arrays: filled block by block, solved by any solver."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from kernels.forms import Ints

FREE = 2**60  # "no bound" of a row, in integers


@dataclass
class Program:
    """Maximise ``objective @ x + constant`` with ``row_low <= A x <= row_high``, x integer.

    Columns and rows are added in blocks of arrays; `finish` turns them into arrays.
    """

    num_columns: int = 0
    num_rows: int = 0
    constant: int = 0
    _columns: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    _rows: list[tuple[Ints, Ints]] = field(default_factory=list)
    _entries: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    _gains: list[tuple[Ints, Ints]] = field(default_factory=list)

    def columns(
        self, count: int, *, low: ArrayLike = 0, high: ArrayLike = 1, gain: ArrayLike = 0
    ) -> Ints:
        """Add `count` integer columns and return their numbers."""
        self._columns.append((_spread(low, count), _spread(high, count), _spread(gain, count)))
        self.num_columns += count
        return np.arange(self.num_columns - count, self.num_columns)

    def rows(self, count: int, *, low: ArrayLike = -FREE, high: ArrayLike = FREE) -> Ints:
        """Add `count` rows and return their numbers."""
        self._rows.append((_spread(low, count), _spread(high, count)))
        self.num_rows += count
        return np.arange(self.num_rows - count, self.num_rows)

    def entries(self, rows: ArrayLike, columns: ArrayLike, values: ArrayLike) -> None:
        """Add coefficients; the three arrays are broadcast against one another."""
        row, column, value = (
            np.asarray(each, np.int64).ravel()
            for each in np.broadcast_arrays(rows, columns, values)
        )
        kept = value != 0
        self._entries.append((row[kept], column[kept], value[kept]))

    def gain(self, columns: ArrayLike, values: ArrayLike) -> None:
        """Add to the objective coefficients of columns that exist already."""
        self._gains.append((np.asarray(columns, np.int64), np.asarray(values, np.int64)))

    def finish(self) -> Arrays:
        """Return the program as arrays, rows compressed and sorted, duplicates added up."""
        low, high, gain = (_join([block[i] for block in self._columns]) for i in range(3))
        for columns, values in self._gains:
            np.add.at(gain, columns, values)
        row_low, row_high = (_join([block[i] for block in self._rows]) for i in range(2))
        row, column, value = (_join([block[i] for block in self._entries]) for i in range(3))
        row, column, value = _add_up(row, column, value, self.num_columns)
        start = np.searchsorted(row, np.arange(self.num_rows + 1))
        return Arrays(low, high, gain, self.constant, row_low, row_high, start, column, value)


@dataclass(frozen=True, eq=False)
class Arrays:
    """A finished program. Rows are compressed: row i has entries ``start[i]:start[i + 1]``."""

    low: Ints
    high: Ints
    gain: Ints
    constant: int
    row_low: Ints
    row_high: Ints
    start: Ints
    column: Ints
    value: Ints

    @property
    def num_columns(self) -> int:
        """Number of variables."""
        return len(self.low)

    @property
    def num_rows(self) -> int:
        """Number of constraints."""
        return len(self.row_low)

    def objective(self, x: Ints) -> int:
        """Exact objective of `x`."""
        return int(self.gain @ x) + self.constant

    def with_gain(self, gain: Ints) -> Arrays:
        """Return the same program with another objective, without a constant."""
        return replace(self, gain=gain, constant=0)

    def with_row(self, columns: Ints, values: Ints, low: int) -> Arrays:
        """Return the program with one more row: ``values @ x[columns] >= low``."""
        kept = values != 0
        return replace(
            self,
            row_low=np.append(self.row_low, low),
            row_high=np.append(self.row_high, FREE),
            start=np.append(self.start, self.start[-1] + kept.sum()),
            column=np.append(self.column, columns[kept]),
            value=np.append(self.value, values[kept]),
        )


def _spread(values: ArrayLike, count: int) -> Ints:
    return np.broadcast_to(np.asarray(values, np.int64), count)


def _join(blocks: list[Ints]) -> Ints:
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int64)


def _add_up(row: Ints, column: Ints, value: Ints, num_columns: int) -> tuple[Ints, Ints, Ints]:
    order = np.argsort(row * num_columns + column, kind="stable")
    row, column, value = row[order], column[order], value[order]
    first = np.ones(len(row), bool)
    first[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    heads = np.flatnonzero(first)
    if len(heads) == len(row):
        return row, column, value
    return row[heads], column[heads], np.add.reduceat(value, heads)
