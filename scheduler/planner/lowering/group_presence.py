"""Who is present in which domain: sharing, spans and their prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, Bools, GroupPresence, Ints, Shards
from scheduler.planner.classes import distinct
from scheduler.planner.lowering.cells import Cells
from scheduler.planner.lowering.draft import Draft, LimitRows, PointByRack, Present
from scheduler.planner.lowering.kinds import Kinds, open_domains, refined


def lower_group_presence(draft: Draft, form: GroupPresence) -> None:
    """Add presence columns, and the rows of sharing and spans."""
    cells = Cells.of(form, draft.classes, draft.compiled.packing)
    share = form.may_share
    others = np.zeros(len(form.group_names), np.int64) if share is None else (~share).sum(0)
    exclusive = (others == len(form.group_names) - 1) & (others > 0)
    kinds = Kinds.of(
        form,
        draft.classes,
        cells,
        draft.compiled.packing,
        open_domains(form, draft.compiled, exclusive),
    )
    bounded = (form.max_domains < cells.total) | (form.price_mills > 0)
    needs = exclusive | (others > 0) | bounded
    group = form.group_of_job[draft.job].astype(np.int64)
    cell = cells.of_class[draft.rack_class]
    there = (group != NONE) & (cell != NONE)
    concerned = there & needs[group]
    met = np.unique(np.stack([group[concerned], cell[concerned]]), axis=1)
    pairs = np.stack(refined(cells, kinds, exclusive, met[0], met[1]))
    present = draft.program.columns(pairs.shape[1], high=kinds.domains[pairs[1]])
    found = Present(cells, kinds, present, pairs[0], pairs[1])
    _link_presence(draft, found, np.flatnonzero(concerned), group, cell)
    count = _count_domains(draft, form, found)
    _domains_of_group(draft, form, present, pairs, np.flatnonzero(bounded), count)
    draft.present[id(form)] = found
    if exclusive.any():
        rows = _exclude(draft, found, exclusive, there, group, cell)
        draft.limits.append(LimitRows(id(form), np.arange(len(rows)), rows))
    _keep_apart(draft, form, found, exclusive)


def _link_presence(draft: Draft, found: Present, mine: Ints, group: Ints, cell: Ints) -> None:
    """Units lie only where their group is present: on each class what its domains hold there."""
    cells, kinds = found.cells, found.kinds
    binned = mine[draft.size[mine] > 0]
    if len(binned):
        _link_by_cell(draft, found, binned, group, cell)
        _link_by_class(draft, found, binned, group)
    most = draft.most_here()
    free = mine[(draft.size[mine] == 0) | (cells.domains[cell[mine]] == 1)]
    rows = draft.program.rows(len(free), high=0)
    draft.program.entries(rows, draft.x[free], 1)
    of_pair = _PairsBy(found.group, kinds.cell[found.kind], len(cells.slots))
    row, pair = of_pair.joined(group[free], cell[free])
    draft.program.entries(rows[row], found.column[pair], -most[free[row]])


def _link_by_cell(draft: Draft, found: Present, mine: Ints, group: Ints, cell: Ints) -> None:
    """A group has no more slots in a cell than its domains there have at most."""
    most = found.cells.most_slots
    of_pair = _PairsBy(found.group, found.kinds.cell[found.kind], len(most))
    met, which = np.unique(np.stack((group[mine], cell[mine])), axis=1, return_inverse=True)
    rows = draft.program.rows(met.shape[1], high=0)
    draft.program.entries(rows[which.ravel()], draft.x[mine], draft.size[mine])
    row, pair = of_pair.joined(met[0], met[1])
    draft.program.entries(rows[row], found.column[pair], -most[met[1][row]])


def _link_by_class(draft: Draft, found: Present, mine: Ints, group: Ints) -> None:
    """The same class by class, where that says more: domains hold several classes of racks."""
    kinds, classes = found.kinds, draft.classes
    table = np.zeros((kinds.count, classes.count), np.int64)
    table[kinds.kind, kinds.rack_class] = kinds.slots
    met, which = np.unique(
        np.stack((group[mine], draft.rack_class[mine].astype(np.int64))),
        axis=1,
        return_inverse=True,
    )
    cell = found.cells.of_class[met[1]]
    of_pair = _PairsBy(found.group, kinds.cell[found.kind], len(found.cells.slots))
    row, pair = of_pair.joined(met[0], cell)
    held = table[found.kind[pair], met[1][row]]
    says_more = np.zeros(met.shape[1], bool)
    says_more[row[held < found.cells.most_slots[cell[row]]]] = True
    row_of = np.full(met.shape[1], NONE)
    row_of[says_more] = draft.program.rows(int(says_more.sum()), high=0)
    kept = says_more[which.ravel()]
    which, mine = which.ravel()[kept], mine[kept]
    draft.program.entries(row_of[which], draft.x[mine], draft.size[mine])
    kept = says_more[row]
    draft.program.entries(row_of[row[kept]], found.column[pair[kept]], -held[kept])


@dataclass(eq=False)
class _PairsBy:
    """Presence columns by group and cell."""

    group: Ints
    cell: Ints
    num_cells: int

    def joined(self, group: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """Return (position in `group`, presence column) of all that meet."""
        key = self.group * self.num_cells + self.cell
        order = np.argsort(key, kind="stable")
        wanted = group * self.num_cells + cell
        first = np.searchsorted(key[order], wanted, side="left")
        count = np.searchsorted(key[order], wanted, side="right") - first
        row = np.repeat(np.arange(len(group)), count)
        place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return row, order[first[row] + place]


def _count_domains(draft: Draft, form: GroupPresence, found: Present) -> PointByRack:
    """Let a start say in how many domains of each kind a group is present."""
    cells, kinds, present = found.cells, found.kinds, found.column
    of_pair = np.full((len(form.group_names), kinds.count), NONE)
    of_pair[found.group, found.kind] = np.arange(len(present))

    def values(shards: Shards) -> Ints:
        group, domain = form.group_of_job[shards.job], form.domain_of_rack[shards.rack]
        cell = cells.of_class[draft.classes.of_rack[shards.rack]]
        inside = (group != NONE) & (domain != NONE) & (cell != NONE)
        seen, _ = distinct([group[inside], domain[inside], cell[inside]])
        fine = of_pair[seen[0], kinds.of_domain[seen[1]]]
        pair = np.where(fine != NONE, fine, of_pair[seen[0], seen[2]])
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
    draft: Draft, found: Present, exclusive: Bools, there: Bools, group: Ints, cell: Ints
) -> Ints:
    """What exclusive groups hold, nobody else uses; return the rows of the classes' slots."""
    kinds, present = found.kinds, found.column
    owned = np.flatnonzero(exclusive[found.group])
    shared = there.copy()
    shared[there] = ~exclusive[group[there]]
    by_class = _exclude_by_class(draft, found, owned, shared)
    rows = draft.program.rows(kinds.count, high=kinds.domains)
    draft.program.entries(rows[found.kind[owned]], present[owned], 1)
    single = shared & (draft.size == 0)
    single[single] = found.cells.domains[cell[single]] == 1
    free = np.flatnonzero(single)
    most = draft.most_here()
    rows = draft.program.rows(len(free), high=most[free])
    draft.program.entries(rows, draft.x[free], 1)
    cell_of_pair = kinds.cell[found.kind]
    for row, column in zip(rows.tolist(), free.tolist(), strict=True):
        owners = present[owned[cell_of_pair[owned] == cell[column]]]
        draft.program.entries(row, owners, most[column])
    return by_class


