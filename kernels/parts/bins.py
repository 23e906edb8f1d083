"""Packing: the bins that a shard frees where it leaves and takes where it enters."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.candidates import Candidates
from kernels.forms import NONE, Ints, Packing, Shards
from kernels.parts.changes import Changes


class Bins:
    """The bins of one plan: used by rack, slots by (group, rack)."""

    def __init__(self, form: Packing, shards: Shards) -> None:
        self.form = form
        self.num_racks = len(form.bins)
        rack, group, slots = reference.bin_slots(form, shards)
        order = np.argsort(group * self.num_racks + rack)
        self.key = (group * self.num_racks + rack)[order]  # (S,) sorted by group, then rack
        self.slots = slots[order]
        self.rack = rack[order]
        self.size = form.bin_size[self.rack]
        self.filled = -(-self.slots // self.size)  # bins, the last one perhaps in part
        used = np.bincount(self.rack, weights=self.filled, minlength=self.num_racks)
        self.free = form.bins - used.astype(np.int64)  # (R,) negative where too many are taken
        self.over = np.maximum(-self.free, 0)  # (R,)

    def slots_at(self, group: Ints, rack: Ints) -> Ints:
        """Return the slots of groups on racks."""
        if not len(self.key):
            return np.zeros(np.broadcast(group, rack).shape, np.int64)
        asked = group * self.num_racks + rack
        at = np.minimum(np.searchsorted(self.key, asked), len(self.key) - 1)
        return np.where(self.key[at] == asked, self.slots[at], 0)

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
        change[some] = self.added(rack, -freed)
        return Changes(violation=change)

    def entering_empty(self, job: int, units: int) -> Ints:
        """Return the violation that units add on each rack, their own group aside, (R,)."""
        if self.form.group_of_job[job] == NONE:
            return np.zeros(self.num_racks, np.int64)
        more = (self.form.size[job] * units)[self.form.kind_of_rack]
        return self.added(slice(None), -(-more // self.form.bin_size))

    def entering_own(self, job: int, units: int) -> tuple[Ints, Ints]:
        """Return (racks with units of the job's group, what differs there from an empty rack)."""
        group = int(self.form.group_of_job[job])
        first, end = np.searchsorted(
            self.key, (group * self.num_racks, (group + 1) * self.num_racks)
        )
        own = slice(first, end if group != NONE else first)
        rack, size = self.rack[own], self.size[own]
        more = (self.form.size[job] * units)[self.form.kind_of_rack[rack]]
        filled = -(-(self.slots[own] + more) // size) - self.filled[own]
        return rack, self.added(rack, filled) - self.added(rack, -(-more // size))

    def entering(self, job: int, units: int) -> Changes:
        """Return the violation that units add on each rack, (R,); their own rack is no target."""
        violation = self.entering_empty(job, units)
        rack, differs = self.entering_own(job, units)
        violation[rack] += differs
        return Changes(violation=violation)

    def added(self, rack: Ints | slice, taken: Ints) -> Ints:
        """Return the violation that bins add which are taken on racks."""
        added: Ints = np.maximum(taken - self.free[rack], 0) - self.over[rack]
        return added
