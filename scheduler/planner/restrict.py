"""A part of a problem as a problem of its own: some racks, some jobs, all else stays as it is.

What stays becomes part of the limits: its loads are base loads, its bins are gone, and who must
not meet it is kept away. So a part is solved by what solves a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)

ROWS_AT_ONCE = 1_000  # of tables that are compared


@dataclass(frozen=True, eq=False)
class Part:
    """A smaller problem, and where its jobs and racks stand in the whole."""

    compiled: Compiled
    jobs: Ints  # (J',)
    racks: Ints  # (R',)

    def to_whole(self, shards: Shards) -> Shards:
        """Return a plan of the part as placements in the whole."""
        return Shards.build(self.jobs[shards.job], self.racks[shards.rack], shards.units)

    def to_part(self, shards: Shards) -> Shards:
        """Return what the part's jobs have on its racks in a plan of the whole."""
        job, rack = _number(self.jobs, shards.job), _number(self.racks, shards.rack)
        here = (job != NONE) & (rack != NONE)
        return Shards.build(job[here], rack[here], shards.units[here])


def restrict(
    compiled: Compiled, jobs: Ints, racks: Ints, fixed: Shards, *, relaxed: bool = False
) -> Part:
    """Return the problem of placing `jobs` on `racks` while `fixed` stays.

    Parameters
    ----------
    jobs, racks
        Sorted numbers. No unit of `jobs` is in `fixed`.
    relaxed
        Where what stays cannot be said exactly (a bin that is half full, a group of which a part
        stays): too mild, so that bounds hold, instead of too strict, so that plans do.
    """
    cut = _Cut(compiled, jobs, racks, fixed, relaxed)
    units = compiled.units
    return Part(
        Compiled(
            tuple(compiled.job_names[j] for j in jobs.tolist()),
            tuple(compiled.rack_names[r] for r in racks.tolist()),
            Units(
                units.least[jobs], units.most[jobs], units.counted_most[jobs], units.held_back[jobs]
            ),
            tuple(cut.forms()),
        ),
        jobs,
        racks,
    )


