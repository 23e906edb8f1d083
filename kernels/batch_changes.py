"""What sets of moves change in bins, groups and costs, for all plans of a batch at once."""

from __future__ import annotations

import numpy as np

from kernels.batch_moves import UnitChanges
from kernels.batch_sums import BaseSums, KeySums, split
from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)
from kernels.parts.assignment import Assignment
from kernels.parts.bins import Bins
from kernels.parts.counts import Counts
from kernels.parts.expand import ranges
from kernels.parts.presence import Presence


class BinChanges:
    """Bins of racks, by group."""

    def __init__(self, form: Packing, base: Shards, sums: KeySums) -> None:
        self._bins, self._sums = Bins(form, base), sums
        self._racks = self._bins.num_racks
        self._span = (int(form.group_of_job.max(initial=NONE)) + 1) * self._racks
        self._slots = BaseSums(self._bins.key, self._bins.slots, self._span)

    def changes(self, changes: UnitChanges) -> Ints:
        """Return by how much the bins above those available grow, (3, P)."""
        form, racks, span = self._bins.form, self._racks, self._span
        group = form.group_of_job[changes.job].astype(np.int64)
        some = np.flatnonzero(group != NONE)
        rack = changes.rack[some].astype(np.int64)
        more = form.size[changes.job[some], form.kind_of_rack[rack]] * changes.units[some]
        keys = changes.plan[some] * span + group[some] * racks + rack
        keys, sums = self._sums.sums(keys, more, changes.num_plans * span)
        plan, pair = split(keys, span)
        rack = pair % max(1, racks)
        slots, size = self._slots.at(pair), form.bin_size[rack]
        filled = -(-(slots + sums) // size) - -(-slots // size)
        keys, taken = self._sums.sums(plan * racks + rack, filled, changes.num_plans * racks)
        plan, rack = split(keys, racks)
        return _parts(changes.sum_by_plan(self._bins.added(rack, taken), plan))


class CountChanges:
    """Units of limited groups in domains."""

    def __init__(self, form: GroupCount, base: Shards, num_racks: int, sums: KeySums) -> None:
        self._counts, self._sums = Counts(form, base, num_racks), sums
        self._span = len(form.limit) * self._counts.num_domains
        self._units = BaseSums(self._counts.key, self._counts.units, self._span)

    def changes(self, changes: UnitChanges) -> Ints:
        """Return by how much the units above the limits grow, (3, P)."""
        counts, form, domains = self._counts, self._counts.form, self._counts.num_domains
        group = form.group_of_job[changes.job].astype(np.int64)
        some = np.flatnonzero((group != NONE) & (form.limit[group] < UNLIMITED))
        rack = changes.rack[some]
        which, entry = ranges(counts.start[rack], counts.start[rack + 1])
        change, span = some[which], max(1, self._span)
        keys = changes.plan[change] * span + group[change] * domains + counts.domain[entry]
        keys, sums = self._sums.sums(keys, changes.units[change], changes.num_plans * span)
        plan, pair = split(keys, span)
        above = self._units.at(pair) - form.limit[pair // max(1, domains)]
        over = np.maximum(above + sums, 0) - np.maximum(above, 0)
        return _parts(changes.sum_by_plan(over, plan))


class PresenceChanges:
    """Groups that enter and leave domains."""

    def __init__(self, form: GroupPresence, base: Shards, sums: KeySums) -> None:
        self._presence, self._sums = Presence(form, base), sums
        presence, self._groups = self._presence, len(form.max_domains)
        self._span = self._groups * presence.num_domains
        order = np.argsort(presence.domain, kind="stable")
        by_domain = presence.domain[order] * self._groups + presence.group[order]
        self._units = BaseSums(by_domain, presence.units[order], self._span)
        self._group = presence.group[order]  # of every pair that is present, by domain
        domains = np.arange(presence.num_domains + 1)
        self._start = np.searchsorted(presence.domain[order], domains)

    def changes(self, changes: UnitChanges) -> Ints:
        """Return what groups that enter or leave change, (3, P)."""
        form, groups, span = self._presence.form, self._groups, max(1, self._span)
        group = form.group_of_job[changes.job].astype(np.int64)
        domain = form.domain_of_rack[changes.rack].astype(np.int64)
        some = np.flatnonzero((group != NONE) & (domain != NONE))
        keys = changes.plan[some] * span + domain[some] * groups + group[some]
        keys, sums = self._sums.sums(keys, changes.units[some], changes.num_plans * span)
        before = self._units.at(keys % span)
        step = np.sign(before + sums) - np.sign(before)
        moved = np.flatnonzero(step)
        keys, step = keys[moved], step[moved]
        plan, group = keys // span, keys % max(1, groups)
        met = self._foes_met(keys, step, changes)
        keys = plan * groups + group
        keys, steps = self._sums.sums(keys, step, changes.num_plans * groups)
        plan, group = split(keys, groups)
        used, most, free = self._presence.used[group], form.max_domains[group], form.free_domains
        over = np.maximum(used + steps - most, 0) - np.maximum(used - most, 0)
        priced = np.maximum(used + steps - free[group], 0) - np.maximum(used - free[group], 0)
        margin = -changes.sum_by_plan(priced * form.price_mills[group], plan)
        return _parts(met + changes.sum_by_plan(over, plan), margin)

    def _foes_met(self, keys: Ints, step: Ints, changes: UnitChanges) -> Ints:
        """Return by how much the pairs of foes grow, (P,).

        With present groups p, steps s in {-1, 0, 1} and F[g, h] = 1 for foes, the pairs of foes
        together in a domain grow by ``s F p + s F s / 2``.
        """
        may_share, span, groups = self._presence.form.may_share, max(1, self._span), self._groups
        met = np.zeros(changes.num_plans, np.int64)
        if may_share is None:
            return met
        some = np.flatnonzero(self._presence.has_foes[keys % max(1, groups)])
        some = some[np.argsort(keys[some])]
        keys, step = keys[some], step[some]
        plan, pair = split(keys, span)
        domain, group = split(pair, groups)
        one, there = ranges(self._start[domain], self._start[domain + 1])
        foes = ~may_share[group[one], self._group[there]]
        np.add.at(met, plan[one], step[one] * foes)
        place = keys // max(1, groups)  # (plan, domain), ascending
        others = np.searchsorted(place, place, side="right")
        one, other = ranges(np.arange(len(place)) + 1, others)
        foes = ~may_share[group[one], group[other]]
        np.add.at(met, plan[one], step[one] * step[other] * foes)
        return met


class AssignmentChanges:
    """Units where they may not be, their cost, and homes that they leave or come back to."""

    def __init__(self, form: AssignmentCost, base: Shards, sums: KeySums) -> None:
        self._assignment, self._sums = Assignment(form, base), sums
        self._home = np.zeros(len(form.kind_of_rack) + 1, bool)  # racks that are someone's home
        self._home[form.home_rack] = True
        self._forbids = not bool(form.allowed.all())
        self._costs = bool(form.cost_mills.any())

    def changes(self, changes: UnitChanges) -> Ints:
        """Return what units change by where they lie, (3, P)."""
        form, kinds = self._assignment.form, self._assignment.form.cost_mills.shape[1]
        violation, margin = np.zeros((2, changes.num_plans), np.int64)
        if self._forbids or self._costs:
            kind = form.kind_of_rack[changes.rack]
            at = changes.job.astype(np.int64) * kinds + kind
            if self._forbids:
                allowed = form.allowed.ravel().take(at)
                violation = changes.sum_by_plan(np.where(allowed, 0, changes.units))
            if self._costs:
                cost = form.cost_mills.ravel().take(at) * changes.units
                margin = -changes.sum_by_plan(cost)
        return _parts(violation, margin - self._moved(changes))

    def _moved(self, changes: UnitChanges) -> Ints:
        """Return by how much the cost of moves grows, (P,)."""
        assignment, homes = self._assignment, len(self._assignment.home_key)
        if not homes:
            return np.zeros(changes.num_plans, np.int64)
        some = np.flatnonzero(self._home[changes.rack])
        asked = changes.job[some].astype(np.int64) * assignment.num_racks + changes.rack[some]
        at = np.minimum(np.searchsorted(assignment.home_key, asked), homes - 1)
        own = np.flatnonzero(assignment.home_key[at] == asked)
        keys = changes.plan[some[own]] * homes + at[own]
        keys, came = self._sums.sums(keys, changes.units[some[own]], changes.num_plans * homes)
        plan, home = split(keys, homes)
        missing = assignment.missing[home]
        more = np.maximum(missing - came, 0) - np.maximum(missing, 0)
        return changes.sum_by_plan(more * assignment.move_mills[home], plan)


FormChanges = BinChanges | CountChanges | PresenceChanges | AssignmentChanges


def form_changes(form: Form, compiled: Compiled, base: Shards, sums: KeySums) -> FormChanges | None:
    """Return what works a form's changes out; None if it is a linear load or holds no group."""
    match form:
        case Packing():
            return BinChanges(form, base, sums)
        case GroupCount() if (form.limit < UNLIMITED).any():
            return CountChanges(form, base, compiled.num_racks, sums)
        case GroupPresence() if len(form.max_domains):
            return PresenceChanges(form, base, sums)
        case AssignmentCost():
            return AssignmentChanges(form, base, sums)
    return None


def _parts(violation: Ints, margin: Ints | int = 0) -> Ints:
    """Return the parts of a score: violation, unmet firm GPUs (none here), margin, (3, P)."""
    parts = np.zeros((3, len(violation)), np.int64)
    parts[0], parts[2] = violation, margin
    return parts
