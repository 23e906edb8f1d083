"""Which jobs, and which columns, belong to a group that keeps its domains to itself."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Compiled, GroupPresence, Ints
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.lots import Lots
from scheduler.planner.lowering import Lowered
from scheduler.planner.program import Arrays

UNKNOWN = -2
ROUNDS = 4  # presence is one row away from placement, prices of further domains two


def blocks_of_jobs(compiled: Compiled) -> tuple[Ints, tuple[str, ...]]:
    """Return the block of every job, NONE for those that share, and the names of the blocks."""
    block = np.full(compiled.num_jobs, NONE, np.int64)
    names: list[str] = []
    for form in compiled.forms:
        if not isinstance(form, GroupPresence):
            continue
        for group in np.flatnonzero(exclusive_groups(form)).tolist():
            jobs = np.flatnonzero(form.group_of_job == group)
            if len(jobs) and (block[jobs] == NONE).all():
                block[jobs] = len(names)
                names.append(form.group_names[group])
    return block, tuple(names)


def blocks_of_columns(lowered: Lowered, lots: Lots, block_of_job: Ints) -> Ints:
    """Return the block of every column: of its job, or of all columns that it meets in a row.

    A column stays in the rest (NONE) unless some row joins it to columns of one block alone. Any
    answer gives a valid bound; more columns in blocks give a better one.
    """
    of_lot = np.full(lots.compiled.num_jobs, NONE, np.int64)
    of_lot[lots.of_job] = block_of_job
    block = np.full(lowered.arrays.num_columns, UNKNOWN, np.int64)
    block[lowered.column] = of_lot[lowered.job]
    for _ in range(ROUNDS):
        found = _joined(lowered.arrays, block)
        if not len(found[0]):
            break
        block[found[0]] = found[1]
    return np.where(block == UNKNOWN, NONE, block)


def _joined(arrays: Arrays, block: Ints) -> tuple[Ints, Ints]:
    """Return columns of no known block that share a row with known ones of one block only."""
    row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
    of_entry = block[arrays.column]
    known = of_entry != UNKNOWN
    least = np.full(arrays.num_rows, np.iinfo(np.int64).max)
    most = np.full(arrays.num_rows, UNKNOWN)
    np.minimum.at(least, row[known], of_entry[known])
    np.maximum.at(most, row[known], of_entry[known])
    pure = (least == most) & (most >= 0)
    entry = np.flatnonzero(~known & pure[row])
    joined = np.full(arrays.num_columns, UNKNOWN)
    np.maximum.at(joined, arrays.column[entry], most[row[entry]])
    columns = np.flatnonzero(joined >= 0)
    return columns, joined[columns]
