"""By how much a dropped limit is exceeded: columns that measure it, to be made small."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Compiled, Ints, LinearLoad, Packing
from scheduler.planner.conflict.firm import some_rows
from scheduler.planner.conflict.limits import Kind, Limit, place_labels
from scheduler.planner.conflict.shrink import Group
from scheduler.planner.lowering.draft import Draft, least_of_class
from scheduler.planner.lowering.linear_load import class_weights
from scheduler.planner.program import FREE

MEASURED = (Kind.SLOTS, Kind.LOAD)


def add_excess(draft: Draft, compiled: Compiled, group: Group, places: list[str]) -> Ints:
    """Add columns whose sum is the excess above `group` in its unit, and return them.

    Parameters
    ----------
    compiled
        The firm jobs with all limits.
    group
        One place, or the loads of one component: those are raised together.
    """
    if group[0].kind is Kind.SLOTS:
        form = compiled.forms[group[0].form]
        assert isinstance(form, Packing)
        label, _ = place_labels(places)
        return _excess_slots(draft, form, label == group[0].index)
    excess = draft.program.columns(1, high=_most_excess(compiled, group))
    for limit in group:
        form = compiled.forms[limit.form]
        assert isinstance(form, LinearLoad)
        _limit_load(draft, form, limit, int(excess[0]))
    return excess


def _most_excess(compiled: Compiled, group: Group) -> int:
    """Return an excess that all jobs together do not reach."""
    most = 0
    for limit in group:
        form = compiled.forms[limit.form]
        assert isinstance(form, LinearLoad)
        heaviest = int(form.rows.weight.max(initial=0))
        load = int(np.maximum(form.demand, 0).max(axis=1, initial=0) @ compiled.units.most)
        over = heaviest * load + int(form.base[limit.index]) - int(form.limit[limit.index])
        most = max(most, -(-over // form.scale))
    return max(0, most)


def _limit_load(draft: Draft, form: LinearLoad, limit: Limit, excess: int) -> None:
    """Add ``load - scale * excess <= limit - base`` for one row, as the lowering of loads does."""
    chosen = np.zeros(form.rows.num_rows, bool)
    chosen[limit.index] = True
    alone = some_rows(form, chosen)
    _, rack_class, least = class_weights(draft, alone)
    weight = np.zeros(draft.classes.count, np.int64)
    weight[rack_class] = least
    demand = least_of_class(draft.classes, form.demand, form.kind_of_rack)
    room = int(alone.limit[0] - alone.base[0])
    rows = draft.program.rows(1, high=room)
    per_unit = weight[draft.rack_class] * demand[draft.job, draft.rack_class]
    draft.program.entries(rows, draft.x, per_unit)
    draft.program.entries(rows, excess, -form.scale)


def _excess_slots(draft: Draft, form: Packing, racks: np.ndarray) -> Ints:
    """Measure the slots above those of each class; on single racks in whole bins."""
    classes = np.unique(draft.classes.of_rack[racks])
    slots = draft.classes.total(form.bins * form.bin_size)[classes]
    position = np.full(draft.classes.count, NONE)
    position[classes] = np.arange(len(classes))
    excess = draft.program.columns(len(classes), high=FREE // 2**20)
    rows = draft.program.rows(len(classes), high=slots)
    draft.program.entries(rows, excess, -1)
    inside = np.flatnonzero((position[draft.rack_class] != NONE) & (draft.size > 0))
    where = position[draft.rack_class[inside]]
    if not draft.classes.is_exact:
        draft.program.entries(rows[where], draft.x[inside], draft.size[inside])
        return excess
    group = form.group_of_job[draft.job[inside]].astype(np.int64)
    pairs, which = np.unique(np.stack([group, where]), axis=1, return_inverse=True)
    bins = draft.program.columns(pairs.shape[1], high=FREE // 2**20)
    bin_size = form.bin_size[classes[pairs[1]]]  # a class is a rack here
    links = draft.program.rows(len(bins), high=0)
    draft.program.entries(links[which.ravel()], draft.x[inside], draft.size[inside])
    draft.program.entries(links, bins, -bin_size)
    draft.program.entries(rows[pairs[1]], bins, bin_size)
    return excess
