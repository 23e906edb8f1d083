"""Families: candidates for which every rack far from their source is worth the same.

What a family adds on each rack is the sum of

* the row of its class: job type and number of units (`kernels.sweep.classes`),
* the row of its bundle: foes of its groups, limits, survival,
* what is alike on all racks: the price of one more domain,
* patches: a few racks where its own groups lie already, or to which its job would come home.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from kernels.forms import NONE, Bools, Ints
from kernels.parts.changes import Changes, Packing3
from kernels.parts.expand import merged
from kernels.parts.presence import Presence
from kernels.sweep.layout import Layout
from kernels.sweep.patches import bin_patch, home_patch, presence_patch
from kernels.sweep.plan_state import PlanState
from kernels.sweep.survivors import Survivors

WIDE_RACKS = 48  # racks of a domain, on average, from which on it is part of a bundle


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
        self.everywhere = none.copy()  # (N,) what every rack adds alike, packed
        _, self.class_of = merged([type_of_job[candidates.job], candidates.units, none])
        labels = [self._presence_labels(m) for m in range(len(state.presences))]
        self.foes, self._own = [foes for foes, _ in labels], [own for _, own in labels]
        self.charged = [self._charge(m) for m in range(len(state.presences))]
        wide = [self._wide_labels(m) for m in range(len(state.presences))]
        limited = [counts.limited(candidates) for counts in state.counts]
        self.limits = [
            np.where(some, counts.form.group_of_job[candidates.job], NONE)
            for some, counts in zip(limited, state.counts, strict=True)
        ]
        limited_units = [np.where(some, candidates.units, 0) for some in limited]
        _, self.bundle_of = merged(
            [
                none,
                *(*self.foes, *self.charged, *wide, *self.limits, *limited_units),
                self.survivors.label,
            ]
        )
        patched = [
            np.where(label == NONE, own, NONE) for own, label in zip(self._own, wide, strict=True)
        ]
        own_prices = [
            np.where(own == NONE, 0, price) for own, price in zip(patched, self.prices, strict=True)
        ]
        self._patched = patched
        self._bins = [self._bin_labels(k) for k in range(len(state.bins))]
        self._homes = [self._home_labels(k) for k in range(len(state.assignments))]
        self.example, self.family_of = merged(
            [self.class_of, self.bundle_of, *patched, *own_prices, *self._bins, *self._homes]
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

    @cached_property
    def patches(self) -> tuple[Ints, Ints, Ints]:
        """What families add on some racks on top: offsets (F + 1,), racks, packed changes.

        A rack may come more than once; its changes are added.
        """
        state, one = self.state, self.state.candidates.take(self.example)
        none = np.zeros(0, np.int64)
        parts = [(none, none, none)]
        for m, presence in enumerate(state.presences):
            own, price = self._patched[m][self.example], self.prices[m][self.example]
            parts.append(presence_patch(presence, own, price))
        for k, bins in enumerate(state.bins):
            parts.append(bin_patch(bins, self._bins[k][self.example], one, self.packing))
        for k, assignment in enumerate(state.assignments):
            homes = self._homes[k][self.example]
            parts.append(home_patch(assignment, homes, one, self.packing))
        family, rack, more = (np.concatenate([part[c] for part in parts]) for c in range(3))
        order = np.argsort(family, kind="stable")
        start = np.searchsorted(family[order], np.arange(len(self) + 1))
        return start, rack[order], more[order]

    def _bundle(self, n: int) -> Ints:
        state, candidates = self.state, self.state.candidates
        row = self.special_row(n)
        for m, presence in enumerate(state.presences):
            group, price = int(self.foes[m][n]), int(self.charged[m][n])
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
        return row

    def special_row(self, n: int) -> Ints:
        """Return what survival and wide domains of a candidate's own groups add, (R,)."""
        row = np.zeros(self.state.compiled.num_racks, np.int64)
        if self.state.survivors[n]:
            row += self.packing.pack(self.survivors.row(n))
        for m, presence in enumerate(self.state.presences):
            group = int(self._own[m][n])
            if group != NONE and _is_wide(presence):
                domains = np.zeros(presence.num_domains + 1, np.int64)
                domains[presence.domains_of(group)] = -self.prices[m][n]
                row += domains[presence.form.domain_of_rack]
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

    def _wide_labels(self, m: int) -> Ints:
        """Number what own groups do to bundles in wide domains, `NONE` where nothing, (N,).

        Groups that lie in the same domains and pay the same price are alike.
        """
        presence, own = self.state.presences[m], self._own[m]
        label = np.full(len(own), NONE, np.int64)
        some = np.flatnonzero(own != NONE) if _is_wide(presence) else np.zeros(0, np.int64)
        if len(some):
            first, pair = merged([own[some], self.prices[m][some]])
            known: dict[tuple[int, bytes], int] = {}
            numbers = [
                known.setdefault((price, presence.domains_of(group).tobytes()), len(known))
                for group, price in zip(
                    own[some[first]].tolist(), self.prices[m][some[first]].tolist(), strict=True
                )
            ]
            label[some] = np.array(numbers)[pair]
        return label

    def _charge(self, m: int) -> Ints:
        """Return the price of one more domain where it is not the same on all racks, (N,).

        Else the price joins what is added everywhere; a group's own domains are patched.
        """
        some_outside = (self.state.presences[m].form.domain_of_rack == NONE).any()
        apart = (self.foes[m] != NONE) | some_outside
        self.everywhere += np.where(apart, 0, self.prices[m])
        return np.where(apart, self.prices[m], 0)

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


def _is_wide(presence: Presence) -> bool:
    """Return whether the domains of a form are too large to be patched rack by rack."""
    return len(presence.form.domain_of_rack) > WIDE_RACKS * presence.num_domains
