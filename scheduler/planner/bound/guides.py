"""From the decomposition's columns to guides: one answer of every group, by its share."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, GroupPresence, Ints
from scheduler.planner.bound.columns import Decomposition
from scheduler.planner.bound.outline import Outline
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.guide import Guide, Name
from scheduler.planner.restrict import Part


def guides_of(
    outline: Outline, columns: Decomposition, part: Part, num_jobs: int, count: int, seed: int
) -> list[Guide]:
    """Return guides: the first takes of each group the answer with the largest share.

    The others draw answers by chance, each with its share. None where the master has no solution.
    """
    shares = columns.shares()
    if shares is None:
        return []
    rng = np.random.default_rng(seed)
    size = outline.arrays.num_columns
    guides = []
    for number in range(count):
        x = np.zeros(size, np.int64)
        for block, answers in zip(columns.blocks.blocks, shares, strict=True):
            weight = np.array([share for _, share in answers])
            nothing = max(0.0, 1.0 - float(weight.sum()))
            weight = np.append(weight, nothing)
            if number:
                chosen = int(rng.choice(len(weight), p=weight / weight.sum()))
            else:
                chosen = int(np.argmax(weight))
            if chosen < len(answers):
                x[block.columns] = answers[chosen][0]
        guides.append(_guide(outline, part, num_jobs, x))
    return guides


def _guide(outline: Outline, part: Part, num_jobs: int, x: Ints) -> Guide:
    lots, lowered = outline.lots, outline.lowered
    placed = lowered.units(x).sum(axis=1) > 0
    single = np.flatnonzero(placed & (lots.job_of_lot != NONE))
    chosen = np.zeros(num_jobs, bool)
    chosen[part.jobs[lots.job_of_lot[single]]] = True
    kept: dict[Name, int] = {}
    for position, present in lowered.present.items():
        form = lots.compiled.forms[position]
        assert isinstance(form, GroupPresence)
        domains = np.bincount(present.group, x[present.column], len(form.group_names))
        for group in np.flatnonzero(exclusive_groups(form)).tolist():
            kept[form.term, form.level, form.group_names[group]] = int(domains[group])
    return Guide(chosen, kept)
