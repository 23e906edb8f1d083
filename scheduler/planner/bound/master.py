"""The restricted master: the best mix of known columns and of what is left outside the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Bools, Ints
from scheduler.planner.decompose import Block, Blocks
from scheduler.planner.program import FREE, Arrays
from scheduler.planner.solvers import Relaxed, solve_relaxed
from scheduler.planner.solvers.running import Stop


@dataclass(frozen=True, eq=False)
class Column:
    """A solution of a block, as the master sees it."""

    block: int
    gain: int
    rows: Ints  # coupling rows of which it takes, numbered as rows of the rest
    takes: Ints
    x: Ints


@dataclass(eq=False)
class Master:
    """Known columns of all blocks, and the program that mixes them.

    ``max gain @ x + sum_n gain_n * share_n`` over the rest's columns x and shares that add up to
    at most 1 in every block: no column at all is a column too.
    """

    blocks: Blocks
    columns: list[Column] = field(default_factory=list)
    _known: set[tuple[int, bytes]] = field(default_factory=set)

    def add(self, number: int, x: Ints) -> bool:
        """Add a solution of a block, unless it is known; return whether it is new."""
        key = number, x.tobytes()
        if key in self._known:
            return False
        self._known.add(key)
        block = self.blocks.blocks[number]
        takes = block.takes(x, len(self.blocks.coupling))
        some = np.flatnonzero(takes)
        gain = int(block.arrays.gain @ x)
        self.columns.append(Column(number, gain, self.blocks.coupling[some], takes[some], x))
        return True

    def add_point(self, x: Ints) -> None:
        """Add what a solution of the whole program has in every block where it keeps the rows."""
        for number, block in enumerate(self.blocks.blocks):
            if _is_feasible(block, x[block.columns]):
                self.add(number, x[block.columns])

    @property
    def is_share(self) -> Bools:
        """Which columns of `arrays` are shares of block columns."""
        num_rest = self.blocks.rest.num_columns
        return np.arange(num_rest + len(self.columns)) >= num_rest

    def arrays(self) -> Arrays:
        """Return the program; its first rows are those of the rest."""
        rest, columns = self.blocks.rest, self.columns
        count, num_blocks = len(columns), len(self.blocks.blocks)
        share = rest.num_columns + np.arange(count)
        row = np.concatenate(
            (
                np.repeat(np.arange(rest.num_rows), np.diff(rest.start)),
                *(column.rows for column in columns),
                np.array([rest.num_rows + column.block for column in columns], np.int64),
            )
        )
        taking = np.repeat(share, [len(column.rows) for column in columns])
        column = np.concatenate((rest.column, taking, share))
        value = np.concatenate(
            (rest.value, *(each.takes for each in columns), np.ones(count, np.int64))
        )
        order = np.argsort(row, kind="stable")
        return Arrays(
            low=np.append(rest.low, np.zeros(count, np.int64)),
            high=np.append(rest.high, np.ones(count, np.int64)),
            gain=np.append(rest.gain, np.array([each.gain for each in columns], np.int64)),
            constant=0,
            row_low=np.append(rest.row_low, np.full(num_blocks, -FREE)),
            row_high=np.append(rest.row_high, np.ones(num_blocks, np.int64)),
            start=np.searchsorted(row[order], np.arange(rest.num_rows + num_blocks + 1)),
            column=column[order],
            value=value[order],
        )

    def solve(self, time_limit_s: float, stop: Stop) -> Relaxed | None:
        """Solve the linear relaxation; its first prices are those of the rest's rows."""
        return solve_relaxed(self.arrays(), time_limit_s=time_limit_s, stop=stop)

    def whole(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a solution of `arrays` as one of the whole program."""
        blocks = self.blocks
        num_rest = blocks.rest.num_columns
        size = num_rest + sum(block.arrays.num_columns for block in blocks.blocks)
        found = np.zeros(size)
        found[blocks.rest_columns] = x[:num_rest]
        for column, share in self.used(x):
            found[blocks.blocks[column.block].columns] += share * column.x
        return found

    def used(self, x: NDArray[np.float64]) -> Iterator[tuple[Column, float]]:
        """Yield the block columns of which a solution of `arrays` has a share."""
        for column, share in zip(self.columns, x[self.blocks.rest.num_columns :], strict=True):
            if share > 1e-9:
                yield column, float(share)


def _is_feasible(block: Block, x: Ints) -> bool:
    arrays = block.arrays
    row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
    sums = np.zeros(arrays.num_rows, np.int64)
    np.add.at(sums, row, arrays.value * x[arrays.column])
    inside = (arrays.low <= x).all() and (x <= arrays.high).all()
    return bool(inside and (arrays.row_low <= sums).all() and (sums <= arrays.row_high).all())
