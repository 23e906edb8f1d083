"""Who keeps a domain has what power and cooling that domain has, and no more.

Classes of racks that do not tell domains apart know only what all of them may draw together. A
group that keeps domains lies in few of them. For every limit i whose racks all lie in one domain,

    ``sum over i and racks r of weight[i, r] * load_g[r] <= sum over kept domains of limit[i]``

with all of a form's limits added up; a rack's weights are at least those of its class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, UNLIMITED, Bools, GroupPresence, Ints, LinearLoad
from scheduler.planner.lowering.draft import COEFFICIENT, Draft, Present, least_of_class
from scheduler.planner.lowering.presence_links import PairsBy


@dataclass(frozen=True, eq=False)
class _Local:
    """The limits of a form that hold inside of one domain each, added up."""

    weight: Ints  # (C,) least of a class's racks
    limit: Ints  # (D,) UNLIMITED: the domain has none


def limit_kept_loads(draft: Draft) -> None:
    """Add a row for every form of loads, group that keeps domains, and cell."""
    for form, exclusive in draft.keepers:
        for load in draft.compiled.forms:
            if isinstance(load, LinearLoad) and (load.demand >= 0).all():
                local = _local(draft, form, load)
                if local is not None:
                    _rows(draft, form, exclusive, load, local)


def _local(draft: Draft, form: GroupPresence, load: LinearLoad) -> _Local | None:
    rows = load.rows
    domain = form.domain_of_rack[rows.rack].astype(np.int64)
    least = np.full(rows.num_rows, form.num_domains)
    most = np.full(rows.num_rows, NONE)
    np.minimum.at(least, rows.row, domain)
    np.maximum.at(most, rows.row, domain)
    inside = (least == most) & (most != NONE) & (load.limit < UNLIMITED)
    if not inside.any():
        return None
    at_rack = np.bincount(rows.rack, rows.weight * inside[rows.row], draft.compiled.num_racks)
    classes = draft.classes
    weight = np.full(classes.count, np.iinfo(np.int64).max)
    np.minimum.at(weight, classes.of_rack, at_rack.astype(np.int64))
    limit = np.full(form.num_domains, UNLIMITED)
    limit[most[inside]] = 0
    room = np.maximum(load.limit, load.base) - load.base
    np.add.at(limit, most[inside], room[inside])
    return _Local(weight, limit)


def _rows(
    draft: Draft, form: GroupPresence, exclusive: Bools, load: LinearLoad, local: _Local
) -> None:
    found = draft.present[id(form)]
    group = form.group_of_job[draft.job].astype(np.int64)
    cell = found.cells.of_class[draft.rack_class]
    demand = least_of_class(draft.classes, load.demand, load.kind_of_rack)
    drawn = demand[draft.job, draft.rack_class] * local.weight[draft.rack_class]
    mine = np.flatnonzero((group != NONE) & (cell != NONE) & (drawn > 0) & (draft.size > 0))
    mine = mine[exclusive[group[mine]]]
    limit = _limit_of_kinds(found, local)
    met, which = np.unique(np.stack((group[mine], cell[mine])), axis=1, return_inverse=True)
    which = which.ravel()
    row, pair = PairsBy.of(found).joined(met[0], met[1])
    can_bind = _most_drawn(draft, found, mine, which, drawn, row, pair) > limit[found.kind[pair]]
    needed = np.zeros(met.shape[1], bool)
    needed[row[can_bind]] = True
    needed[row[limit[found.kind[pair]] >= UNLIMITED]] = False
    if not needed.any():
        return
    row_of = np.full(met.shape[1], NONE)
    row_of[needed] = draft.program.rows(int(needed.sum()), high=0)
    kept, pairs = needed[which], needed[row]
    loads, rooms = drawn[mine[kept]], limit[found.kind[pair[pairs]]]
    scale = -(-max(int(loads.max()), int(rooms.max())) // COEFFICIENT)
    draft.program.entries(row_of[which[kept]], draft.x[mine[kept]], loads // scale)
    draft.program.entries(row_of[row[pairs]], found.column[pair[pairs]], -rooms // scale)


def _limit_of_kinds(found: Present, local: _Local) -> Ints:
    """Return the most that a domain of each kind has, (K,)."""
    kinds = found.kinds
    limit = np.zeros(kinds.count, np.int64)
    known = np.flatnonzero(kinds.of_domain != NONE)
    np.maximum.at(limit, kinds.of_domain[known], local.limit[known])
    np.maximum.at(limit, kinds.cell[kinds.of_domain[known]], local.limit[known])
    return limit


def _most_drawn(
    draft: Draft,
    found: Present,
    mine: Ints,
    which: Ints,
    drawn: Ints,
    row: Ints,
    pair: Ints,
) -> Ints:
    """Return what the hungriest jobs of a group could draw in a full domain of each pair's kind."""
    kinds, classes = found.kinds, draft.classes
    held = np.zeros((kinds.count, classes.count), np.int64)
    held[kinds.kind, kinds.rack_class] = kinds.slots
    hungriest = np.zeros((int(which.max(initial=NONE)) + 1, classes.count))
    np.maximum.at(hungriest, (which, draft.rack_class[mine]), drawn[mine] / draft.size[mine])
    return np.asarray((held[found.kind[pair]] * hungriest[row]).sum(axis=1))
