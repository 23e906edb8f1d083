"""Placing one job after another, fast: where it fits best, on an exact state.

For jobs whose units all count (most are of this kind). A job goes to one rack if one takes it
whole, the fullest that does; a wide job to as few blocks of racks as possible. A group that keeps
domains to itself fills those that it has before it opens another, and opens one only where what
it still has to place is worth the room that others lose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, AssignmentCost, Bools, Compiled, GroupCount, GroupPresence, Ints
from scheduler.planner.lots import slots_of_unit
from scheduler.planner.state import Ground, State

TRIES = 6  # racks, and domains, that are looked at for one job
ELSEWHERE = 10**6  # rank of what is not on the group's own ground
MOST_MERIT = 100.0  # also of a job whose room is worth nothing


class Placer:
    """Knows what every job takes and is worth, and which racks belong together.

    Parameters
    ----------
    profit
        Mills per hour that each whole job earns beyond the room that it takes, at the prices of
        a bound; (J,). None: not known.
    """

    def __init__(self, ground: Ground, profit: NDArray[np.float64] | None = None) -> None:
        self.ground = ground
        compiled = self.compiled = ground.compiled
        forms = compiled.forms
        self.presences = [form for form in forms if isinstance(form, GroupPresence)]
        self.size = slots_of_unit(compiled)
        self.want = np.minimum(
            compiled.units.counted_most + compiled.units.held_back, compiled.units.most
        )
        self.slots = self.want * self.size
        self.value = sum_of_costs(ground, "value_mills")
        self.firm = sum_of_costs(ground, "firm_gpus")
        self.plain = plain_jobs(ground)
        self.density = self.value / self.size
        self.merit = None if profit is None else merit_of(self.value * self.want, profit)
        self.block_of_rack = self._blocks()
        self.num_blocks = int(self.block_of_rack.max(initial=-1)) + 1
        self.owner = Owners(self.presences, compiled, self.density)
        self.price = price_of_slot(self)
        self.keenness = 1.0  # above 1: groups open domains of their own less often
        self._must = [form.max_domains == 1 for form in self.presences]
        self._labels: dict[tuple[int, ...], Ints] = {}
        self.kin = self._kin()

    def _blocks(self) -> Ints:
        """Label racks by the finest partition that is coarser than single racks."""
        coarse = [f for f in self.presences if f.num_domains < self.compiled.num_racks]
        if not coarse:
            return np.zeros(self.compiled.num_racks, np.int64)
        finest = max(coarse, key=lambda form: form.num_domains)
        return np.asarray(finest.domain_of_rack + 1, np.int64)

    def _kin(self) -> Ints:
        """Label jobs that may go to the same racks with the same company, (J,)."""
        known: dict[object, int] = {}
        labels = [
            known.setdefault(
                (
                    int(self.owner.form_of_job[job]),
                    int(self.owner.group_of_job[job]),
                    self.ground.allowed_key(job),
                    self._label_key(job),
                ),
                len(known),
            )
            for job in range(self.compiled.num_jobs)
        ]
        return np.array(labels, np.int64)

    def _label_key(self, job: int) -> tuple[int, ...]:
        """Return the presences of which `job` may use one domain only."""
        return tuple(
            i
            for i, form in enumerate(self.presences)
            if form.group_of_job[job] != NONE and self._must[i][form.group_of_job[job]]
        )

    def worth_opening(self, state: State, job: int, own: Bools | None) -> bool:
        """Whether what the job's group still has to place is worth a further domain to itself.

        ``sum of the worthiest that fill it >= keenness * price * slots of a domain``, once the
        room that is left on the group's `own` racks is filled.
        """
        if self.owner.form_of_job[job] == NONE:
            return True
        members = self.owner.members(job)
        waiting = members[state.total[members] == 0]
        slots = int(self.owner.slots_of_job[job])
        left = 0 if own is None else int(state.free_slots[own].sum())
        most = np.clip(np.cumsum(self.slots[waiting]) - left, 0, slots)
        worth = float(np.diff(most, prepend=0) @ self.density[waiting])
        return worth >= self.keenness * self.price * slots

    def labels(self, job: int) -> Ints:
        """Label racks so that `job` may only use racks of one label, (R,)."""
        key = self._label_key(job)
        if key not in self._labels:
            label = np.zeros(self.compiled.num_racks, np.int64)
            for i in key:
                form = self.presences[i]
                label = label * (form.num_domains + 1) + form.domain_of_rack + 1
            self._labels[key] = np.unique(label, return_inverse=True)[1]
        return self._labels[key]

    def place(self, state: State, job: int) -> bool:
        """Place all of `job`, if it fits; return whether it was placed."""
        want = int(self.want[job])
        own = self.owner.ground(state, job)
        opens = self.worth_opening(state, job, own)
        if own is None and not opens:
            return False
        room = state.room(job)
        if own is not None and not opens:
            room[~own] = 0
        if self._one_rack(state, job, want, room, own):
            return True
        if int(room.sum()) < want:
            return False
        np.minimum(room, state.loads.fit(job, state.slack), out=room)
        label = self.labels(job)
        total = np.bincount(label, room).astype(np.int64)
        enough = np.flatnonzero(total >= want)
        rank = (total[enough] - want).astype(np.float64)
        if own is not None:
            rank += ELSEWHERE * (np.bincount(label, room * own)[enough] == 0)
        for chosen in enough[np.argsort(rank, kind="stable")][:TRIES].tolist():
            if self._fill(state, job, want, np.where(label == chosen, room, 0), own):
                return True
        return False

    def _one_rack(self, state: State, job: int, want: int, room: Ints, own: Bools | None) -> bool:
        """Place `job` on the fullest rack that takes all of it."""
        racks = np.flatnonzero(room >= want)
        if not len(racks):
            return False
        rank = room[racks].astype(np.int64)
        if own is not None:
            rank[~own[racks]] += ELSEWHERE
        if len(racks) > TRIES:
            first = np.argpartition(rank, TRIES)[:TRIES]
        else:
            first = np.arange(len(racks))
        for n in first[np.lexsort((racks[first], rank[first]))].tolist():
            rack = int(racks[n])
            if state.fit_one(job, rack) >= want:
                state.add(job, rack, want)
                return True
        fits = np.flatnonzero(state.loads.fit(job, state.slack)[racks] >= want)
        if not len(fits):
            return False
        state.add(job, int(racks[fits[np.argmin(rank[fits])]]), want)
        return True

    def _fill(self, state: State, job: int, want: int, room: Ints, own: Bools | None) -> bool:
        """Fill blocks: those that take all that is left, the fullest first, else the roomiest."""
        left = want
        rooms = np.bincount(self.block_of_rack, room).astype(np.int64)
        if own is not None:
            rooms = self._own_first(rooms, room, own)
        while left > 0:
            open_blocks = np.flatnonzero(rooms > 0)
            if not len(open_blocks):
                break
            size = rooms[open_blocks] % ELSEWHERE
            fits = size >= left
            rank = np.where(fits, size - left, ELSEWHERE - size)
            if own is not None:
                rank = rank + np.where(rooms[open_blocks] >= ELSEWHERE, 0, 4 * ELSEWHERE)
            block = int(open_blocks[np.argmin(rank)])
            rooms[block] = 0
            left -= self._fill_block(state, job, left, room, block)
        if left > 0:
            state.remove(job)
        return left <= 0

    def _own_first(self, rooms: Ints, room: Ints, own: Bools) -> Ints:
        """Mark blocks that hold own ground by adding `ELSEWHERE`."""
        mine = np.bincount(self.block_of_rack, room * own) > 0
        return np.asarray(np.where(mine[: len(rooms)], rooms + ELSEWHERE, rooms))

    def _fill_block(self, state: State, job: int, left: int, room: Ints, block: int) -> int:
        """Fill the racks of a block, roomy ones first; the last by best fit."""
        racks = np.flatnonzero((self.block_of_rack == block) & (room > 0))
        order = racks[np.argsort(-room[racks], kind="stable")].tolist()
        done = 0
        while order and done < left:
            rest = left - done
            closer = [rack for rack in order if room[rack] >= rest]
            rack = closer[-1] if closer else order[0]
            order.remove(rack)
            units = min(state.fit_one(job, rack), rest)
            if units > 0:
                state.add(job, rack, units)
                done += units
        return done


class Owners:
    """Groups that keep domains to themselves: whose a job is, and where they are."""

    def __init__(
        self,
        presences: Sequence[GroupPresence],
        compiled: Compiled,
        density: NDArray[np.float64],
    ) -> None:
        num_jobs, packing = compiled.num_jobs, compiled.packing
        slots = np.ones(compiled.num_racks, np.int64)
        if packing is not None:
            slots = packing.bins * packing.bin_size
        self.slots_of_job = np.zeros(num_jobs, np.int64)  # in a typical domain that it keeps
        self._members: dict[tuple[int, int], Ints] = {}
        self._density = density
        self.form_of_job = np.full(num_jobs, NONE, np.int64)  # position among the presences
        self.group_of_job = np.full(num_jobs, NONE, np.int64)
        self.racks_of_job = np.zeros(num_jobs, np.int64)  # in the largest domain that it keeps
        self._domain_of_rack = [form.domain_of_rack for form in presences]
        self._count = [form.num_domains for form in presences]
        for i, form in enumerate(presences):
            if form.may_share is None:
                continue
            foes = (~form.may_share).sum(axis=1)
            exclusive = (foes == len(foes) - 1) & (foes > 0)
            group = form.group_of_job
            mine = (group != NONE) & exclusive[group]
            inside = form.domain_of_rack[form.domain_of_rack != NONE]
            largest = int(np.bincount(inside).max(initial=0))
            per_domain = np.bincount(form.domain_of_rack + 1, slots)[1:]
            typical = int(np.median(per_domain[per_domain > 0])) if per_domain.any() else 1
            wider = mine & (largest > self.racks_of_job)
            self.form_of_job[wider] = i
            self.group_of_job[wider] = group[wider]
            self.racks_of_job[wider] = largest
            self.slots_of_job[wider] = typical

    def members(self, job: int) -> Ints:
        """Jobs of the same group, the densest first."""
        key = int(self.form_of_job[job]), int(self.group_of_job[job])
        if key not in self._members:
            same = (self.form_of_job == key[0]) & (self.group_of_job == key[1])
            jobs = np.flatnonzero(same)
            self._members[key] = jobs[np.argsort(-self._density[jobs], kind="stable")]
        return self._members[key]

    def ground(self, state: State, job: int) -> Bools | None:
        """Racks of domains that the job's group already keeps, (R,); None: it keeps none."""
        i = int(self.form_of_job[job])
        if i == NONE:
            return None
        here = state.presences[i].inside.get(int(self.group_of_job[job]))
        if not here:
            return None
        own = np.zeros(self._count[i] + 1, bool)
        own[list(here)] = True
        return own[self._domain_of_rack[i]]


