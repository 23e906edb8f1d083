"""The best plan of a tiny compiled problem by trying all of them."""

from __future__ import annotations

from itertools import product

import numpy as np

from kernels.forms import AssignmentCost, Compiled, Packing, Shards
from kernels.reference import score
from kernels.score import Score

Placement = tuple[int, ...]  # units on every rack


def best_by_enumeration(compiled: Compiled, most_plans: int) -> Score | None:
    """Return the best score of all plans, or None if there are more than `most_plans`."""
    choices = [_placements(compiled, job, most_plans) for job in range(compiled.num_jobs)]
    if any(choice is None for choice in choices):
        return None
    if np.prod([len(choice or ()) for choice in choices], dtype=float) > most_plans:
        return None
    plans = product(*(choice or [] for choice in choices))
    return min(score(compiled, _shards(plan)) for plan in plans)


def _placements(compiled: Compiled, job: int, most: int) -> list[Placement] | None:
    """Ways to place one job by itself on racks where it is allowed and has room."""
    room = np.full(compiled.num_racks, compiled.units.most[job])
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            room = np.where(form.allowed[job, form.kind_of_rack], room, 0)
        if isinstance(form, Packing):
            size = np.maximum(form.size[job, form.kind_of_rack], 1)
            room = np.minimum(room, form.bins * form.bin_size // size)
    if np.prod(room + 1, dtype=float) > 50 * most:
        return None
    least, top = int(compiled.units.least[job]), int(compiled.units.most[job])
    every = product(*(range(int(units) + 1) for units in room))
    return [units for units in every if sum(units) == 0 or least <= sum(units) <= top]


def _shards(plan: tuple[Placement, ...]) -> Shards:
    units = np.array(plan)
    job, rack = np.nonzero(units)
    return Shards.build(job, rack, units[job, rack])