@dataclass(eq=False)
class _Cut:
    compiled: Compiled
    jobs: Ints
    racks: Ints
    fixed: Shards
    relaxed: bool
    demands: dict[tuple[int, int], tuple[Ints, Index]] = field(default_factory=dict)

    def forms(self) -> Iterator[Form]:
        for form in self.compiled.forms:
            match form:
                case AssignmentCost():
                    yield self.cost(form)
                case LinearLoad():
                    yield from self.load(form)
                case Packing():
                    yield self.packing(form)
                case GroupCount():
                    yield from self.count(form)
                case GroupPresence():
                    yield from self.presence(form)

    def cost(self, form: AssignmentCost) -> AssignmentCost:
        kinds, kind_of_rack = np.unique(form.kind_of_rack[self.racks], return_inverse=True)
        own = np.ix_(self.jobs, kinds)
        allowed, cost = form.allowed[own], form.cost_mills[own]
        # Kinds that only jobs elsewhere told apart are one.
        first, same = _alike_columns(allowed, cost)
        job, rack = _number(self.jobs, form.home_job), _number(self.racks, form.home_rack)
        here = (job != NONE) & (rack != NONE)
        return replace(
            form,
            kind_of_rack=same[kind_of_rack].astype(np.int32),
            allowed=allowed[:, first],
            cost_mills=cost[:, first],
            value_mills=form.value_mills[self.jobs],
            firm_gpus=form.firm_gpus[self.jobs],
            base_mills=form.base_mills + self.cost_of_fixed(form),
            home_job=job[here].astype(np.int32),
            home_rack=rack[here].astype(np.int32),
            home_units=form.home_units[here],
            move_mills=form.move_mills[here],
        )

    def cost_of_fixed(self, form: AssignmentCost) -> int:
        """Return cost less value of what stays, with every promised unit of it counting."""
        job, rack, units = self.fixed.job, self.fixed.rack, self.fixed.units
        paid = int(form.cost_mills[job, form.kind_of_rack[rack]] @ units)
        total = np.zeros(self.compiled.num_jobs, np.int64)
        np.add.at(total, job, units)
        counted = np.minimum(total, self.compiled.units.counted_most)
        return paid - int(form.value_mills @ counted)

    def load(self, form: LinearLoad) -> Iterator[LinearLoad]:
        per_rack = np.zeros(self.compiled.num_racks, np.int64)
        drawn = form.demand[self.fixed.job, form.kind_of_rack[self.fixed.rack]] * self.fixed.units
        np.add.at(per_rack, self.fixed.rack, drawn)
        number = _number(self.racks, form.rows.rack)
        here = number != NONE
        count = np.bincount(form.rows.row[here], minlength=form.rows.num_rows)
        kept = np.flatnonzero(count)
        if not len(kept):
            return
        start = np.concatenate(([0], np.cumsum(count[kept])))
        demand, kind_of_rack = self.demand(form)
        yield replace(
            form,
            kind_of_rack=kind_of_rack,
            demand=demand,
            rows=Rows(start, number[here].astype(np.int32), form.rows.weight[here]),
            base=(form.base + form.rows.dot(per_rack))[kept],
            limit=form.limit[kept],
            subject=tuple(form.subject[i] for i in kept.tolist()),
            state=tuple(form.state[i] for i in kept.tolist()),
        )

    def demand(self, form: LinearLoad) -> tuple[Ints, Index]:
        """Return demand and kinds of the part; forms that share theirs go on sharing."""
        key = id(form.demand), id(form.kind_of_rack)
        if key not in self.demands:
            kinds, kind_of_rack = np.unique(form.kind_of_rack[self.racks], return_inverse=True)
            self.demands[key] = form.demand[self.jobs][:, kinds], kind_of_rack.astype(np.int32)
        return self.demands[key]

    def packing(self, form: Packing) -> Packing:
        group = form.group_of_job[self.fixed.job]
        size = form.size[self.fixed.job, form.kind_of_rack[self.fixed.rack]]
        inside = group != NONE
        pairs, which = np.unique(
            np.stack((group[inside], self.fixed.rack[inside])), axis=1, return_inverse=True
        )
        slots = np.zeros(pairs.shape[1], np.int64)
        np.add.at(slots, which.ravel(), (size * self.fixed.units)[inside])
        bin_size = form.bin_size[pairs[1]]
        used = slots // bin_size if self.relaxed else -(-slots // bin_size)
        bins = form.bins.copy()
        np.subtract.at(bins, pairs[1], used)
        kinds, kind_of_rack = np.unique(form.kind_of_rack[self.racks], return_inverse=True)
        return replace(
            form,
            kind_of_rack=kind_of_rack.astype(np.int32),
            size=form.size[self.jobs][:, kinds],
            group_of_job=_renumbered(form.group_of_job[self.jobs])[0],
            bin_size=form.bin_size[self.racks],
            bins=bins[self.racks],
            subject=tuple(form.subject[r] for r in self.racks.tolist()),
        )

    def count(self, form: GroupCount) -> Iterator[GroupCount]:
        group_of_job, groups = _renumbered(form.group_of_job[self.jobs])
        if not len(groups):
            return
        number = _number(self.racks, form.domains.rack)
        here = number != NONE
        size = np.bincount(form.domains.row[here], minlength=form.domains.num_rows)
        kept = np.flatnonzero(size)
        start = np.concatenate(([0], np.cumsum(size[kept])))
        limit = form.limit[groups]
        if not self.relaxed:
            limit = limit - self.most_of_fixed(form)[groups]
        yield replace(
            form,
            domains=Rows(start, number[here].astype(np.int32), form.domains.weight[here]),
            group_of_job=group_of_job,
            limit=np.where(form.limit[groups] >= UNLIMITED, UNLIMITED, limit),
            survives=form.survives[self.jobs],
            domain_names=tuple(form.domain_names[d] for d in kept.tolist()),
            group_names=tuple(form.group_names[g] for g in groups.tolist()),
        )

    def most_of_fixed(self, form: GroupCount) -> Ints:
        """Return the most units of each group that stay in one domain, (G,)."""
        most = np.zeros(len(form.limit), np.int64)
        group = form.group_of_job[self.fixed.job]
        for g in np.unique(group[group != NONE]).tolist():
            if form.limit[g] < UNLIMITED:
                per_rack = np.zeros(self.compiled.num_racks, np.int64)
                np.add.at(per_rack, self.fixed.rack[group == g], self.fixed.units[group == g])
                most[g] = form.domains.dot(per_rack).max(initial=0)
        return most

    def presence(self, form: GroupPresence) -> Iterator[Form]:
        group_of_job, groups = _renumbered(form.group_of_job[self.jobs])
        if not len(groups):
            return
        domain_of_rack, domains = _renumbered(form.domain_of_rack[self.racks])
        group, domain = form.group_of_job[self.fixed.job], form.domain_of_rack[self.fixed.rack]
        there = (group != NONE) & (domain != NONE)
        stays = np.unique(np.stack((group[there], domain[there])), axis=1)
        max_domains = form.max_domains[groups]
        if not self.relaxed and stays.shape[1]:
            held = np.bincount(stays[0], minlength=len(form.group_names))[groups]
            limited = np.maximum(max_domains - held, 0)
            max_domains = np.where(max_domains >= UNLIMITED, max_domains, limited)
        share = form.may_share
        yield replace(
            form,
            domain_of_rack=domain_of_rack,
            group_of_job=group_of_job,
            may_share=None if share is None else share[np.ix_(groups, groups)],
            max_domains=max_domains,
            free_domains=form.free_domains[groups],
            price_mills=form.price_mills[groups],
            domain_names=tuple(form.domain_names[d] for d in domains.tolist()),
            group_names=tuple(form.group_names[g] for g in groups.tolist()),
        )
        if share is not None and stays.shape[1] and len(domains):
            kept_out = _kept_out(share, groups, domains, stays)
            if kept_out.any():
                yield _prohibition(form.term, kept_out, group_of_job, domain_of_rack)


