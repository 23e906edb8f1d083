"""From the decomposition's columns to guides: one answer of every group, by its share."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, GroupPresence, Ints
from scheduler.planner.bound.columns import Decomposition
from scheduler.planner.bound.outline import Outline
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.guide import Guide
from scheduler.planner.lowering.draft import Present
from scheduler.planner.lowering.kinds import Kinds
from scheduler.planner.reserve import Kept, Name, is_wide, name_of
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
    kept: dict[Name, tuple[Kept, ...]] = {}
    for position, present in lowered.present.items():
        form = lots.compiled.forms[position]
        assert isinstance(form, GroupPresence)
        of_group = _kept(form, present, x)
        for group in np.flatnonzero(exclusive_groups(form)).tolist():
            kept[name_of(form, group)] = of_group.get(group, ())
    return Guide(chosen, kept)


def _kept(form: GroupPresence, present: Present, x: Ints) -> dict[int, tuple[Kept, ...]]:
    """Return what every group keeps, kind by kind."""
    kinds, found = present.kinds, dict[int, tuple[Kept, ...]]()
    names: dict[int, tuple[str, ...]] = {}
    for n in np.flatnonzero(x[present.column]).tolist():
        group, kind = int(present.group[n]), int(present.kind[n])
        if kind not in names:
            names[kind] = _names(form, kinds, kind) if is_wide(form) else ()
        found[group] = (*found.get(group, ()), Kept(int(x[present.column[n]]), names[kind]))
    return found


def _names(form: GroupPresence, kinds: Kinds, kind: int) -> tuple[str, ...]:
    """Return the domains of a kind, or of all kinds of a cell."""
    known = kinds.of_domain != NONE
    same = known & (kinds.of_domain == kind)
    if not same.any():
        same[known] = kinds.cell[kinds.of_domain[known]] == kind
    return tuple(form.domain_names[domain] for domain in np.flatnonzero(same).tolist())
