"""Group counts with a limit: units above it in the domains that a shard leaves and enters."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.candidates import Candidates
from kernels.forms import NONE, UNLIMITED, Bools, GroupCount, Ints, Shards
from kernels.parts.changes import Changes
from kernels.parts.expand import ranges


class Counts:
    """Units of each limited group in each domain of one plan."""

    def __init__(self, form: GroupCount, shards: Shards, num_racks: int) -> None:
        self.form = form
        self.num_domains = form.domains.num_rows
        self.start, self.domain, _ = reference.transposed(form.domains, num_racks)
        self.rack_of_entry = np.repeat(np.arange(num_racks), np.diff(self.start))
        group, domain, units = reference.group_units(form, shards)
        self.key, self.units = group * self.num_domains + domain, units

    def limited(self, candidates: Candidates) -> Bools:
        """Return whether a limit concerns a candidate, (N,)."""
        group = self.form.group_of_job[candidates.job]
        concerned: Bools = (group != NONE) & (self.form.limit[group] < UNLIMITED)
        return concerned

    def inside(self, group: int) -> Ints:
        """Return the units of a group in each domain, (D,)."""
        first, end = np.searchsorted(
            self.key, (group * self.num_domains, (group + 1) * self.num_domains)
        )
        units = np.zeros(self.num_domains, np.int64)
        units[self.key[first:end] - group * self.num_domains] = self.units[first:end]
        return units

    def units_at(self, key: Ints) -> Ints:
        """Return the units of ``group * num_domains + domain``."""
        if not len(self.key):
            return np.zeros(len(key), np.int64)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[at] == key, self.units[at], 0)

    def above(self, candidates: Candidates, n: Ints, domain: Ints) -> tuple[Ints, Ints]:
        """Return (units above the limit, units that move) in domains that hold some."""
        group = self.form.group_of_job[candidates.job[n]].astype(np.int64)
        units = self.units_at(group * self.num_domains + domain)
        return units - self.form.limit[group], candidates.units[n]

    def overlap(self, candidates: Candidates, n: Ints, domain: Ints) -> Ints:
        """Return what undoes leaving and entering a domain, one after the other, as a violation."""
        above, units = self.above(candidates, n, domain)
        leaving = np.maximum(above - units, 0) - np.maximum(above, 0)
        entering = np.maximum(above + units, 0) - np.maximum(above, 0)
        undone: Ints = -(leaving + entering)
        return undone

    def leaving(self, candidates: Candidates) -> Changes:
        """Return the units above a limit that go, negative, (N,)."""
        gone = np.zeros(len(candidates), np.int64)
        some = np.flatnonzero(self.limited(candidates) & (candidates.source != NONE))
        rack = candidates.source[some]
        which, entry = ranges(self.start[rack], self.start[rack + 1])
        above, units = self.above(candidates, some[which], self.domain[entry].astype(np.int64))
        np.add.at(gone, some[which], np.maximum(above - units, 0) - np.maximum(above, 0))
        return Changes(violation=gone)

    def entering(self, group: int, units: int, source: int = NONE) -> Ints:
        """Return the units above the limit that come on each rack, (R,).

        With a source the units have left its domains before.
        """
        before = self.inside(group) - self.form.limit[group]
        if source != NONE:
            before[self.domain[self.start[source] : self.start[source + 1]]] -= units
        more = np.maximum(before + units, 0) - np.maximum(before, 0)  # (D,)
        sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(more[self.domain])))
        by_rack: Ints = sums[self.start[1:]] - sums[self.start[:-1]]
        return by_rack
