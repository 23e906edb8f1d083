"""Kinds of domains: those that hold the same slots on every class of racks.

To a group that keeps domains to itself it matters which it takes: a hall of many racks of one type
and few of another, or an array with drained racks. So its presence is counted by kind, even where
the classes do not tell the domains apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    GroupPresence,
    Index,
    Ints,
    Packing,
)
from scheduler.planner.classes import Classes
from scheduler.planner.lowering.cells import Cells


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kinds of domains of a presence form; the first are its cells, each as a whole.

    Of a cell as a whole it is said what one of its domains holds at most, and at least.
    """

    cell: Ints  # (K,)
    domains: Ints  # (K,)
    of_domain: Ints  # (D,) NONE: in no cell
    open_to: Bools  # (K, G) groups that may enter some domain of the kind
    kind: Ints  # (N,) entries: a kind,
    rack_class: Ints  # (N,) a class of racks,
    slots: Ints  # (N,) and what one domain of the kind holds there, at most
    least: Ints  # (N,) the same, at least

    @property
    def count(self) -> int:
        """Number of kinds."""
        return len(self.cell)

    @staticmethod
    def of(
        form: GroupPresence,
        classes: Classes,
        cells: Cells,
        packing: Packing | None,
        open_to: Bools,
    ) -> Kinds:
        """Tell the domains of each cell apart by what they hold, and by who may enter, (D, G)."""
        cell_of_rack = cells.of_class[classes.of_rack]
        inside = np.flatnonzero((form.domain_of_rack != NONE) & (cell_of_rack != NONE))
        domain = form.domain_of_rack[inside].astype(np.int64)
        slots = np.ones(len(inside), np.int64)
        if packing is not None:
            slots = (packing.bins * packing.bin_size)[inside]
        key = domain * classes.count + classes.of_rack[inside]
        pairs, pair = np.unique(key, return_inverse=True)
        held = np.bincount(pair, slots, len(pairs)).astype(np.int64)
        domain, rack_class = np.divmod(pairs, classes.count)
        cell_of_domain = np.full(form.num_domains, NONE)
        cell_of_domain[domain] = cells.of_class[rack_class]
        num_cells = len(cells.slots)
        of_domain = _label(domain, rack_class, held, cell_of_domain, open_to) + num_cells
        of_domain = np.where(cell_of_domain == NONE, NONE, of_domain)
        count = int(of_domain.max(initial=num_cells - 1)) + 1
        domains = np.bincount(of_domain[of_domain != NONE], minlength=count)
        domains[:num_cells] = cells.domains
        cell = np.arange(count)
        cell[of_domain[domain]] = cell_of_domain[domain]
        enters = any_by(of_domain[domain], open_to[domain], count)
        enters |= any_by(cell_of_domain[domain], open_to[domain], count)
        whole = np.stack((cell_of_domain[domain], rack_class))
        entries = np.concatenate((whole, np.stack((of_domain[domain], rack_class))), axis=1)
        (kind, at_class), entry = np.unique(entries, axis=1, return_inverse=True)
        most, least = np.zeros(len(kind), np.int64), np.full(len(kind), UNLIMITED, np.int64)
        np.maximum.at(most, entry.ravel(), np.concatenate((held, held)))
        np.minimum.at(least, entry.ravel(), np.concatenate((held, held)))
        touched = np.bincount(entry.ravel(), minlength=len(kind))
        least[touched < domains[kind]] = 0  # some domain has nothing there
        return Kinds(cell, domains.astype(np.int64), of_domain, enters, kind, at_class, most, least)


def open_domains(form: GroupPresence, compiled: Compiled, groups: Bools) -> Bools:
    """Return which of `groups` have a job that may lie on some rack of a domain, (D, G).

    Others may enter any domain.
    """
    is_open = np.ones((form.num_domains, len(groups)), bool)
    inside = np.flatnonzero(form.domain_of_rack != NONE)
    for cost in compiled.forms:
        if not isinstance(cost, AssignmentCost):
            continue
        jobs = np.flatnonzero(form.group_of_job != NONE)
        jobs = jobs[groups[form.group_of_job[jobs]]]
        allowed = any_by(form.group_of_job[jobs], cost.allowed[jobs], len(groups))[groups]
        met = np.unique(np.stack((form.domain_of_rack[inside], cost.kind_of_rack[inside])), axis=1)
        is_open[:, groups] &= any_by(met[0], allowed[:, met[1]].T, form.num_domains)
    return is_open


def any_by(label: Ints | Index, rows: Bools, count: int) -> Bools:
    """Return for each label from 0 on whether any of its rows (N, M) says so, (count, M)."""
    some = np.zeros((count, rows.shape[1]), bool)
    order = np.argsort(label, kind="stable")
    labels, first = np.unique(label[order], return_index=True)
    if len(labels):
        some[labels] = np.logical_or.reduceat(rows[order], first, axis=0)
    return some


def _label(
    domain: Ints, rack_class: Ints, held: Ints, cell_of_domain: Ints, open_to: Bools
) -> Ints:
    """Number the distinct lists of (class, slots) of the domains from 0 on, cell by cell, (D,)."""
    who = map(np.ndarray.tobytes, np.packbits(open_to, axis=1))
    entries = np.stack((rack_class, held), axis=1)
    start = np.searchsorted(domain, np.arange(len(cell_of_domain) + 1))
    known: dict[tuple[int, bytes, bytes], int] = {}
    label = [
        known.setdefault((cell, who, entries[a:b].tobytes()), len(known)) if b > a else NONE
        for cell, who, a, b in zip(
            cell_of_domain.tolist(), who, start[:-1].tolist(), start[1:].tolist(), strict=True
        )
    ]
    return np.array(label, np.int64)


def refined(
    cells: Cells, kinds: Kinds, groups: Bools, group: Ints, cell: Ints
) -> tuple[Ints, Ints]:
    """Return (group, kind) for pairs of a group and a cell: all kinds of it for `groups`."""
    first = len(cells.slots)
    by_cell = np.argsort(kinds.cell[first:], kind="stable") + first
    start = np.searchsorted(kinds.cell[by_cell], np.arange(first + 1))
    several = np.diff(start) > 1
    splits = groups[group] & several[cell]
    count = np.where(splits, np.diff(start)[cell], 1)
    pair, place = runs(count)
    fine = by_cell[np.minimum(start[cell[pair]] + place, len(by_cell) - 1)]
    kind = np.where(splits[pair], fine, cell[pair])
    enters = kinds.open_to[kind, group[pair]]
    return group[pair[enters]], kind[enters]


def runs(count: Ints) -> tuple[Ints, Ints]:
    """Return, for runs of `count` (N,) entries one after another, the run and the place in it."""
    run = np.repeat(np.arange(len(count)), count)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
