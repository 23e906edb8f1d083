"""What must not be split, whole: a mixed program on top of the decomposition.

Prices alone leave large jobs and kept domains in parts: a third of a hall for a group, half of a
job of thousands of GPUs. In this program they are whole, all else is divisible. What the groups
answered in the decomposition stays true in it: at any prices y, what group g has of x is worth

    ``(c - y A)_g x_g <= z_g(y)``

a row for every group and question. Rounded as they are, the rows prove almost all that the prices
did; the least bound of all counts in any case.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernels.forms import NONE, Bools, Compiled, GroupPresence, Ints
from scheduler.planner.bound.columns import Decomposition, Lagrangian
from scheduler.planner.bound.outline import Outline
from scheduler.planner.bound.pricing import worth
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.decompose import Block
from scheduler.planner.lots import slots_of_unit
from scheduler.planner.program import FREE, Arrays
from scheduler.planner.reserve import is_wide
from scheduler.planner.solvers.weak_duality import PRICE_SCALE

LARGE = 1 / 200  # of all slots: a job that takes more is whole
MOST_QUESTIONS = 2  # of the decomposition that become rows, the tightest ones
COEFFICIENT = 2**20  # the largest of a row, for the sake of the solver


def large_jobs(compiled: Compiled) -> Bools:
    """Return which jobs are gangs that take a good part of the site, (J,)."""
    packing, units = compiled.packing, compiled.units
    if packing is None:
        return np.zeros(compiled.num_jobs, bool)
    total = int((packing.bins * packing.bin_size).sum())
    slots = slots_of_unit(compiled) * units.most
    gang = (units.least > 1) & (packing.group_of_job != NONE)
    return np.asarray(gang & (slots > LARGE * total))


def whole_columns(outline: Outline) -> Bools:
    """Return the columns that must be whole: of large jobs, and of wide domains that are kept."""
    lots, lowered = outline.lots.compiled, outline.lowered
    whole = np.zeros(outline.arrays.num_columns, bool)
    whole[lowered.active[large_jobs(lots)[lowered.gangs]]] = True
    for position, form in enumerate(lots.forms):
        if not isinstance(form, GroupPresence) or position not in lowered.present:
            continue
        present = lowered.present[position]
        if is_wide(form):
            whole[present.column[exclusive_groups(form)[present.group]]] = True
    return whole


def with_answers(arrays: Arrays, columns: Decomposition) -> Arrays:
    """Return the program with a row for what every group answered to the best questions."""
    asked = sorted(columns.asked, key=lambda each: each.total)[:MOST_QUESTIONS]
    rows = [
        _row(block, prices, most)
        for question in asked
        for block, prices, most in _answers(columns, question)
        if (block.arrays.low >= 0).all()
    ]
    if not rows:
        return arrays
    sizes = [len(row_columns) for row_columns, _, _ in rows]
    return replace(
        arrays,
        row_low=np.append(arrays.row_low, np.full(len(rows), -FREE)),
        row_high=np.append(arrays.row_high, np.array([most for _, _, most in rows], np.int64)),
        start=np.append(arrays.start, arrays.start[-1] + np.cumsum(sizes)),
        column=np.concatenate((arrays.column, *(row_columns for row_columns, _, _ in rows))),
        value=np.concatenate((arrays.value, *(values for _, values, _ in rows))),
    )


def _answers(columns: Decomposition, asked: Lagrangian) -> list[tuple[Block, Ints, int]]:
    prices = np.rint(asked.prices * PRICE_SCALE).astype(np.int64)[columns.blocks.coupling]
    return [
        (block, prices, most)
        for block, most in zip(columns.blocks.blocks, asked.of_blocks, strict=True)
    ]


def _row(block: Block, prices: Ints, most: int) -> tuple[Ints, Ints, int]:
    """Return columns, coefficients rounded down and the limit rounded up, all scaled alike."""
    exact = [int(each) for each in worth(block, prices).tolist()]
    scale = 1
    while max(map(abs, exact), default=0) // scale > COEFFICIENT:
        scale *= 2
    value = np.array([each // scale for each in exact], np.int64)
    kept = np.flatnonzero(value)
    return block.columns[kept], value[kept], -(-most // scale)
