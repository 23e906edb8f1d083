"""Who is present in which domain: sharing, spans and their prices."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Bools, GroupPresence, Ints, Shards
from scheduler.planner.classes import distinct
from scheduler.planner.lowering.cells import Cells
from scheduler.planner.lowering.draft import Draft, LimitRows, PointByRack, Present
from scheduler.planner.lowering.kinds import Kinds, open_domains, refined
from scheduler.planner.lowering.presence_exclusion import exclude
from scheduler.planner.lowering.presence_links import link_presence


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
    splits = exclusive & draft.by_kind
    pairs = np.stack(refined(cells, kinds, splits, met[0], met[1]))
    present = draft.program.columns(pairs.shape[1], high=kinds.domains[pairs[1]])
    found = Present(cells, kinds, present, pairs[0], pairs[1])
    link_presence(draft, found, np.flatnonzero(concerned), group, cell)
    count = _count_domains(draft, form, found)
    _domains_of_group(draft, form, present, pairs, np.flatnonzero(bounded), count)
    draft.present[id(form)] = found
    if exclusive.any():
        draft.keepers.append((form, exclusive))
        rows = exclude(draft, found, exclusive, there, group, cell)
        if draft.by_kind:  # else they are of cells, which have no name
            draft.limits.append(LimitRows(id(form), np.arange(len(rows)), rows))
    _keep_apart(draft, form, found, exclusive)


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
