"""How much of a group lies in one domain, and what survives its loss."""

from __future__ import annotations

import numpy as np

from kernels.forms import UNLIMITED, Bools, GroupCount, Ints
from scheduler.planner.classes import distinct
from scheduler.planner.lowering.draft import Draft


def lower_group_count(draft: Draft, form: GroupCount) -> None:
    """Bound the units of a group in a domain; let only survivors count."""
    domain, rack_class, whole, racks = domain_classes(draft, form)
    inside = np.zeros((form.domains.num_rows, draft.classes.count), bool)
    inside[domain[whole], rack_class[whole]] = True
    covered = np.bincount(rack_class, racks, draft.classes.count) >= draft.classes.size
    parts = np.bincount(rack_class[~whole], minlength=draft.classes.count)
    split = covered & (parts > 0)  # classes that fall apart into `parts` domains
    for group in np.flatnonzero(form.limit < UNLIMITED):
        _limit_group(draft, form, int(group), inside, np.where(split, parts, 0))
    for job in np.flatnonzero(form.survives):
        _survive(draft, int(job), inside, np.where(split, parts, 0))


def domain_classes(draft: Draft, form: GroupCount) -> tuple[Ints, Ints, Bools, Ints]:
    """Return (domain, class) pairs, whether the class lies wholly inside, racks inside."""
    pairs, racks = distinct([form.domains.row, draft.classes.of_rack[form.domains.rack]])
    domain, rack_class = pairs
    return domain, rack_class, racks == draft.classes.size[rack_class], racks


def _limit_group(draft: Draft, form: GroupCount, group: int, inside: Bools, parts: Ints) -> None:
    mine = form.group_of_job[draft.job] == group
    rows = draft.program.rows(len(inside), high=form.limit[group])
    domain, column = np.nonzero(inside[:, draft.rack_class[mine]])
    draft.program.entries(rows[domain], draft.x[mine][column], 1)
    pieces = np.flatnonzero(parts)
    rows_of = np.full(draft.classes.count, -1)
    rows_of[pieces] = draft.program.rows(len(pieces), high=form.limit[group] * parts[pieces])
    split = mine & (rows_of[draft.rack_class] >= 0)
    draft.program.entries(rows_of[draft.rack_class[split]], draft.x[split], 1)


def _survive(draft: Draft, job: int, inside: Bools, parts: Ints) -> None:
    """Add ``q + held * b <= total - lost`` for every domain that may be lost."""
    column, enough = draft.counted[job]
    mine = draft.job == job
    rack_class, x = draft.rack_class[mine], draft.x[mine]
    losses = [(lost[rack_class].astype(np.int64), 1) for lost in inside]
    losses += [((rack_class == c).astype(np.int64), int(parts[c])) for c in np.flatnonzero(parts)]
    for lost, share in losses:
        if not lost.any():
            continue
        (row,) = draft.program.rows(1, high=0).tolist()
        draft.program.entries(row, column, share)
        draft.program.entries(row, x, lost - share)
        if enough is not None:
            draft.program.entries(row, enough, share * int(draft.compiled.units.held_back[job]))
