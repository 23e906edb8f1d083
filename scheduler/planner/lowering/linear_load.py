"""Rows over loads: one column a class carries the load of all jobs there."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, UNLIMITED, Ints, LinearLoad
from scheduler.planner.loads import can_bind
from scheduler.planner.lowering.draft import Draft, LimitRows, least_of_class
from scheduler.planner.lowering.load_sums import add_load_sums


def lower_linear_load(draft: Draft, form: LinearLoad) -> None:
    """Rows over classes, with the least weight of a class's racks: never too strict."""
    rows, classes = form.rows, draft.classes
    kept = can_bind(form, draft.compiled)
    row, rack_class, least = class_weights(draft, form)
    summed = _row_of_its_class(form, row, rack_class)
    high = np.maximum(form.limit, form.base) - form.base
    demand = least_of_class(draft.classes, form.demand, form.kind_of_rack)[
        draft.job, draft.rack_class
    ]
    if (form.demand < 0).any():
        _brought_capacity(draft, demand, summed, high)
        return
    torn = np.zeros(rows.num_rows, bool)
    torn[row[least == 0]] = True
    add_load_sums(draft, form, demand, torn)
    inside = kept[row] & (least > 0)
    row, rack_class, least = row[inside], rack_class[inside], least[inside]
    used = np.unique(row)
    carried = np.unique(rack_class)
    if not len(used):
        return
    load = _load_columns(draft, demand, carried)
    number = np.full(rows.num_rows, -1)
    number[used] = draft.program.rows(len(used), high=high[used])
    draft.limits.append(LimitRows(id(form), used, number[used]))
    position = np.full(classes.count, -1)
    position[carried] = load
    draft.program.entries(number[row], position[rack_class], least)


def class_weights(draft: Draft, form: LinearLoad) -> tuple[Ints, Ints, Ints]:
    """Return (row, class, least weight over the class's racks) for every pair that meets."""
    rows = form.rows
    key = rows.row.astype(np.int64) * draft.classes.count + draft.classes.of_rack[rows.rack]
    pairs, index = np.unique(key, return_inverse=True)
    least = np.full(len(pairs), UNLIMITED, np.int64)
    np.minimum.at(least, index, rows.weight)
    racks = np.bincount(index, minlength=len(pairs))
    row, rack_class = np.divmod(pairs, draft.classes.count)
    least[racks < draft.classes.size[rack_class]] = 0
    return row, rack_class, least


def _row_of_its_class(form: LinearLoad, row: Ints, rack_class: Ints) -> Ints:
    """Return the class of every row that touches one class only, else NONE, (I,)."""
    touched = np.bincount(row, minlength=form.rows.num_rows)
    of_row = np.full(form.rows.num_rows, NONE, np.int64)
    of_row[row] = rack_class
    return np.where(touched == 1, of_row, NONE)


def _brought_capacity(draft: Draft, demand: Ints, class_of_row: Ints, high: Ints) -> None:
    """Rows of single classes, added up: what is used is at most what is brought there."""
    single = class_of_row != NONE
    total = np.bincount(class_of_row[single], high[single], draft.classes.count)
    rows = draft.program.rows(draft.classes.count, high=total.astype(np.int64))
    draft.program.entries(rows[draft.rack_class], draft.x, demand)


def _load_columns(draft: Draft, demand: Ints, carried: Ints) -> Ints:
    """Add one column a class that is at least the load there; return the columns."""
    position = np.full(draft.classes.count, -1)
    position[carried] = np.arange(len(carried))
    here = np.flatnonzero((position[draft.rack_class] >= 0) & (demand > 0))
    where = position[draft.rack_class[here]]
    most = _most_load(draft, demand)[carried]
    load = draft.program.columns(len(carried), high=most)
    rows = draft.program.rows(len(carried), high=0)
    draft.program.entries(rows[where], draft.x[here], demand[here])
    draft.program.entries(rows, load, -1)
    job, rack_class, watts = draft.job[here], draft.rack_class[here], demand[here]

    def values(units: Ints) -> Ints:
        return np.bincount(where, units[job, rack_class] * watts, len(carried)).astype(np.int64)

    draft.blocks.append((load, values))
    return load


def _most_load(draft: Draft, demand: Ints) -> Ints:
    """Return what the jobs of each class draw at most: all of them, or the hungriest that fit.

    A bound by prices counts every column at its most, so there it has to be close.
    """
    count, packing = draft.classes.count, draft.compiled.packing
    drawn = np.maximum(demand, 0) * draft.most[draft.job, draft.rack_class]
    asked = np.bincount(draft.rack_class, drawn, count)
    if packing is None or not draft.by_kind:
        return asked.astype(np.int64)
    binned = draft.size > 0
    free = np.bincount(draft.rack_class[~binned], drawn[~binned], count)
    hungriest = np.zeros(count)
    per_slot = np.maximum(demand, 0)[binned] / draft.size[binned]
    np.maximum.at(hungriest, draft.rack_class[binned], per_slot)
    slots = draft.classes.total(packing.bins * packing.bin_size)
    return np.ceil(np.minimum(asked, free + slots * hungriest * (1 + 1e-9))).astype(np.int64)
