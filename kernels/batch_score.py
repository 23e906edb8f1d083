"""Scores of many plans that differ from one base by moves."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.batch import MoveSets
from kernels.batch_changes import (
    UnitChanges,
    assignment_changes,
    bin_violation,
    count_violation,
    load_violation,
    presence_changes,
    sums_by_key,
)
from kernels.forms import (
    NONE,
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)
from kernels.linear_table import LinearTable
from kernels.parts.assignment import Assignment
from kernels.parts.bins import Bins
from kernels.parts.counts import Counts
from kernels.parts.presence import Presence
from kernels.parts.survival import RiskDomains, Survival

MOVES_AT_ONCE = 20_000


class BatchScorer:
    """A base plan with all that moves change; every batch on it starts from there."""

    def __init__(self, compiled: Compiled, base: Shards, table: LinearTable | None = None) -> None:
        self.compiled = compiled
        self.base = base
        self._table = LinearTable(compiled) if table is None else table
        self._load = self._table.load(base)
        self._excess = self._table.excess(self._load)
        forms = compiled.forms
        self._bins = [Bins(form, base) for form in forms if isinstance(form, Packing)]
        self._counts = [
            Counts(form, base, compiled.num_racks)
            for form in forms
            if isinstance(form, GroupCount) and len(form.limit)
        ]
        self._presences = [
            Presence(form, base)
            for form in forms
            if isinstance(form, GroupPresence) and len(form.max_domains)
        ]
        self._assignments = [
            Assignment(form, base) for form in forms if isinstance(form, AssignmentCost)
        ]
        self._survival = Survival(compiled, RiskDomains.build(compiled), base)
        self.base_score = reference.score(compiled, base)
        self._keys = base.job.astype(np.int64) * compiled.num_racks + base.rack

    def score(self, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of the base after each set, (P,) each.

        Raises
        ------
        ValueError
            A move takes no unit, or more units leave a rack than the job has there.
        """
        start, last = move_sets.start, move_sets.num_plans
        parts, first = [], 0
        while first < last:
            # As many plans as fit the memory, and one at least.
            end = int(np.searchsorted(start, start[first] + MOVES_AT_ONCE, side="right")) - 1
            end = min(max(end, first + 1), last)
            parts.append(self._some(self._changes(move_sets, first, end)))
            first = end
        total = np.concatenate([np.zeros((3, 0), np.int64), *parts], axis=1)
        base = self.base_score
        return (
            base.violation + total[0],
            base.unmet_firm_gpus + total[1],
            base.margin_mills + total[2],
        )

    def _some(self, changes: UnitChanges) -> Ints:
        """Return what the changes of some plans do to the three parts of a score, (3, P)."""
        total = self._totals(changes)
        total[0] += load_violation(self._table, self._load, self._excess, changes)
        for bins in self._bins:
            total[0] += bin_violation(bins, changes)
        for counts in self._counts:
            total[0] += count_violation(counts, changes)
        for presence in self._presences:
            violation, margin = presence_changes(presence, changes)
            total[0] += violation
            total[2] += margin
        for assignment in self._assignments:
            violation, margin = assignment_changes(assignment, changes)
            total[0] += violation
            total[2] += margin
        return total

    def _changes(self, move_sets: MoveSets, first: int, end: int) -> UnitChanges:
        """Return the changes of plans ``first:end``, moves netted."""
        own = slice(int(move_sets.start[first]), int(move_sets.start[end]))
        if (move_sets.units[own] <= 0).any():
            bad = int(np.flatnonzero(move_sets.units[own] <= 0)[0]) + own.start
            raise ValueError(
                f"a move of job {move_sets.job[bad]}: expected units > 0, "
                f"got {move_sets.units[bad]}"
            )
        jobs, racks = self.compiled.num_jobs, self.compiled.num_racks
        counts = np.diff(move_sets.start[first : end + 1])
        plan_job = np.repeat(np.arange(end - first), counts) * jobs + move_sets.job[own]
        keys, units = [], []
        for rack, sign in ((move_sets.source[own], -1), (move_sets.target[own], 1)):
            inside = np.flatnonzero(rack != NONE)
            keys.append(plan_job[inside] * racks + rack[inside])
            units.append(sign * move_sets.units[own][inside])
        key, net = sums_by_key(np.concatenate(keys), np.concatenate(units))
        key, net = key[net != 0], net[net != 0]
        pair, span = key % max(1, jobs * racks), max(1, jobs * racks)
        changes = UnitChanges(
            end - first, key // span, pair // max(1, racks), pair % max(1, racks), net
        )
        short = np.flatnonzero(self._units_at(pair) + net < 0)
        if len(short):
            raise ValueError(
                f"moves take more units of job {changes.job[short[0]]} "
                f"from rack {changes.rack[short[0]]} than lie there"
            )
        return changes

    def _units_at(self, pair: Ints) -> Ints:
        if not len(self._keys):
            return np.zeros(len(pair), np.int64)
        at = np.minimum(np.searchsorted(self._keys, pair), len(self._keys) - 1)
        return np.where(self._keys[at] == pair, self.base.units[at], 0)

    def _totals(self, changes: UnitChanges) -> Ints:
        """Return what larger or smaller totals change: wrong totals, counted units, (3, P)."""
        survival, units, jobs = self._survival, self.compiled.units, self.compiled.num_jobs
        keys, more = sums_by_key(changes.plan * jobs + changes.job, changes.units)
        plan, job = keys // max(1, jobs), keys % max(1, jobs)
        before = survival.total[job]

        def wrong(total: Ints) -> Ints:
            missing = np.where(total > 0, np.maximum(units.least[job] - total, 0), 0)
            return np.asarray(missing + np.maximum(total - units.most[job], 0))

        loss = self._losses(changes, plan, job)
        counted = survival.count(job, more, loss) - survival.counted[job]
        _, unmet, margin = survival.worth(job, counted)
        parts = (wrong(before + more) - wrong(before), unmet, margin)
        return np.array([changes.sum_by_plan(np.asarray(part), plan) for part in parts])

    def _losses(self, changes: UnitChanges, plan: Ints, job: Ints) -> Ints:
        """Return the worst loss of each touched job of each plan; 0 if it need not survive."""
        survival, loss = self._survival, np.zeros(len(job), np.int64)
        at_risk: dict[int, Ints] = {}
        key = changes.plan * self.compiled.num_jobs + changes.job  # ascending
        for i in np.flatnonzero(survival.must_survive[job]).tolist():
            j = int(job[i])
            if j not in at_risk:
                at_risk[j] = survival.at_risk(j)
            asked = int(plan[i]) * self.compiled.num_jobs + j
            first, end = np.searchsorted(key, (asked, asked + 1))
            after = at_risk[j].copy()
            for n in range(int(first), int(end)):
                own = survival.domains_of(int(changes.rack[n]))
                survives = survival.domains.survives[survival.domains.form[own], j]
                np.add.at(after, own, np.where(survives, changes.units[n], 0))
            loss[i] = after.max(initial=0)
        return loss


def score_batch(compiled: Compiled, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
    """Return violation, unmet firm GPUs and margin of `base` after each set of moves, (P,) each."""
    return BatchScorer(compiled, base).score(move_sets)
