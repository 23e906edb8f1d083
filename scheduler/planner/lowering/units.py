"""Totals of jobs, and the units that count."""

from __future__ import annotations

import numpy as np

from kernels.forms import Bools, GroupCount, Ints
from scheduler.planner.lowering.draft import Draft
from scheduler.planner.lowering.group_count import domain_classes


def lower_units(draft: Draft) -> None:
    """Bound totals; give jobs of which not all units count a column for those that do."""
    units, program = draft.compiled.units, draft.program
    all_or_part = units.least <= 1
    free = np.flatnonzero(all_or_part)
    row_of = np.full(draft.compiled.num_jobs, -1)
    row_of[free] = program.rows(len(free), high=units.most[free])
    gangs = np.flatnonzero(~all_or_part)
    if len(gangs):
        active = program.columns(len(gangs))
        draft.gangs, draft.active = gangs, active
        draft.blocks.append((active, lambda u: (u[gangs].sum(axis=1) > 0).astype(np.int64)))
        row_of[gangs] = upper = program.rows(len(gangs), high=0)
        program.entries(upper, active, -units.most[gangs])
        lower_of = np.full(draft.compiled.num_jobs, -1)
        lower_of[gangs] = lower_rows = program.rows(len(gangs), low=0)
        program.entries(lower_rows, active, -units.least[gangs])
        of_gang = lower_of[draft.job] >= 0
        program.entries(lower_of[draft.job[of_gang]], draft.x[of_gang], 1)
    program.entries(row_of[draft.job], draft.x, 1)
    draft.counted = {
        int(j): _counted_column(draft, int(j)) for j in np.flatnonzero(_special(draft))
    }


def _special(draft: Draft) -> Bools:
    """Jobs of which fewer units count than are placed, (J,)."""
    units = draft.compiled.units
    special = (units.held_back > 0) | (units.counted_most < units.most)
    for form in draft.compiled.forms:
        if isinstance(form, GroupCount):
            special |= form.survives
    return np.asarray(special)


def _counted_column(draft: Draft, job: int) -> tuple[int, int | None]:
    """Add ``q <= total - held * b``, ``q <= counted_most * b`` and return (q, b).

    `b` says whether any unit counts; there is none where nothing is held back or may be lost.
    """
    units, program = draft.compiled.units, draft.program
    held, most = int(units.held_back[job]), int(units.counted_most[job])
    (column,) = program.columns(1, high=most).tolist()
    worst = _worst_loss_of
    draft.blocks.append(
        (
            np.array([column]),
            lambda u: np.clip(u[job].sum(keepdims=True) - held - worst(draft, job, u), 0, most),
        )
    )
    mine = draft.job == job
    (row,) = program.rows(1, high=0).tolist()
    program.entries(row, draft.x[mine], -1)
    program.entries(row, column, 1)
    if not held and not _may_lose(draft, job):
        return column, None
    (enough,) = program.columns(1).tolist()
    counted = draft.blocks[-1][1]
    draft.blocks.append((np.array([enough]), lambda u: (counted(u) > 0).astype(np.int64)))
    program.entries(row, enough, held)
    (row,) = program.rows(1, high=0).tolist()
    program.entries(row, [column, enough], [1, -most])
    return column, enough


def _may_lose(draft: Draft, job: int) -> bool:
    forms = draft.compiled.forms
    return any(isinstance(form, GroupCount) and bool(form.survives[job]) for form in forms)


def _worst_loss_of(draft: Draft, job: int, units: Ints) -> int:
    worst = 0
    for form in draft.compiled.forms:
        if isinstance(form, GroupCount) and form.survives[job]:
            domain, rack_class, whole, _ = domain_classes(draft, form)
            inside = np.zeros(form.domains.num_rows, np.int64)
            np.add.at(inside, domain[whole], units[job, rack_class[whole]])
            worst = max(worst, int(inside.max(initial=0)))
    return worst
