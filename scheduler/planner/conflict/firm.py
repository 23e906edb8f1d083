"""The forms as firm obligations see them.

Every job that is not owed may stay away, and takes all that it needs with it. So whether the
obligations can be met is a question about firm jobs alone, which are few.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Units,
)


def firm_only(compiled: Compiled) -> Compiled:
    """Return the problem of the firm jobs alone, without money and without rows that never bind."""
    firm = _firm_jobs(compiled)
    units = compiled.units
    alone = (_of_jobs(form, firm, units.most[firm]) for form in compiled.forms)
    return Compiled(
        job_names=tuple(compiled.job_names[j] for j in firm),
        rack_names=compiled.rack_names,
        units=Units(
            units.least[firm], units.most[firm], units.counted_most[firm], units.held_back[firm]
        ),
        forms=tuple(form for form in alone if form is not None),
    )


def owed_gpus(compiled: Compiled) -> int:
    """GPUs of all firm obligations."""
    costs = (form for form in compiled.forms if isinstance(form, AssignmentCost))
    return sum(int(form.firm_gpus @ compiled.units.counted_most) for form in costs)


def rows_of(rows: Rows, kept: Bools) -> Rows:
    """Return the rows for which `kept` (I,) holds."""
    entries = kept[rows.row]
    start = np.append(0, np.cumsum(np.diff(rows.start)[kept]))
    return Rows(start.astype(np.int64), rows.rack[entries], rows.weight[entries])


def some_rows(form: LinearLoad, kept: Bools) -> LinearLoad:
    """Return `form` with the rows for which `kept` (I,) holds."""
    numbers = np.flatnonzero(kept).tolist()
    return replace(
        form,
        rows=rows_of(form.rows, kept),
        base=form.base[kept],
        limit=form.limit[kept],
        subject=tuple(form.subject[i] for i in numbers),
        state=tuple(form.state[i] for i in numbers),
    )


def _firm_jobs(compiled: Compiled) -> Ints:
    firm = np.zeros(compiled.num_jobs, bool)
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            firm |= form.firm_gpus > 0
    return np.flatnonzero(firm & (compiled.units.counted_most > 0))


def _of_jobs(form: Form, jobs: Ints, most: Ints) -> Form | None:
    """Return `form` for `jobs` alone; None if it says nothing about them."""
    match form:
        case AssignmentCost():
            return _without_money(form, jobs)
        case LinearLoad():
            return _that_can_bind(replace(form, demand=form.demand[jobs]), most)
        case Packing():
            return replace(form, size=form.size[jobs], group_of_job=form.group_of_job[jobs])
        case GroupCount():
            group, kept = _groups_of(form.group_of_job[jobs])
            names = tuple(form.group_names[g] for g in kept.tolist())
            count = replace(
                form,
                group_of_job=group,
                limit=form.limit[kept],
                survives=form.survives[jobs],
                group_names=names,
            )
            return count if len(names) else None
        case GroupPresence():
            return _of_groups(form, jobs)


def _without_money(form: AssignmentCost, jobs: Ints) -> AssignmentCost:
    alone = AssignmentCost.prohibition(form.term, form.kind_of_rack, form.allowed[jobs])
    return replace(alone, firm_gpus=form.firm_gpus[jobs])


def _that_can_bind(form: LinearLoad, most: Ints) -> LinearLoad | None:
    """Leave out rows that hold even with every job whole on its worst rack."""
    hungriest = np.maximum(form.demand, 0).max(axis=1, initial=0) @ most
    heaviest = np.zeros(form.rows.num_rows, np.int64)
    np.maximum.at(heaviest, form.rows.row, form.rows.weight)
    kept = form.base + heaviest * hungriest > np.maximum(form.limit, form.base)
    return some_rows(form, kept) if kept.any() else None


def _of_groups(form: GroupPresence, jobs: Ints) -> GroupPresence | None:
    group, kept = _groups_of(form.group_of_job[jobs])
    if not len(kept):
        return None
    return replace(
        form,
        group_of_job=group,
        may_share=None if form.may_share is None else form.may_share[np.ix_(kept, kept)],
        max_domains=form.max_domains[kept],
        free_domains=np.full(len(kept), UNLIMITED, np.int64),
        price_mills=np.zeros(len(kept), np.int64),
        group_names=tuple(form.group_names[g] for g in kept.tolist()),
    )


def _groups_of(group: Index) -> tuple[Index, Index]:
    """Number the groups that occur anew; return (group of every job, old number of each)."""
    kept, new = np.unique(group[group != NONE], return_inverse=True)
    numbered = np.full(len(group), NONE, np.int32)
    numbered[group != NONE] = new
    return numbered, kept
