"""What sets of moves change in the totals of jobs: missing units, and those that count."""

from __future__ import annotations

import numpy as np

from kernels.batch_moves import PlanMoves, UnitChanges
from kernels.batch_sums import KeySums, split
from kernels.forms import NONE, Compiled, Index, Ints, Shards
from kernels.parts.expand import ranges
from kernels.parts.survival import RiskDomains, Survival


class TotalChanges:
    """Totals of jobs in one base plan, and the units that any failure takes from them."""

    def __init__(self, compiled: Compiled, base: Shards, sums: KeySums) -> None:
        self._jobs, self._units, self._sums = compiled.num_jobs, compiled.units, sums
        self._survival = Survival(compiled, RiskDomains.build(compiled), base)
        domains = self._survival.domains
        shard, domain = self._at_risk(base.job, base.rack)
        keys, units = sums.sums(
            base.job[shard].astype(np.int64) * domains.num_domains + domain,
            base.units[shard],
            self._jobs * domains.num_domains,
        )
        order = np.argsort(keys)
        job, self._domain = split(keys[order], domains.num_domains)
        self._lost = units[order]  # by job, then domain
        self._start = np.searchsorted(job, np.arange(self._jobs + 1))

    def changes(self, moves: PlanMoves) -> Ints:
        """Return (violation, unmet firm GPUs, margin) that totals change, (3, P)."""
        survival, units, jobs = self._survival, self._units, self._jobs
        # Other moves change neither how many units a job has nor how many it may lose.
        concerned = survival.must_survive[moves.job]
        for end in (moves.source, moves.target):
            if end.min(initial=0) == NONE:
                concerned |= end == NONE
        changes = moves.changes(np.flatnonzero(concerned))
        keys = changes.plan * jobs + changes.job
        keys, more = self._sums.sums(keys, changes.units, changes.num_plans * jobs)
        must = survival.must_survive[keys % max(1, jobs)]
        plan, job = split(keys, jobs)
        before = survival.total[job]

        def wrong(total: Ints) -> Ints:
            missing = np.where(total > 0, np.maximum(units.least[job] - total, 0), 0)
            return np.asarray(missing + np.maximum(total - units.most[job], 0))

        loss = np.zeros(len(job), np.int64)
        if must.any():
            loss[must] = self._losses(changes, keys[must])
        counted = survival.count(job, more, loss) - survival.counted[job]
        _, unmet, margin = survival.worth(job, counted)
        parts = (wrong(before + more) - wrong(before), unmet, margin)
        return np.array([changes.sum_by_plan(np.asarray(part), plan) for part in parts])

    def _losses(self, changes: UnitChanges, pairs: Ints) -> Ints:
        """Return the worst loss of jobs that must survive; pairs are ``plan * jobs + job``."""
        jobs, domains = self._jobs, self._survival.domains.num_domains
        order = np.argsort(pairs)
        pairs = pairs[order]
        job = pairs % jobs
        one, there = ranges(self._start[job], self._start[job + 1])
        own = np.flatnonzero(self._survival.must_survive[changes.job])
        change, domain = self._at_risk(changes.job[own], changes.rack[own])
        change = own[change]
        pair = np.searchsorted(pairs, changes.plan[change] * jobs + changes.job[change])
        keys, lost = self._sums.sums(
            np.concatenate((one, pair)) * domains + np.concatenate((self._domain[there], domain)),
            np.concatenate((self._lost[there], changes.units[change])),
            len(pairs) * domains,
        )
        worst = np.zeros(len(pairs), np.int64)
        np.maximum.at(worst, keys // max(1, domains), lost)
        loss = np.empty_like(worst)
        loss[order] = worst
        return loss

    def _at_risk(self, job: Index, rack: Index) -> tuple[Ints, Ints]:
        """Return every (place in `job`, domain of its rack) under which the job must survive."""
        domains = self._survival.domains
        which, entry = ranges(domains.start[rack], domains.start[rack + 1])
        domain = domains.domain[entry].astype(np.int64)
        kept = domains.survives[domains.form[domain], job[which]]
        return which[kept], domain[kept]
