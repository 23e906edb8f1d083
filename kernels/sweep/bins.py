"""Packing: the bins that a shard frees where it leaves and takes where it enters."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.forms import NONE, Ints, Packing, Shards
from kernels.sweep.candidates import Candidates
from kernels.sweep.changes import Changes


class Bins:
    """The bins of one plan: used by rack, slots by (group, rack)."""

    def __init__(self, form: Packing, shards: Shards) -> None:
        self.form = form
        self.num_racks = len(form.bins)
        rack, group, slots = reference.bin_slots(form, shards)
        order = np.argsort(group * self.num_racks + rack)
        self.key = (group * self.num_racks + rack)[order]  # (S,) sorted by group, then rack
        self.slots = slots[order]
        self.used = reference.bins_used(form, shards)  # (R,)
        self.over = np.maximum(self.used - form.bins, 0)  # (R,)

    def slots_at(self, group: Ints, rack: Ints) -> Ints:
        """Return the slots of groups on racks."""
        if not len(self.key):
            return np.zeros(np.broadcast(group, rack).shape, np.int64)
        asked = group * self.num_racks + rack
        at = np.minimum(np.searchsorted(self.key, asked), len(self.key) - 1)
        return np.where(self.key[at] == asked, self.slots[at], 0)

    def present(self, group: int) -> tuple[Ints, Ints]:
        """Return the racks on which a group lies, and its slots there."""
        first, end = np.searchsorted(
            self.key, (group * self.num_racks, (group + 1) * self.num_racks)
        )
        return self.key[first:end] % self.num_racks, self.slots[first:end]

    def leaving(self, candidates: Candidates) -> Changes:
        """Return the violation that goes with the bins that become free, (N,)."""
        form, change = self.form, np.zeros(len(candidates), np.int64)
        group = form.group_of_job[candidates.job]
        some = np.flatnonzero((candidates.source != NONE) & (group != NONE))
        rack, job = candidates.source[some].astype(np.int64), candidates.job[some]
        slots = self.slots_at(group[some].astype(np.int64), rack)
        gone = form.size[job, form.kind_of_rack[rack]] * candidates.units[some]
        size = form.bin_size[rack]
        freed = -(-slots // size) - -(-(slots - gone) // size)
        over = np.maximum(self.used[rack] - freed - form.bins[rack], 0)
        change[some] = over - self.over[rack]
        return Changes(violation=change)

    def entering_empty(self, job: int, units: int) -> Ints:
        """Return the violation that units add on each rack, their own group aside, (R,)."""
        if self.form.group_of_job[job] == NONE:
            return np.zeros(self.num_racks, np.int64)
        return self._added(job, units, np.arange(self.num_racks), np.zeros(1, np.int64))

    def entering_own(self, job: int, units: int) -> tuple[Ints, Ints]:
        """Return (racks with units of the job's group, what differs there from an empty rack)."""
        group = int(self.form.group_of_job[job])
        if group == NONE:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        rack, slots = self.present(group)
        empty = self._added(job, units, rack, np.zeros(1, np.int64))
        return rack, self._added(job, units, rack, slots) - empty

    def entering(self, job: int, units: int) -> Changes:
        """Return the violation that units add on each rack, (R,); their own rack is no target."""
        violation = self.entering_empty(job, units)
        rack, differs = self.entering_own(job, units)
        violation[rack] += differs
        return Changes(violation=violation)

    def _added(self, job: int, units: int, rack: Ints, slots: Ints) -> Ints:
        form, size = self.form, self.form.bin_size[rack]
        more = form.size[job, form.kind_of_rack[rack]] * units
        taken = -(-(slots + more) // size) - -(-slots // size)
        added: Ints = np.maximum(self.used[rack] + taken - form.bins[rack], 0) - self.over[rack]
        return added