def _exclude_by_class(draft: Draft, found: Present, owned: Ints, shared: Bools) -> Ints:
    """On every class: what others use, and all that kept domains hold there, are its slots."""
    kinds, packing = found.kinds, draft.compiled.packing
    slots = draft.classes.size
    if packing is not None:
        slots = draft.classes.total(packing.bins * packing.bin_size)
    rows = draft.program.rows(draft.classes.count, high=slots)
    draft.program.entries(rows[draft.rack_class[shared]], draft.x[shared], draft.size[shared])
    start = np.searchsorted(kinds.kind, np.arange(kinds.count + 1))
    kind = found.kind[owned]
    count = np.diff(start)[kind]
    pair = np.repeat(np.arange(len(owned)), count)
    entry = start[kind[pair]] + np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    columns = found.column[owned][pair]
    draft.program.entries(rows[kinds.rack_class[entry]], columns, kinds.slots[entry])
    return rows


def _keep_apart(draft: Draft, form: GroupPresence, found: Present, exclusive: Bools) -> None:
    """Two groups in conflict are not present in the same domain."""
    if form.may_share is None:
        return
    of_pair = {
        (int(g), int(k)): int(c)
        for g, k, c in zip(found.group, found.kind, found.column, strict=True)
    }
    foes = np.argwhere(np.triu(~form.may_share))
    for a, b in foes.tolist():
        if exclusive[a] or exclusive[b]:
            continue  # already kept apart by the slots of the domain
        for cell, domains in enumerate(found.cells.domains.tolist()):
            if (a, cell) in of_pair and (b, cell) in of_pair:
                (row,) = draft.program.rows(1, high=domains).tolist()
                draft.program.entries(row, [of_pair[a, cell], of_pair[b, cell]], 1)
