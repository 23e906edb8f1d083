"""Families: candidates for which every rack far from their source is worth the same.

What a family adds on each rack is the sum of

* the row of its class: job type and number of units (`kernels.sweep.classes`),
* the row of its bundle: foes of its groups, the price of one more domain, limits, survival,
* patches: a few racks where its own groups lie already, or to which its job would come home.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kernels.forms import NONE, Bools, Ints
from kernels.parts.changes import Changes, Packing3
from kernels.parts.expand import merged
from kernels.sweep.layout import Layout
from kernels.sweep.plan_state import PlanState
from kernels.sweep.survivors import Survivors


class Families:
    """The candidates of one plan sorted into families; families are sorted by class."""

    def __init__(
        self, state: PlanState, type_of_job: Ints, layout: Layout, packing: Packing3
    ) -> None:
        self.state = state
        self.packing = packing
        self.layout = layout
        self.survivors = Survivors(state, layout)
        candidates = state.candidates
        none = np.zeros(len(candidates), np.int64)
        self.prices = [packing.pack(each.one_more(candidates)) for each in state.presences]
        _, self.class_of = merged([type_of_job[candidates.job], candidates.units, none])
        labels = [self._presence_labels(m) for m in range(len(state.presences))]
        self.foes, self._own = [foes for foes, _ in labels], [own for _, own in labels]
        limited = [counts.limited(candidates) for counts in state.counts]
        self.limits = [
            np.where(some, counts.form.group_of_job[candidates.job], NONE)
            for some, counts in zip(limited, state.counts, strict=True)
        ]
        limited_units = [np.where(some, candidates.units, 0) for some in limited]
        _, self.bundle_of = merged(
            [
                none,
                *(*self.foes, *self.prices, *self.limits, *limited_units),
                self.survivors.label,
            ]
        )
        self._bins = [self._bin_labels(k) for k in range(len(state.bins))]
        self._homes = [self._home_labels(k) for k in range(len(state.assignments))]
        self.example, self.family_of = merged(
            [self.class_of, self.bundle_of, *self._own, *self._bins, *self._homes]
        )
        self.members = np.argsort(self.family_of, kind="stable")  # (N,)
        self.start = np.searchsorted(self.family_of[self.members], np.arange(len(self) + 1))
        self._bundles: dict[int, Ints] = {}

    def __len__(self) -> int:
        return len(self.example)

    def is_inside(self, m: int) -> Bools:
        """Return whether a candidate's row counts its group as present at its source, (N,)."""
        inside: Bools = (self.foes[m] != NONE) | (self._own[m] != NONE)
        return inside

    def bundle_row(self, family: int) -> Ints:
        """Return what a family's bundle adds on every position, packed, (P,)."""
        n = int(self.example[family])
        bundle = int(self.bundle_of[n])
        if bundle not in self._bundles:
            by_rack = np.append(self._bundle(n), 0)  # the last stands for positions of no rack
            self._bundles[bundle] = by_rack[self.layout.rack_at.ravel()]
        return self._bundles[bundle]

    def patches(self, family: int) -> Iterator[tuple[Ints, Ints]]:
        """Yield (racks, what is added there, packed) for a family; a patch holds a rack once."""
        n = int(self.example[family])
        state, candidates = self.state, self.state.candidates
        job, units = int(candidates.job[n]), int(candidates.units[n])
        for m, presence in enumerate(state.presences):
            group = int(self._own[m][n])
            if group != NONE:
                racks = presence.racks_of_domains(presence.domains_of(group))
                yield racks, np.broadcast_to(-self.prices[m][n], racks.shape)
        for k, bins in enumerate(state.bins):
            if self._bins[k][n] != NONE:
                racks, violation = bins.entering_own(job, units)
                yield racks, self.packing.pack(Changes(violation=violation))
        for k, assignment in enumerate(state.assignments):
            if self._homes[k][n] != NONE:
                racks, saved = assignment.homecoming(job, units)
                yield racks, self.packing.pack(Changes(margin_mills=saved))

    def _bundle(self, n: int) -> Ints:
        state, candidates = self.state, self.state.candidates
        row = np.zeros(state.compiled.num_racks, np.int64)
        for m, presence in enumerate(state.presences):
            group, price = int(self.foes[m][n]), int(self.prices[m][n])
            if group == NONE and price == 0:
                continue
            domains = np.full(presence.num_domains + 1, price)
            domains[-1] = 0  # racks in no domain
            if group != NONE:
                foes = presence.foes_in(group)
                domains[:-1] += self.packing.pack(Changes(violation=foes))
                domains[presence.domains_of(group)] = 0
            row += domains[presence.form.domain_of_rack]
        for k, counts in enumerate(state.counts):
            group = int(self.limits[k][n])
            if group != NONE:
                violation = counts.entering(group, int(candidates.units[n]))
                row += self.packing.pack(Changes(violation=violation))
        if state.survivors[n]:
            row += self.packing.pack(self.survivors.row(n))
        return row

    def _presence_labels(self, m: int) -> tuple[Ints, Ints]:
        """Return (group with foes or `NONE`, group whose domains are free for it or `NONE`), (N,).

        A group that would be nowhere once the candidate has left is alike everywhere.
        """
        presence, candidates = self.state.presences[m], self.state.candidates
        group = presence.group_of(candidates).astype(np.int64)
        foes = (group != NONE) & presence.has_foes[group]
        elsewhere = presence.used[group] > presence.leaves(candidates)
        own = (group != NONE) & ~foes & elsewhere & (self.prices[m] != 0)
        return np.where(foes, group, NONE), np.where(own, group, NONE)

    def _bin_labels(self, k: int) -> Ints:
        """Return the group of a candidate that lies on other racks as well, else `NONE`, (N,)."""
        bins, candidates = self.state.bins[k], self.state.candidates
        group = bins.form.group_of_job[candidates.job].astype(np.int64)
        racks = np.bincount(bins.key // bins.num_racks, minlength=int(group.max(initial=0)) + 1)
        some = (group != NONE) & (racks[group] > (candidates.source != NONE))
        return np.where(some, group, NONE)

    def _home_labels(self, k: int) -> Ints:
        """Return the job of a candidate that has homes to come back to, else `NONE`, (N,)."""
        assignment, job = self.state.assignments[k], self.state.candidates.job
        away = np.zeros(self.state.compiled.num_jobs, bool)
        away[assignment.home_key[assignment.missing > 0] // assignment.num_racks] = True
        return np.where(away[job], job, NONE).astype(np.int64)
