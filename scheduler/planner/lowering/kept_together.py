"""What groups keep at all levels together, and what all others use, is no more than there is.

Who keeps a hall shares it with nobody, so not with a group that keeps an array inside of it
either: where domains are nested, what is kept adds up over the levels. On every class of racks

    ``sum over kept domains of what they hold there + slots that others use <= slots``

While every level is looked at by itself, the others count there by what they use alone: what a
kept array leaves empty could be used twice.
"""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Bools, GroupPresence
from scheduler.planner.lowering.draft import Draft, LimitRows
from scheduler.planner.lowering.presence_exclusion import slots_of_classes, what_is_kept


def keep_together(draft: Draft) -> None:
    """Add a row for every class of racks, if domains are kept at several levels."""
    levels = sorted(draft.keepers, key=lambda level: level[0].num_domains)
    forms = [form for form, _ in levels]
    if len(levels) < 2 or not all(map(is_inside, forms[1:], forms)):
        return
    rows = draft.program.rows(draft.classes.count, high=slots_of_classes(draft))
    keeps = np.zeros(draft.compiled.num_jobs, bool)  # jobs whose group's domains are counted
    concerned = np.ones(draft.compiled.num_jobs, bool)  # jobs that owners of all levels keep out
    for form, groups in levels:
        counted = groups & ~_has(form, keeps)
        found = draft.present[id(form)]
        rack_class, columns, least = what_is_kept(found, np.flatnonzero(counted[found.group]))
        draft.program.entries(rows[rack_class], columns, least)
        keeps |= _jobs_of(form, counted)
        concerned &= form.group_of_job != NONE
    users = np.flatnonzero((concerned & ~keeps)[draft.job] & (draft.size > 0))
    draft.program.entries(rows[draft.rack_class[users]], draft.x[users], draft.size[users])
    draft.together = rows
    draft.limits.append(LimitRows(id(forms[-1]), np.arange(len(rows)), rows))


def is_inside(fine: GroupPresence, coarse: GroupPresence) -> bool:
    """Whether every domain of `fine` lies in one domain of `coarse`, or in none of them at all.

    Whoever has units in the finer one must count as a group in the coarser one as well.
    """
    inside = fine.domain_of_rack != NONE
    pairs = np.unique(
        np.stack((fine.domain_of_rack[inside], coarse.domain_of_rack[inside])), axis=1
    )
    nested = len(np.unique(pairs[0])) == pairs.shape[1]
    return nested and bool((coarse.group_of_job[fine.group_of_job != NONE] != NONE).all())


def _jobs_of(form: GroupPresence, groups: Bools) -> Bools:
    """Return which jobs belong to one of `groups`, (J,)."""
    some = form.group_of_job != NONE
    some[some] = groups[form.group_of_job[some]]
    return np.asarray(some)


def _has(form: GroupPresence, jobs: Bools) -> Bools:
    """Return which groups have one of `jobs`, (G,)."""
    groups = np.zeros(len(form.group_names), bool)
    mine = form.group_of_job[jobs]
    groups[mine[mine != NONE]] = True
    return groups
