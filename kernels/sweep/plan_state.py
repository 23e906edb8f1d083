"""One plan as the sweep sees it: a part for every form, and what a candidate changes by itself."""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates
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
from kernels.parts.changes import Changes
from kernels.parts.counts import Counts
from kernels.parts.loads import Loads
from kernels.parts.presence import Presence
from kernels.parts.survival import RiskDomains, Survival


class PlanState:
    """The parts of one plan, and its candidates."""

    def __init__(
        self,
        compiled: Compiled,
        table: LinearTable,
        domains: RiskDomains,
        shards: Shards,
        candidates: Candidates,
    ) -> None:
        self.compiled = compiled
        self.candidates = candidates
        self.loads = Loads(table, shards, candidates)
        self.bins = [Bins(form, shards) for form in compiled.forms if isinstance(form, Packing)]
        self.presences = [
            Presence(form, shards)
            for form in compiled.forms
            if isinstance(form, GroupPresence) and len(form.max_domains)
        ]
        self.counts = [
            Counts(form, shards, compiled.num_racks)
            for form in compiled.forms
            if isinstance(form, GroupCount) and len(form.limit)
        ]
        self.assignments = [
            Assignment(form, shards) for form in compiled.forms if isinstance(form, AssignmentCost)
        ]
        self.survival = Survival(compiled, domains, shards)
        self.survivors = self.survival.must_survive[candidates.job]  # (N,)
        self.more = np.where(candidates.source == NONE, candidates.units, 0)  # (N,)

    def leaving(self) -> Ints:
        """Return what every candidate changes wherever it goes, (3, N).

        That is what it leaves behind and, for one from outside, the units that its job grows by.
        """
        candidates = self.candidates
        parts = [
            self.loads.leaving(candidates),
            *(part.leaving(candidates) for part in self.bins),
            *(part.leaving(candidates) for part in self.presences),
            *(part.leaving(candidates) for part in self.counts),
            *(part.leaving(candidates) for part in self.assignments),
            self._growth(),
        ]
        total = np.zeros((3, len(candidates)), np.int64)
        for part in parts:
            for c in range(3):
                total[c] += part[c]
        return total

    def _growth(self) -> Changes:
        """Return what larger totals change, (N,); counted units of survivors come elsewhere."""
        survival, units, job = self.survival, self.compiled.units, self.candidates.job
        before, after = survival.total[job], survival.total[job] + self.more

        def wrong(total: Ints) -> Ints:
            missing = np.where(total > 0, np.maximum(units.least[job] - total, 0), 0)
            return np.asarray(missing + np.maximum(total - units.most[job], 0))

        none = np.zeros(len(job), np.int64)
        more = survival.count(job, self.more, none) - survival.count(job, none, none)
        _, unmet, margin = survival.worth(job, np.where(self.survivors, 0, more))
        return Changes(wrong(after) - wrong(before), unmet, margin)
