"""What sets of moves change, form by form, for all plans of a batch at once.

A batch is flattened into changes: plan p has `units` more or less of a job on a rack. Every form
adds them up by the keys that it looks at, (plan, row), (plan, group, domain) and so on, and only
keys that are touched cost time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, UNLIMITED, Ints
from kernels.linear_table import LinearTable
from kernels.parts.assignment import Assignment
from kernels.parts.bins import Bins
from kernels.parts.counts import Counts
from kernels.parts.expand import ranges
from kernels.parts.presence import Presence

SPARSE_SHARE = 0.5  # share of all entries that a plan touches from which on all are taken


@dataclass(frozen=True, eq=False)
class UnitChanges:
    """Changes of some plans, each (plan, job, rack) once, sorted; no change is 0."""

    num_plans: int
    plan: Ints  # (C,)
    job: Ints  # (C,)
    rack: Ints  # (C,)
    units: Ints  # (C,)

    def sum_by_plan(self, values: Ints, plan: Ints | None = None) -> Ints:
        """Return the sum of the values of every plan, (P,)."""
        total = np.zeros(self.num_plans, np.int64)
        np.add.at(total, self.plan if plan is None else plan, values)
        return total


def sums_by_key(keys: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Return every key once, ascending, and the sum of its values; sums of 0 are kept."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    heads = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[heads], np.add.reduceat(values[order], heads) if len(heads) else values[:0]


def load_violation(table: LinearTable, load: Ints, excess: Ints, changes: UnitChanges) -> Ints:
    """Return by how much the excess of all linear rows grows, (P,)."""
    grown = np.zeros(changes.num_plans, np.int64)
    entries_of = np.diff(table.start)[changes.rack]
    by_plan = np.bincount(changes.plan, weights=entries_of, minlength=changes.num_plans)
    dense = by_plan > SPARSE_SHARE * len(table.row)
    start = np.searchsorted(changes.plan, np.arange(changes.num_plans + 1))
    for plan in np.flatnonzero(dense).tolist():
        own = slice(int(start[plan]), int(start[plan + 1]))
        grown[plan] = _dense_violation(table, load, excess, changes, own)
    few = np.flatnonzero(~dense[changes.plan])
    which, entry = ranges(table.start[changes.rack[few]], table.start[changes.rack[few] + 1])
    change = few[which]
    rack, demand = changes.rack[change], table.table[entry]
    drawn = table.demand[demand, changes.job[change], table.kind[demand, rack]]
    more = table.weight[entry] * drawn * changes.units[change]
    keys, sums = sums_by_key(changes.plan[change] * table.num_rows + table.row[entry], more)
    row = keys % max(1, table.num_rows)
    after = table.excess(load[row] + sums, row) - excess[row]
    return grown + changes.sum_by_plan(after, keys // max(1, table.num_rows))


def _dense_violation(
    table: LinearTable, load: Ints, excess: Ints, changes: UnitChanges, own: slice
) -> int:
    """Return the same for one plan that touches much, by way of the loads of its racks."""
    job, rack, units = changes.job[own], changes.rack[own], changes.units[own]
    after = load.copy()
    for q in range(len(table.kind)):
        drawn = table.demand[q, job, table.kind[q, rack]] * units
        by_rack = np.bincount(rack, weights=drawn, minlength=table.kind.shape[1])
        rows, offset = table.rows_of(q)
        after[offset] += rows.dot(by_rack.astype(np.int64))
    return int((table.excess(after) - excess).sum())


def bin_violation(bins: Bins, changes: UnitChanges) -> Ints:
    """Return by how much the bins above those available grow, (P,)."""
    form, racks = bins.form, bins.num_racks
    group = form.group_of_job[changes.job].astype(np.int64)
    some = np.flatnonzero(group != NONE)
    rack = changes.rack[some]
    more = form.size[changes.job[some], form.kind_of_rack[rack]] * changes.units[some]
    span = max(1, int(group.max(initial=0)) + 1) * racks
    keys, sums = sums_by_key(changes.plan[some] * span + group[some] * racks + rack, more)
    plan, rack, group = keys // span, keys % racks, keys % span // max(1, racks)
    slots, size = bins.slots_at(group, rack), form.bin_size[rack]
    filled = -(-(slots + sums) // size) - -(-slots // size)
    keys, taken = sums_by_key(plan * racks + rack, filled)
    rack = keys % max(1, racks)
    over = np.maximum(taken - bins.free[rack], 0) - bins.over[rack]
    return changes.sum_by_plan(over, keys // max(1, racks))


def count_violation(counts: Counts, changes: UnitChanges) -> Ints:
    """Return by how much the units above the limits of groups grow, (P,)."""
    form, domains = counts.form, counts.num_domains
    group = form.group_of_job[changes.job].astype(np.int64)
    some = np.flatnonzero((group != NONE) & (form.limit[group] < UNLIMITED))
    which, entry = ranges(counts.start[changes.rack[some]], counts.start[changes.rack[some] + 1])
    change = some[which]
    span = max(1, len(form.limit) * domains)
    key = changes.plan[change] * span + group[change] * domains + counts.domain[entry]
    keys, sums = sums_by_key(key, changes.units[change])
    above = counts.units_at(keys % span) - form.limit[keys % span // max(1, domains)]
    over = np.maximum(above + sums, 0) - np.maximum(above, 0)
    return changes.sum_by_plan(over, keys // span)


def presence_changes(presence: Presence, changes: UnitChanges) -> tuple[Ints, Ints]:
    """Return (violation, margin) of groups that enter and leave domains, (P,) each.

    With present groups p, changes s in {-1, 0, 1} and F[g, h] = 1 for foes, the pairs of foes
    together in a domain grow by ``s F p + s F s / 2``.
    """
    form, domains = presence.form, presence.num_domains
    group = form.group_of_job[changes.job].astype(np.int64)
    domain = form.domain_of_rack[changes.rack].astype(np.int64)
    some = np.flatnonzero((group != NONE) & (domain != NONE))
    groups = len(form.max_domains)
    span = max(1, domains * groups)
    key = changes.plan[some] * span + domain[some] * groups + group[some]
    keys, sums = sums_by_key(key, changes.units[some])
    plan, domain, group = keys // span, keys % span // max(1, groups), keys % max(1, groups)
    before = presence.units_at(group, domain)
    step = np.sign(before + sums) - np.sign(before)
    moved = np.flatnonzero(step)
    plan, domain, group, step = plan[moved], domain[moved], group[moved], step[moved]
    violation = np.zeros(changes.num_plans, np.int64)
    if form.may_share is not None:
        for g in np.unique(group[presence.has_foes[group]]).tolist():
            own = np.flatnonzero(group == g)
            met = presence.foes_in(g)[domain[own]] * step[own]
            violation += changes.sum_by_plan(met, plan[own])
        place = plan * max(1, domains) + domain  # ascending, like the keys
        others = np.searchsorted(place, place, side="right")
        one, other = ranges(np.arange(len(place)) + 1, others)
        foes = ~form.may_share[group[one], group[other]]
        violation += changes.sum_by_plan(step[one] * step[other] * foes, plan[one])
    keys, steps = sums_by_key(plan * max(1, groups) + group, step)
    group, used = keys % max(1, groups), presence.used[keys % max(1, groups)]
    most, free = form.max_domains[group], form.free_domains[group]
    over = np.maximum(used + steps - most, 0) - np.maximum(used - most, 0)
    priced = np.maximum(used + steps - free, 0) - np.maximum(used - free, 0)
    plan = keys // max(1, groups)
    margin = -changes.sum_by_plan(priced * form.price_mills[group], plan)
    return violation + changes.sum_by_plan(over, plan), margin


def assignment_changes(assignment: Assignment, changes: UnitChanges) -> tuple[Ints, Ints]:
    """Return (units where they may not be, margin) by place, (P,) each."""
    form, kind = assignment.form, assignment.form.kind_of_rack[changes.rack]
    forbidden = np.where(form.allowed[changes.job, kind], 0, changes.units)
    margin = -form.cost_mills[changes.job, kind] * changes.units
    if len(assignment.home_key):
        asked = changes.job * assignment.num_racks + changes.rack
        at = np.searchsorted(assignment.home_key, asked)
        at = np.minimum(at, len(assignment.home_key) - 1)
        missing = assignment.missing[at]
        more = np.maximum(missing - changes.units, 0) - np.maximum(missing, 0)
        at_home = assignment.home_key[at] == asked
        margin -= np.where(at_home, more * assignment.move_mills[at], 0)
    return changes.sum_by_plan(forbidden), changes.sum_by_plan(margin)
