"""Patterns of jobs that do not divide a rack: rows that say how badly they fill it.

A rack of 72 slots takes one job of 40, not 1.8 of them. For jobs that each lie whole in one domain,
every dual feasible function u (for any sizes with ``sum s <= 1``: ``sum u(s) <= 1``) gives a row

    ``sum_j u(size_j / slots of a domain) <= domains``

over whole jobs j, for every group that keeps its domains to itself. The functions are those of
Fekete and Schepers (2001): ``u_k`` counts what is above multiples of ``1 / (k + 1)``, ``U_e``
counts only what is at least e, and as a whole what is above ``1 - e``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, GroupPresence, Ints
from scheduler.planner.lowering.cells import Cells
from scheduler.planner.lowering.draft import Draft

ONE = 2**20  # a whole domain, in the rows
STEPS = (1, 2, 3)  # the k of `u_k`
SHARES = ((1, 5), (1, 4), (1, 3), (2, 5))  # the e of `U_e`, as fractions

Function = Callable[[Ints, Ints], NDArray[np.float64]]


def lower_patterns(draft: Draft) -> None:
    """Add the rows of every partition in which jobs lie whole."""
    forms = [form for form in draft.compiled.forms if isinstance(form, GroupPresence)]
    whole = [form for form in forms if form.may_share is None and (form.max_domains == 1).any()]
    for local in whole:
        jobs = _whole_jobs(draft, local)
        owners = [f for f in forms if f.may_share is not None and _same(f, local)]
        if jobs.any():
            _partition(draft, local, jobs, owners)


def _same(form: GroupPresence, other: GroupPresence) -> bool:
    """Whether two forms cut the racks into the same domains."""
    return form.num_domains == other.num_domains and bool(
        (form.domain_of_rack == other.domain_of_rack).all()
    )


def _whole_jobs(draft: Draft, form: GroupPresence) -> NDArray[np.bool_]:
    """Jobs of which all units lie in one domain of `form`, (J,)."""
    units, group = draft.compiled.units, form.group_of_job
    members = np.bincount(group[group != NONE], minlength=len(form.group_names))
    bound = (form.max_domains == 1) & (members == 1)
    return np.asarray((group != NONE) & bound[group] & (units.least == units.most))


def _partition(
    draft: Draft, form: GroupPresence, whole: NDArray[np.bool_], owners: list[GroupPresence]
) -> None:
    cells = Cells.of(form, draft.classes, draft.compiled.packing)
    cell = cells.of_class[draft.rack_class]
    mine = np.flatnonzero(whole[draft.job] & (cell != NONE) & (draft.size > 0))
    if not len(mine):
        return
    units = draft.compiled.units.most[draft.job[mine]]
    sizes, slots = draft.size[mine] * units, cells.most_slots[cell[mine]]
    group, owned = _owners(draft, owners, draft.job[mine])
    pairs, pair = np.unique(np.stack((group, cell[mine])), axis=1, return_inverse=True)
    pair = pair.ravel()
    for function in _functions():
        counts = np.floor(function(sizes, slots) * (ONE * (1 - 1e-9)) / units).astype(np.int64)
        _rows(draft, pairs, pair, mine, counts, owned)


def _owners(
    draft: Draft, owners: list[GroupPresence], jobs: Ints
) -> tuple[Ints, dict[tuple[int, int], list[int]]]:
    """Return the group that keeps domains to itself, of every column, and presence columns."""
    group = np.full(len(jobs), NONE, np.int64)
    owned: dict[tuple[int, int], list[int]] = {}
    for form in owners:
        foes = np.zeros(0) if form.may_share is None else (~form.may_share).sum(axis=1)
        exclusive = (foes == len(foes) - 1) & (foes > 0)
        mine = form.group_of_job[jobs]
        group = np.where((mine != NONE) & exclusive[mine], mine, group)
        present = draft.present[id(form)]
        cell = present.kinds.cell[present.kind]
        for g, e, column in zip(present.group, cell, present.column, strict=True):
            if exclusive[g]:
                owned.setdefault((int(g), int(e)), []).append(int(column))
    return group, owned


def _rows(
    draft: Draft,
    pairs: Ints,
    pair: Ints,
    mine: Ints,
    counts: Ints,
    owned: dict[tuple[int, int], list[int]],
) -> None:
    """What a group has of whole jobs lies in the domains that it keeps."""
    columns = [owned.get((g, e), []) for g, e in pairs.T.tolist()]
    kept = np.array([n for n, some in enumerate(columns) if some], np.int64)
    row_of = np.full(len(columns), NONE)
    row_of[kept] = rows = draft.program.rows(len(kept), high=0)
    inside = row_of[pair] != NONE
    draft.program.entries(row_of[pair[inside]], draft.x[mine[inside]], counts[inside])
    for row, n in zip(rows.tolist(), kept.tolist(), strict=True):
        draft.program.entries(row, columns[n], -ONE)


def _functions() -> Iterator[Function]:
    for k in STEPS:
        yield partial(_above_multiples, k)
    for share in SHARES:
        yield partial(_from_a_share_on, *share)


def _above_multiples(k: int, size: Ints, slots: Ints) -> NDArray[np.float64]:
    """``u_k(x) = x`` where ``(k + 1) x`` is whole, else ``floor((k + 1) x) / k``."""
    parts, rest = np.divmod((k + 1) * size, slots)
    return np.where(rest == 0, size / slots, parts / k)


def _from_a_share_on(part: int, of: int, size: Ints, slots: Ints) -> NDArray[np.float64]:
    """``U_e(x) = 0`` below e, x up to ``1 - e``, and 1 above."""
    small, large = size * of < part * slots, size * of > (of - part) * slots
    return np.where(small, 0.0, np.where(large, 1.0, size / slots))