def price_of_slot(placer: Placer) -> float:
    """Return what the last slot earns if the worthiest jobs fill the site, mills per hour."""
    packing = placer.compiled.packing
    if packing is None:
        return 0.0
    room = 0.95 * float((packing.bins * packing.bin_size).sum())
    order = np.argsort(-placer.density, kind="stable")
    filled = np.searchsorted(np.cumsum(placer.slots[order]), room)
    return float(placer.density[order[filled]]) if filled < len(order) else 0.0


def merit_of(worth: Ints, profit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each job is worth for what its room is: ``worth / (worth - profit)``.

    Above 1 it pays to place it. Between 0 and `MOST_MERIT`.
    """
    room = np.maximum(worth - profit, worth / MOST_MERIT)
    return np.divide(worth, room, out=np.zeros(len(worth)), where=room > 0)


def sum_of_costs(ground: Ground, name: str) -> Ints:
    """Return a field of all `AssignmentCost` forms, added up, (J,)."""
    total = np.zeros(ground.compiled.num_jobs, np.int64)
    for form in ground.costs:
        total += getattr(form, name)
    return total


def plain_jobs(ground: Ground) -> Bools:
    """Return the jobs whose units all count and take bins of their own, (J,)."""
    compiled = ground.compiled
    units, packing = compiled.units, compiled.packing
    plain = (units.held_back == 0) & (units.counted_most >= units.most)
    for form in compiled.forms:
        if isinstance(form, GroupCount):
            plain &= ~form.survives
        elif isinstance(form, AssignmentCost):
            plain &= form.firm_gpus == 0
    if packing is None:
        return np.zeros(compiled.num_jobs, bool)
    return np.asarray(plain & (packing.group_of_job != NONE))
