"""A plan under construction on which nothing can be placed that breaks a limit of any form.

Written for the baselines alone and sparse where groups meet domains, so that it takes the largest
instances; it shares nothing with the planner that is measured against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from benchmarks.baselines.bin_room import BinRoom
from benchmarks.baselines.linear_room import load_rooms
from benchmarks.baselines.presence_room import CountRoom, PresenceRoom
from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)


class Room(Protocol):
    """What one or several forms leave."""

    def fit(self, job: int) -> Ints | None:
        """Units of `job` that every rack could take, (R,); None: any number."""
        ...

    def fit_one(self, job: int, rack: int) -> int:
        """Units of `job` that `rack` could take."""
        ...

    def add(self, job: int, rack: int, units: int) -> None:
        """Keep a placement, or take it back if `units` is negative."""
        ...


class Layout:
    """Units of every job on every rack, and what every limit leaves."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        forms, racks = compiled.forms, compiled.num_racks
        self.costs = [form for form in forms if isinstance(form, AssignmentCost)]
        self.loads = load_rooms(compiled)
        self.bins = [BinRoom(form) for form in forms if isinstance(form, Packing)]
        self.counts = [CountRoom(form, racks) for form in forms if isinstance(form, GroupCount)]
        self.rooms: tuple[Room, ...] = (*self.bins, *self.loads, *self.counts)
        self.presences = [PresenceRoom(form) for form in forms if isinstance(form, GroupPresence)]
        self.placed: list[dict[int, int]] = [{} for _ in range(compiled.num_jobs)]
        self.total = np.zeros(compiled.num_jobs, np.int64)
        self._places: dict[tuple[int, ...], Ints] = {}

    def fit(self, job: int) -> Ints:
        """Units of `job` that every rack could take by itself, (R,)."""
        fits = np.full(self.compiled.num_racks, self._wanted(job))
        for cost in self.costs:
            fits[~cost.allowed[job, cost.kind_of_rack]] = 0
        for presence in self.presences:
            is_open = presence.open_racks(job)
            if is_open is not None:
                fits[~is_open] = 0
        for room in self.rooms:
            units = room.fit(job)
            if units is not None:
                np.minimum(fits, units, out=fits)
        return fits

    def fit_one(self, job: int, rack: int) -> int:
        """Units of `job` that `rack` could take, if it is allowed there at all."""
        if not all(presence.may_enter(job, rack) for presence in self.presences):
            return 0
        return min([self._wanted(job), *(room.fit_one(job, rack) for room in self.rooms)])

    def add(self, job: int, rack: int, units: int) -> None:
        """Place `units` more (fewer, if negative) of `job` on `rack`."""
        now = self.placed[job].get(rack, 0) + units
        self.placed[job][rack] = now
        if not now:
            del self.placed[job][rack]
        self.total[job] += units
        for room in self.rooms:
            room.add(job, rack, units)
        for presence in self.presences:
            presence.add(job, rack, units)

    def fill(self, job: int, racks: Iterable[int], want: int) -> int:
        """Place up to `want` units on `racks`, in this order; return how many."""
        done = 0
        for rack in racks:
            if done >= want:
                break
            units = min(self.fit_one(job, rack), want - done)
            if units > 0:
                self.add(job, rack, units)
                done += units
        return done

    def remove(self, job: int) -> dict[int, int]:
        """Take `job` off all its racks and return where it was."""
        was = dict(self.placed[job])
        for rack, units in was.items():
            self.add(job, rack, -units)
        return was

    def counted(self, job: int) -> int:
        """Units that count: without spares and without what the worst loss takes."""
        units = self.compiled.units
        lost = max((c.worst_loss(job, self.placed[job]) for c in self.counts), default=0)
        safe = int(self.total[job] - units.held_back[job]) - lost
        return min(max(safe, 0), int(units.counted_most[job]))

    def free_slots(self) -> Ints:
        """Slots that are free on every rack, (R,)."""
        free = np.zeros(self.compiled.num_racks, np.int64)
        for room in self.bins:
            free += room.free * room.form.bin_size
        return free

    def cost(self, job: int) -> Ints:
        """Cost of one unit of `job` on every rack, (R,) mills per hour."""
        total = np.zeros(self.compiled.num_racks, np.int64)
        for form in self.costs:
            total += form.cost_mills[job, form.kind_of_rack]
        return total

    def places(self, job: int) -> Ints | None:
        """Label racks by the one place that the whole job must lie in, (R,); None: anywhere."""
        bound = tuple(
            n
            for n, presence in enumerate(self.presences)
            if (group := presence.form.group_of_job[job]) != NONE
            and presence.form.max_domains[group] == 1
        )
        if bound and bound not in self._places:
            domains = np.stack([self.presences[n].form.domain_of_rack for n in bound])
            label = np.unique(domains, axis=1, return_inverse=True)[1]
            self._places[bound] = np.asarray(label, np.int64).ravel()
        return self._places.get(bound)

    def own_racks(self, job: int) -> Ints:
        """Count the rules by which a rack is already the tenant's own, (R,)."""
        own = np.zeros(self.compiled.num_racks, np.int64)
        for presence in self.presences:
            racks = presence.own_racks(job)
            if racks is not None:
                own += racks
        return own

    def shards(self) -> Shards:
        """Return the placements as arrays."""
        triples = [(j, r, n) for j, racks in enumerate(self.placed) for r, n in racks.items()]
        return Shards.build(*np.array(triples, np.int64).reshape(-1, 3).T)

    def _wanted(self, job: int) -> int:
        return min(UNLIMITED, int(self.compiled.units.most[job] - self.total[job]))
