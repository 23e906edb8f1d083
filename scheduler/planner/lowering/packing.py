"""Bins. Rounding to whole bins is kept where every rack is a class of its own."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Ints, Packing
from scheduler.planner.lowering.draft import Draft, LimitRows


def lower_packing(draft: Draft, form: Packing) -> None:
    """Bound the slots of every class; of single racks also the bins."""
    slots = draft.classes.total(form.bins * form.bin_size)
    rows = draft.program.rows(draft.classes.count, high=slots)
    draft.limits.append(LimitRows(id(form), np.arange(draft.classes.count), rows))
    if not draft.classes.is_exact:
        draft.program.entries(rows[draft.rack_class], draft.x, draft.size)
        return
    bin_size = form.bin_size[draft.rack_class]  # a class is a rack here
    group = form.group_of_job[draft.job]
    shares = np.zeros((int(group.max(initial=0)) + 1, draft.classes.count), bool)
    part = (draft.size % bin_size != 0) & (group != NONE)
    shares[group[part], draft.rack_class[part]] = True
    rounded = (group != NONE) & shares[group, draft.rack_class]
    whole = ~rounded
    draft.program.entries(rows[draft.rack_class[whole]], draft.x[whole], draft.size[whole])
    pair_group, pair_rack = np.nonzero(shares)
    if not len(pair_group):
        return
    number = np.full(shares.shape, -1)
    number[pair_group, pair_rack] = np.arange(len(pair_group))
    bins = draft.program.columns(len(pair_group), high=form.bins[pair_rack])
    link = draft.program.rows(len(pair_group), high=0)
    which = number[group[rounded], draft.rack_class[rounded]]
    draft.program.entries(link[which], draft.x[rounded], draft.size[rounded])
    draft.program.entries(link, bins, -form.bin_size[pair_rack])
    draft.program.entries(rows[pair_rack], bins, form.bin_size[pair_rack])
    job, rack, size = draft.job[rounded], draft.rack_class[rounded], draft.size[rounded]

    def used(units: Ints) -> Ints:
        slots = np.bincount(which, units[job, rack] * size, len(pair_group)).astype(np.int64)
        return -(-slots // form.bin_size[pair_rack])

    draft.blocks.append((bins, used))
