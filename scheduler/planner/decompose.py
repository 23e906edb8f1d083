"""A program cut into blocks that meet in few rows, for Dantzig and Wolfe's decomposition.

Columns of one block meet columns of others only in *coupling* rows. With prices on these rows each
block is a small program of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, Ints
from scheduler.planner.program import Arrays


@dataclass(frozen=True, eq=False)
class Block:
    """A small program: its own rows, and what its columns take of the coupling rows."""

    arrays: Arrays  # the block's columns and own rows
    columns: Ints  # (n,) in the whole program
    coupling_row: Ints  # (m,) entries in coupling rows: row among these,
    coupling_column: Ints  # (m,) column of the block
    coupling_value: Ints  # (m,)

    def takes(self, x: Ints, num_coupling: int) -> Ints:
        """Return what a solution takes of each coupling row."""
        taken = np.zeros(num_coupling, np.int64)
        np.add.at(taken, self.coupling_row, self.coupling_value * x[self.coupling_column])
        return taken


@dataclass(frozen=True, eq=False)
class Blocks:
    """The whole: blocks, and what is left when they are cut out."""

    rest: Arrays  # all rows that are no block's own, columns of no block
    rest_rows: Ints  # rows of `rest` in the whole program
    coupling: Ints  # (C,) rows of `rest` that blocks take from
    rest_columns: Ints  # columns of `rest` in the whole program
    blocks: tuple[Block, ...]


def cut(arrays: Arrays, block_of_column: Ints) -> Blocks:
    """Cut `arrays`; `block_of_column` is NONE for columns that stay in the rest."""
    row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
    block = block_of_column[arrays.column]
    least = np.full(arrays.num_rows, np.iinfo(np.int64).max)
    most = np.full(arrays.num_rows, -2)
    np.minimum.at(least, row, block)
    np.maximum.at(most, row, block)
    own = (least == most) & (most != NONE) & (most > NONE)
    rest_rows = np.flatnonzero(~own)
    number = np.full(arrays.num_rows, NONE)
    number[rest_rows] = np.arange(len(rest_rows))
    rest_columns = np.flatnonzero(block_of_column == NONE)
    rest = _part(arrays, row, rest_rows, rest_columns)
    coupled = np.unique(number[row[~own[row] & (block != NONE)]])
    place = np.full(len(rest_rows), NONE)
    place[coupled] = np.arange(len(coupled))
    order = np.argsort(block, kind="stable")
    bounds = np.searchsorted(block[order], np.arange(int(block_of_column.max(initial=-1)) + 2))
    columns_of = _by_block(block_of_column)
    rows_of = _by_block(np.where(own, most, NONE))
    blocks = []
    local = np.full(arrays.num_columns, NONE)
    for b, columns in enumerate(columns_of):
        local[columns] = np.arange(len(columns))
        entries = order[bounds[b] : bounds[b + 1]]
        outside = entries[~own[row[entries]]]
        own_arrays = _part_of(arrays, row, entries[own[row[entries]]], rows_of[b], columns, local)
        blocks.append(
            Block(
                own_arrays,
                columns,
                place[number[row[outside]]],
                local[arrays.column[outside]],
                arrays.value[outside],
            )
        )
    return Blocks(rest, rest_rows, coupled, rest_columns, tuple(blocks))


def _by_block(label: Ints) -> list[Ints]:
    """Return the positions of each label from 0 on."""
    order = np.argsort(label, kind="stable")
    count = int(label.max(initial=-1)) + 1
    bounds = np.searchsorted(label[order], np.arange(count + 1))
    return [np.sort(order[a:b]) for a, b in itertools.pairwise(bounds.tolist())]


def _part(arrays: Arrays, row: Ints, rows: Ints, columns: Ints) -> Arrays:
    local = np.full(arrays.num_columns, NONE)
    local[columns] = np.arange(len(columns))
    inside = np.zeros(arrays.num_rows, bool)
    inside[rows] = True
    entries = np.flatnonzero(inside[row] & (local[arrays.column] != NONE))
    return _part_of(arrays, row, entries, rows, columns, local)


def _part_of(
    arrays: Arrays, row: Ints, entries: Ints, rows: Ints, columns: Ints, local: Ints
) -> Arrays:
    entries = np.sort(entries)
    number = np.searchsorted(rows, row[entries])
    return Arrays(
        low=arrays.low[columns],
        high=arrays.high[columns],
        gain=arrays.gain[columns],
        constant=0,
        row_low=arrays.row_low[rows],
        row_high=arrays.row_high[rows],
        start=np.searchsorted(number, np.arange(len(rows) + 1)),
        column=local[arrays.column[entries]],
        value=arrays.value[entries],
    )
