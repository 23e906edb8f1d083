"""Who is present in which domain: sharing, spans and their prices."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Bools, GroupPresence, Ints, Shards
from scheduler.planner.classes import distinct
from scheduler.planner.lowering.cells import Cells
from scheduler.planner.lowering.draft import Draft, LimitRows, PointByRack, Present


def lower_group_presence(draft: Draft, form: GroupPresence) -> None:
    """Add presence columns, and the rows of sharing and spans."""
    cells = Cells.of(form, draft.classes, draft.compiled.packing)
    share = form.may_share
    others = np.zeros(len(form.group_names), np.int64) if share is None else (~share).sum(0)
    exclusive = (others == len(form.group_names) - 1) & (others > 0)
    bounded = (form.max_domains < cells.total) | (form.price_mills > 0)
    needs = exclusive | (others > 0) | bounded
    group = form.group_of_job[draft.job].astype(np.int64)
    cell = cells.of_class[draft.rack_class]
    there = (group != NONE) & (cell != NONE)
    concerned = there & needs[group]
    pairs, which = np.unique(
        np.stack([group[concerned], cell[concerned]]), axis=1, return_inverse=True
    )
    which = which.ravel()
    present = draft.program.columns(pairs.shape[1], high=cells.domains[pairs[1]])
    _link_presence(draft, cells, present, pairs, which, concerned)
    count = _count_domains(draft, form, cells, present, pairs)
    _domains_of_group(draft, form, present, pairs, np.flatnonzero(bounded), count)
    draft.present[id(form)] = Present(cells, present, pairs[0], pairs[1])
    if exclusive.any():
        rows = _exclude(draft, cells, present, pairs, exclusive, there, group, cell)
        draft.limits.append(LimitRows(id(form), np.arange(len(rows)), rows))
    _keep_apart(draft, form, cells, present, pairs, exclusive)


def _link_presence(
    draft: Draft, cells: Cells, present: Ints, pairs: Ints, which: Ints, concerned: Bools
) -> None:
    """Units lie only where their group is present."""
    size, x = draft.size[concerned], draft.x[concerned]
    in_bins = size > 0
    rows = draft.program.rows(len(present), high=0)
    draft.program.entries(rows[which[in_bins]], x[in_bins], size[in_bins])
    draft.program.entries(rows, present, -cells.most_slots[pairs[1]])
    most = draft.most_here()[concerned]
    free = np.flatnonzero(~in_bins | (cells.domains[pairs[1][which]] == 1))
    rows = draft.program.rows(len(free), high=0)
    draft.program.entries(rows, x[free], 1)
    draft.program.entries(rows, present[which[free]], -most[free])


def _count_domains(
    draft: Draft, form: GroupPresence, cells: Cells, present: Ints, pairs: Ints
) -> PointByRack:
    """Let a start say in how many domains of each cell a group is present."""
    of_pair = np.full((len(form.group_names), len(cells.slots)), NONE)
    of_pair[pairs[0], pairs[1]] = np.arange(len(present))

    def values(shards: Shards) -> Ints:
        group, domain = form.group_of_job[shards.job], form.domain_of_rack[shards.rack]
        cell = cells.of_class[draft.classes.of_rack[shards.rack]]
        inside = (group != NONE) & (domain != NONE) & (cell != NONE)
        seen, _ = distinct([group[inside], domain[inside], cell[inside]])
        pair = of_pair[seen[0], seen[2]]
        return np.bincount(pair[pair != NONE], minlength=len(present)).astype(np.int64)

    draft.blocks_by_rack.append((present, values))
    return values


def _domains_of_group(
    draft: Draft,
    form: GroupPresence,
    present: Ints,
    pairs: Ints,
    groups: Ints,
    count: PointByRack,
) -> None:
    """At most `max_domains`; each above `free_domains` has its price."""
    row_of = np.full(len(form.group_names), -1)
    row_of[groups] = draft.program.rows(len(groups), high=form.max_domains[groups])
    mine = row_of[pairs[0]] >= 0
    draft.program.entries(row_of[pairs[0][mine]], present[mine], 1)
    priced = groups[form.price_mills[groups] > 0]
    extra = draft.program.columns(
        len(priced), high=form.num_domains, gain=-form.price_mills[priced]
    )
    row_of = np.full(len(form.group_names), -1)
    row_of[priced] = rows = draft.program.rows(len(priced), high=form.free_domains[priced])
    mine = row_of[pairs[0]] >= 0
    draft.program.entries(row_of[pairs[0][mine]], present[mine], 1)
    draft.program.entries(rows, extra, -1)

    def values(shards: Shards) -> Ints:
        domains = np.bincount(pairs[0], count(shards), len(form.group_names)).astype(np.int64)
        return np.asarray(np.maximum(domains[priced] - form.free_domains[priced], 0))

    draft.blocks_by_rack.append((extra, values))


def _exclude(
    draft: Draft,
    cells: Cells,
    present: Ints,
    pairs: Ints,
    exclusive: Bools,
    there: Bools,
    group: Ints,
    cell: Ints,
) -> Ints:
    """What exclusive groups hold, nobody else uses; return the rows of the cells' slots."""
    of_cells = rows = draft.program.rows(len(cells.slots), high=cells.slots)
    owned = exclusive[pairs[0]]
    draft.program.entries(rows[pairs[1][owned]], present[owned], cells.least_slots[pairs[1][owned]])
    shared = there.copy()
    shared[there] = ~exclusive[group[there]]
    draft.program.entries(rows[cell[shared]], draft.x[shared], draft.size[shared])
    single = shared & (draft.size == 0)
    single[single] = cells.domains[cell[single]] == 1
    free = np.flatnonzero(single)
    most = draft.most_here()
    rows = draft.program.rows(len(free), high=most[free])
    draft.program.entries(rows, draft.x[free], 1)
    for row, column in zip(rows.tolist(), free.tolist(), strict=True):
        owners = present[owned & (pairs[1] == cell[column])]
        draft.program.entries(row, owners, most[column])
    return of_cells


def _keep_apart(
    draft: Draft, form: GroupPresence, cells: Cells, present: Ints, pairs: Ints, exclusive: Bools
) -> None:
    """Two groups in conflict are not present in the same domain."""
    if form.may_share is None:
        return
    of_pair = {(int(g), int(e)): int(c) for (g, e), c in zip(pairs.T, present, strict=True)}
    foes = np.argwhere(np.triu(~form.may_share))
    for a, b in foes.tolist():
        if exclusive[a] or exclusive[b]:
            continue  # already kept apart by the slots of the domain
        for cell, domains in enumerate(cells.domains.tolist()):
            if (a, cell) in of_pair and (b, cell) in of_pair:
                (row,) = draft.program.rows(1, high=domains).tolist()
                draft.program.entries(row, [of_pair[a, cell], of_pair[b, cell]], 1)
