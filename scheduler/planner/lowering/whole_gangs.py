"""Gangs that lie whole in one domain: rows that let a solver count how many fit.

A gang of which all units lie in one domain takes its whole size there or nothing. Said per
rack class this is lost in fractions; said per domain it is a knapsack, which solvers cut well.
A gang may be bound in several ways (one pod, and one GPU type): what counts is where the domains
meet.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from kernels.forms import NONE, GroupPresence, Ints
from scheduler.planner.lowering.cells import Cells
from scheduler.planner.lowering.draft import Draft


def lower_whole_gangs(draft: Draft) -> None:
    """Bind every such gang to one place, and bound what the gangs of a place take together."""
    gangs_of: dict[bytes, list[int]] = defaultdict(list)
    label_of: dict[bytes, Ints] = {}
    forms = [form for form in draft.compiled.forms if isinstance(form, GroupPresence)]
    cells = [Cells.of(form, draft.classes, draft.compiled.packing) for form in forms]
    for job in np.flatnonzero(draft.compiled.units.least == draft.compiled.units.most).tolist():
        label = _places(job, forms, cells)
        if label is not None:
            gangs_of[label.tobytes()].append(job)
            label_of[label.tobytes()] = label
    for key, gangs in gangs_of.items():
        _knapsacks(draft, np.array(gangs), label_of[key])


def _places(job: int, forms: list[GroupPresence], cells: list[Cells]) -> Ints | None:
    """Label rack classes so that `job` lies on classes of one label; None if it need not, (C,)."""
    keys = []
    for form, cell in zip(forms, cells, strict=True):
        group = form.group_of_job[job]
        alone = group != NONE and np.count_nonzero(form.group_of_job == group) == 1
        tells_apart = (cell.domains == 1).all() and (cell.of_class != NONE).all()
        if alone and form.max_domains[group] == 1 and tells_apart:
            keys.append(cell.of_class)
    if not keys:
        return None
    label = np.unique(np.stack(keys), axis=1, return_inverse=True)[1]
    return np.asarray(label.ravel(), np.int64)


def _knapsacks(draft: Draft, gangs: Ints, label: Ints) -> None:
    """For gangs with the same places: ``sum x = units * here``, and slots of every place."""
    place = label[draft.rack_class]
    mine = np.isin(draft.job, gangs)
    pairs, which = np.unique(np.stack([draft.job[mine], place[mine]]), axis=1, return_inverse=True)
    which = which.ravel()
    units = draft.compiled.units.most[pairs[0]]
    here = draft.program.columns(pairs.shape[1])
    rows = draft.program.rows(len(here), low=0, high=0)
    draft.program.entries(rows[which], draft.x[mine], 1)
    draft.program.entries(rows, here, -units)
    job, rack_class = draft.job[mine], draft.rack_class[mine]
    draft.blocks.append(
        (here, lambda u: (np.bincount(which, u[job, rack_class], len(here)) > 0).astype(np.int64))
    )
    _one_place(draft, pairs[0], here)
    _slots(draft, label, place, pairs, here, mine, which)


def _one_place(draft: Draft, job: Ints, here: Ints) -> None:
    gangs, index = np.unique(job, return_inverse=True)
    rows = draft.program.rows(len(gangs), high=1)
    draft.program.entries(rows[index], here, 1)


def _slots(
    draft: Draft, label: Ints, place: Ints, pairs: Ints, here: Ints, mine: np.ndarray, which: Ints
) -> None:
    """What lies in a place, whole gangs and other work, fits into its slots."""
    packing = draft.compiled.packing
    if packing is None:
        return
    per_class = draft.classes.total(packing.bins * packing.bin_size)
    slots = np.bincount(label, per_class).astype(np.int64)
    size = np.full(len(here), np.iinfo(np.int64).max)
    np.minimum.at(size, which, draft.size[mine])
    rows = draft.program.rows(len(slots), high=slots)
    draft.program.entries(rows[pairs[1]], here, size * draft.compiled.units.most[pairs[0]])
    draft.program.entries(rows[place[~mine]], draft.x[~mine], draft.size[~mine])
