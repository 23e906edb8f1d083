"""Candidates whose job must survive: what their units count for, by family and near the source."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Ints
from kernels.parts.changes import Changes
from kernels.parts.expand import ranges
from kernels.sweep.layout import Layout
from kernels.sweep.plan_state import PlanState


class Survivors:
    """The units at risk of every surviving job, and what is left of them without a candidate.

    Far from the source a destination loses ``max(rest, most at risk in its domains + units)``,
    where `rest` is the worst domain once the candidate has left. Candidates of a job that agree
    in units, rest and the far domains of their source form one label.
    """

    def __init__(self, state: PlanState, layout: Layout) -> None:
        self.state = state
        self.layout = layout
        candidates = state.candidates
        self.label = np.full(len(candidates), NONE, np.int64)  # (N,)
        self.rest = np.zeros(len(candidates), np.int64)  # (N,)
        self._far = ~layout.is_near(state.survival.domains.size)  # (D,)
        self._risk: dict[int, Ints] = {}
        known: dict[tuple[int, ...], int] = {}
        for n in np.flatnonzero(state.survivors).tolist():
            job, source, units = self._candidate(n)
            self.rest[n] = self._worst_without(job, source, units)
            far = int(layout.signature_of_rack[source]) if self._far.any() and source >= 0 else NONE
            key = (job, units, int(self.rest[n]), far, int(state.more[n]))
            self.label[n] = known.setdefault(key, len(known))

    def row(self, n: int) -> Changes:
        """Return what counts more or less on each rack far from the source, (R,)."""
        job, source, units = self._candidate(n)
        survival = self.state.survival
        left = survival.after_leaving(job, self.at_risk(job), source, units)
        risk = np.where(self._far, left, self.at_risk(job))  # near ones are none of far racks
        domains = survival.domains
        own = domains.survives[domains.form, job]
        with_units = np.where(own, risk + units, 0)[domains.domain]
        loss = np.full(len(domains.start) - 1, self.rest[n])
        racks = np.repeat(np.arange(len(loss)), np.diff(domains.start))
        np.maximum.at(loss, racks, with_units)
        more = survival.count(job, int(self.state.more[n]), loss) - survival.counted[job]
        return survival.worth(job, more)

    def nearby(self, n: int, racks: Ints) -> Changes:
        """Return by how much racks of the source's cell differ from `row`, one number a rack."""
        job, source, units = self._candidate(n)
        survival = self.state.survival
        exact = survival.after_leaving(job, self.at_risk(job), source, units)
        far = np.where(self._far, exact, self.at_risk(job))
        more = int(self.state.more[n])
        counted = [
            survival.count(job, more, self._loss(job, risk, units, int(self.rest[n]), racks))
            for risk in (exact, far)
        ]
        return survival.worth(job, counted[0] - counted[1])

    def at_risk(self, job: int) -> Ints:
        """Return the units of a job in each domain, (D,)."""
        if job not in self._risk:
            self._risk[job] = self.state.survival.at_risk(job)
        return self._risk[job]

    def _candidate(self, n: int) -> tuple[int, int, int]:
        candidates = self.state.candidates
        return int(candidates.job[n]), int(candidates.source[n]), int(candidates.units[n])

    def _worst_without(self, job: int, source: int, units: int) -> int:
        """Return the most units in one domain once some have left a rack."""
        left = self.state.survival.after_leaving(job, self.at_risk(job), source, units)
        return int(left.max(initial=0))

    def _loss(self, job: int, risk: Ints, units: int, rest: int, racks: Ints) -> Ints:
        domains = self.state.survival.domains
        which, at = ranges(domains.start[racks], domains.start[racks + 1])
        domain = domains.domain[at]
        own = domains.survives[domains.form[domain], job]
        loss = np.full(len(racks), rest)
        np.maximum.at(loss, which, np.where(own, risk[domain] + units, 0))
        return loss