def _alike_columns(*tables: Ints | Bools) -> tuple[Ints, Ints]:
    """Return (the first of each kind of column, the kind of each) where all tables agree.

    Sorting whole columns takes long where there are many, so they are sorted by a sum of their
    entries with random weights, modulo 2^64. Where unlike columns have the same sum, which hardly
    ever happens, each column is a kind of its own: no less right, only larger.
    """
    rng = np.random.default_rng(0)
    columns = tables[0].shape[1]
    sums = np.zeros(columns, np.int64)
    for table in tables:
        sums += (rng.integers(1, 2**62, len(table)) * 2 + 1) @ table.astype(np.int64)
    _, first, same = np.unique(sums, return_index=True, return_inverse=True)
    of = first[same]
    for some in range(0, len(tables[0]), ROWS_AT_ONCE):
        rows = slice(some, some + ROWS_AT_ONCE)
        if any((table[rows] != table[rows][:, of]).any() for table in tables):
            every = np.arange(columns)
            return every, every
    return first, same


def _kept_out(share: Bools, groups: Ints, domains: Ints, stays: Ints) -> Bools:
    """Return which groups may not enter which domains because of who stays there, (G', D')."""
    kept_out = np.zeros((len(groups), len(domains)), bool)
    number = _number(domains, stays[1])
    for g, d in zip(stays[0].tolist(), number.tolist(), strict=True):
        if d != NONE:
            kept_out[:, d] |= ~share[groups, g]
    return kept_out


def _prohibition(
    term: str, kept_out: Bools, group_of_job: Index, domain_of_rack: Index
) -> AssignmentCost:
    """Say that jobs of a group may not lie in some domains; the last kind is "no domain"."""
    groups = np.concatenate((kept_out, np.zeros((1, kept_out.shape[1]), bool)))
    columns = np.concatenate((groups, np.zeros((len(groups), 1), bool)), axis=1)
    first, kind_of_domain = _alike_columns(columns)
    distinct = columns[:, first]
    return AssignmentCost.prohibition(
        term, kind_of_domain[domain_of_rack].astype(np.int32), ~distinct[group_of_job]
    )


def _number(kept: Ints, of: Ints | Index) -> Ints:
    """Return the place of each of `of` in the sorted `kept`, NONE where it is not there."""
    if not len(kept):
        return np.full(len(of), NONE, np.int64)
    at = np.minimum(np.searchsorted(kept, of), len(kept) - 1)
    return np.where(kept[at] == of, at, NONE)


def _renumbered(values: Index) -> tuple[Index, Ints]:
    """Number what occurs from 0 on, NONE stays; return the numbers and what occurs."""
    occurs = np.unique(values[values != NONE]).astype(np.int64)
    return _number(occurs, values).astype(np.int32), occurs


def joined(*plans: Shards) -> Shards:
    """Return several plans as one."""
    return reduce(
        lambda a, b: Shards.build(
            np.concatenate((a.job, b.job)),
            np.concatenate((a.rack, b.rack)),
            np.concatenate((a.units, b.units)),
        ),
        plans,
    )


def without(shards: Shards, jobs: Bools) -> Shards:
    """Return a plan without the placements of some jobs; `jobs` is (J,)."""
    kept = ~jobs[shards.job]
    return Shards(shards.job[kept], shards.rack[kept], shards.units[kept])
