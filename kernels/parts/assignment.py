"""Assignment cost: what units cost on a kind of rack, where they may not be, leaving home."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.candidates import Candidates
from kernels.forms import NONE, AssignmentCost, Ints, Shards
from kernels.parts.changes import Changes


class Assignment:
    """The costs of one plan by place; homes are sorted by (job, rack)."""

    def __init__(self, form: AssignmentCost, shards: Shards) -> None:
        self.form = form
        self.num_racks = len(form.kind_of_rack)
        keys = form.home_job.astype(np.int64) * self.num_racks + form.home_rack
        order = np.argsort(keys)
        stayed = reference.units_at(shards, form.home_job, form.home_rack, self.num_racks)
        self.home_key = keys[order]
        self.missing = (form.home_units - stayed)[order]  # negative: more than at home
        self.move_mills = form.move_mills[order]

    def leaving(self, candidates: Candidates) -> Changes:
        """Return the cost that is saved, less what leaving home costs, (N,)."""
        form, placed = self.form, np.flatnonzero(candidates.source != NONE)
        job, units = candidates.job[placed], candidates.units[placed]
        rack = candidates.source[placed]
        kind = form.kind_of_rack[rack]
        violation, margin = np.zeros((2, len(candidates)), np.int64)
        violation[placed] = np.where(form.allowed[job, kind], 0, -units)
        margin[placed] = form.cost_mills[job, kind] * units
        if len(self.home_key):
            asked = job.astype(np.int64) * self.num_racks + rack
            at = np.minimum(np.searchsorted(self.home_key, asked), len(self.home_key) - 1)
            missing = self.missing[at]
            more = np.maximum(missing + units, 0) - np.maximum(missing, 0)
            margin[placed] -= np.where(self.home_key[at] == asked, more * self.move_mills[at], 0)
        return Changes(violation=violation, margin_mills=margin)

    def entering_kind(self, job: int, units: int) -> Changes:
        """Return cost and prohibition on each kind of rack, homes aside, (K,)."""
        return Changes(
            violation=np.where(self.form.allowed[job], 0, units),
            margin_mills=-self.form.cost_mills[job] * units,
        )

    def homecoming(self, job: int, units: int) -> tuple[Ints, Ints]:
        """Return (racks to which units of the job come home, the cost of moves that this saves)."""
        span = (job * self.num_racks, (job + 1) * self.num_racks)
        first, end = np.searchsorted(self.home_key, span)
        missing = np.maximum(self.missing[first:end], 0)
        saved = (missing - np.maximum(missing - units, 0)) * self.move_mills[first:end]
        kept = saved != 0
        return (self.home_key[first:end] % self.num_racks)[kept], saved[kept]

    def entering(self, job: int, units: int) -> Changes:
        """Return cost and prohibition on each rack, (R,); the job's own rack is no target."""
        by_kind, kind = self.entering_kind(job, units), self.form.kind_of_rack
        violation, margin = np.asarray(by_kind.violation), np.asarray(by_kind.margin_mills)
        total = margin[kind]
        rack, saved = self.homecoming(job, units)
        total[rack] += saved
        return Changes(violation=violation[kind], margin_mills=total)
