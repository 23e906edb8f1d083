"""Who keeps a domain keeps all that it holds: what is gone for everybody else."""

from __future__ import annotations

import numpy as np

from kernels.forms import Bools, Ints
from scheduler.planner.lowering.draft import Draft, Present
from scheduler.planner.lowering.kinds import runs


def exclude(
    draft: Draft, found: Present, exclusive: Bools, there: Bools, group: Ints, cell: Ints
) -> Ints:
    """What exclusive groups hold, nobody else uses; return the rows of slots, by class or cell."""
    kinds, present = found.kinds, found.column
    owned = np.flatnonzero(exclusive[found.group])
    shared = there.copy()
    shared[there] = ~exclusive[group[there]]
    cells, cell_of_pair = found.cells, kinds.cell[found.kind]
    if draft.by_kind:
        of_slots = _exclude_by_class(draft, found, owned, shared)
        rows = draft.program.rows(kinds.count, high=kinds.domains)
        draft.program.entries(rows[found.kind[owned]], present[owned], 1)
    else:
        of_slots = rows = draft.program.rows(len(cells.slots), high=cells.slots)
        least = cells.least_slots[cell_of_pair[owned]]
        draft.program.entries(rows[cell_of_pair[owned]], present[owned], least)
        draft.program.entries(rows[cell[shared]], draft.x[shared], draft.size[shared])
    single = shared & (draft.size == 0)
    single[single] = cells.domains[cell[single]] == 1
    free = np.flatnonzero(single)
    most = draft.most_here()
    rows = draft.program.rows(len(free), high=most[free])
    draft.program.entries(rows, draft.x[free], 1)
    for row, column in zip(rows.tolist(), free.tolist(), strict=True):
        owners = present[owned[cell_of_pair[owned] == cell[column]]]
        draft.program.entries(row, owners, most[column])
    return of_slots


def _exclude_by_class(draft: Draft, found: Present, owned: Ints, shared: Bools) -> Ints:
    """On every class: what others use, and all that kept domains hold there, are its slots."""
    rows = draft.program.rows(draft.classes.count, high=slots_of_classes(draft))
    draft.program.entries(rows[draft.rack_class[shared]], draft.x[shared], draft.size[shared])
    rack_class, columns, least = what_is_kept(found, owned)
    draft.program.entries(rows[rack_class], columns, least)
    return rows


def slots_of_classes(draft: Draft) -> Ints:
    """Return the slots of every class, (C,)."""
    packing = draft.compiled.packing
    if packing is None:
        return draft.classes.size
    return draft.classes.total(packing.bins * packing.bin_size)


def what_is_kept(found: Present, owned: Ints) -> tuple[Ints, Ints, Ints]:
    """Return class, column and least slots there, of what the domains of `owned` pairs hold."""
    kinds = found.kinds
    start = np.searchsorted(kinds.kind, np.arange(kinds.count + 1))
    kind = found.kind[owned]
    pair, place = runs(np.diff(start)[kind])
    entry = start[kind[pair]] + place
    return kinds.rack_class[entry], found.column[owned][pair], kinds.least[entry]
