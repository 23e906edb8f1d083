"""Construction: jobs one after another onto an exact state, best fit, nothing ever broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    GroupPresence,
    Ints,
)
from scheduler.planner.classes import Classes
from scheduler.planner.state import State, one_domain_labels

CANDIDATES = 4  # domains that are tried for a job that must lie in one
Stop = Callable[[], bool]


class Builder:
    """Places jobs on a state; knows what every job is worth and how large it is.

    Parameters
    ----------
    blocks
        Racks that are alike, used to keep a job together.
    even
        Whether what keeps domains to itself goes where loads have most room left, one domain
        after the other, instead of filling one part of the site before the next.
    """

    def __init__(self, compiled: Compiled, blocks: Classes, *, even: bool = False) -> None:
        self.compiled = compiled
        self.blocks = blocks
        self.even = even
        self.value = _sum_over_costs(compiled, "value_mills")
        self.firm = _sum_over_costs(compiled, "firm_gpus")
        self.size = _typical_size(compiled)
        self.nested = _takes_no_bins(compiled)  # lies inside another job, which comes first
        self.exclusiveness = _exclusiveness(compiled)

    def orders(self, rng: np.random.Generator) -> list[Ints]:
        """Return several orders in which to place jobs; obligations always come first."""
        units = self.compiled.units
        slots = self.size * np.maximum(units.counted_most, 1)
        density = self.value / np.maximum(self.size, 1)
        noisy = density * np.exp(rng.normal(0, 0.1, len(density)))
        keys: list[NDArray[np.float64] | Ints] = [density, density * slots, noisy, slots]
        return [
            np.lexsort((-slots, -np.asarray(key, float), self.nested, self.firm == 0))
            for key in keys
        ]

    def build(self, order: Ints, stop: Stop) -> State:
        """Place all jobs in `order`."""
        state = State(self.compiled)
        self.insert(state, order, stop)
        return state

    def insert(self, state: State, order: Ints, stop: Stop) -> int:
        """Place what still fits, in `order`; return how many jobs were placed."""
        placed = 0
        for job in order.tolist():
            if stop():
                break
            if state.total[job] == 0:
                placed += self.place(state, job)
        return placed

    def place(self, state: State, job: int) -> bool:
        """Place `job` as a whole, or as many units as fit if it may be placed in part."""
        least, want = int(self.compiled.units.least[job]), self._wanted(state, job)
        if want == 0 or not self._pays(job):
            return False
        fits = state.fit(job)
        labels = one_domain_labels(state, job)
        room = np.bincount(labels, fits).astype(np.int64)
        enough = np.flatnonzero(room >= max(least, 1))
        best: tuple[int, dict[int, int]] = (-1, {})
        for spacious in (False, True) if self.firm[job] else (False,):
            for label in self._by_room(room, enough, want)[:CANDIDATES]:
                there = np.where(labels == label, fits, 0)
                if not self._place_within(state, job, there, want, spacious):
                    continue
                counted = self.counted(state, job)
                if not self.firm[job] or counted == self.compiled.units.counted_most[job]:
                    return True
                was = state.remove(job)
                best = max(best, (counted, was), key=lambda pair: pair[0])
        if best[0] > 0:
            state.put_back(job, best[1])
        return best[0] > 0

    def _wanted(self, state: State, job: int) -> int:
        """Units to aim for: those that can count, the spares held back, and no more."""
        units = self.compiled.units
        aim = int(units.counted_most[job] + units.held_back[job])
        return min(aim, int(units.most[job])) - int(state.total[job])

    def _pays(self, job: int) -> bool:
        """Whether the job is worth something or is owed; worthless jobs inside others also go."""
        return bool(self.value[job] > 0 or self.firm[job] > 0 or self.nested[job])

    def _place_within(self, state: State, job: int, fits: Ints, want: int, spacious: bool) -> bool:
        """Fill blocks until `want` units lie there; undo if that is too few or does not pay.

        A job that keeps domains from others passes over blocks that it could not fill, as far as
        others are left: what is not filled of them, power for instance, is lost to all.
        """
        done = 0
        pieces = self._pieces(state, job, fits, want, spacious)
        evenly = self.even and self.exclusiveness[job] > 0
        for in_part in (False, True) if self.exclusiveness[job] else (True,):
            for racks in self._evenly(state, job, pieces) if evenly else pieces:
                if done >= want:
                    break
                room = 0 if in_part else min(int(fits[racks].sum()), want - done)
                done += self._fill(state, job, racks, want - done, room)
        least = max(int(self.compiled.units.least[job]), 1)
        if done < least or not self._gains(state, job):
            state.remove(job)
            return False
        self.top_up(state, job)
        return True

    def _evenly(self, state: State, job: int, pieces: list[Ints]) -> Iterator[Ints]:
        """Yield pieces, at each moment one whose limits on loads have most room left."""
        left = dict(enumerate(pieces))
        while left:
            room = state.loads.fit(job, state.slack)
            roomiest = max(left, key=lambda n: (int(room[left[n]].min()), -n))
            yield left.pop(roomiest)

    def _fill(self, state: State, job: int, racks: Ints, want: int, least: int) -> int:
        """Place up to `want` units on `racks`, at least so many or none; return how many."""
        before = {rack: state.placed[job].get(rack, 0) for rack in racks.tolist()}
        done = state.fill(job, racks, want)
        if done >= least:
            return done
        for rack, units in before.items():
            more = state.placed[job].get(rack, 0) - units
            if more:
                state.add(job, rack, -more)
        return 0

    def _pieces(
        self,
        state: State,
        job: int,
        fits: Ints,
        want: int,
        spacious: bool = False,
        spare: Ints | None = None,
    ) -> list[Ints]:
        """Racks to fill, block by block: cheap ones first, then as few and as full as possible.

        With `spacious`, the emptiest blocks first: for what must not fail in the last unit.
        With `spare` (R,), slots that nobody plans to use, the blocks with most of them first.
        """
        usable = np.flatnonzero(fits > 0)
        cost = state.cost(job)
        block = self.blocks.of_rack
        room = np.bincount(block, fits, self.blocks.count).astype(np.int64)
        block_cost = np.full(self.blocks.count, UNLIMITED, np.int64)
        np.minimum.at(block_cost, block[usable], cost[usable])
        entered = np.zeros(self.blocks.count, bool)
        entered[block[usable]] = self._own_ground(state, job)[usable]
        left_over = np.where(room >= want, room - want, want - room + UNLIMITED // 4)
        unused = np.zeros(self.blocks.count)
        if spare is not None:
            unused = np.bincount(block, spare, self.blocks.count).astype(np.float64)
        keys = [-room, ~entered] if spacious else [left_over, block_cost, ~entered, -unused]
        order = np.lexsort(keys)
        by_block: dict[int, list[int]] = {b: [] for b in np.unique(block[usable]).tolist()}
        for rack in usable[np.lexsort((fits[usable], cost[usable]))].tolist():
            by_block[block[rack]].append(rack)
        return [np.array(by_block[b], np.int64) for b in order.tolist() if b in by_block]

    def _own_ground(self, state: State, job: int) -> NDArray[np.bool_]:
        """Racks in domains that the job's group already keeps from others, (R,)."""
        own = np.zeros(self.compiled.num_racks, bool)
        for presence in state.presences:
            form, group = presence.form, presence.form.group_of_job[job]
            if group != NONE and presence.foes and len(presence.foes[group]):
                inside = np.isin(form.domain_of_rack, list(presence.inside.get(int(group), ())))
                own |= inside & (form.domain_of_rack != NONE)
        return own

    def _by_room(self, room: Ints, labels: Ints, want: int) -> list[int]:
        """Labels by best fit; those that cannot take all come last, roomiest first."""
        whole = room[labels] >= want
        rest = np.where(whole, room[labels] - want, UNLIMITED - room[labels])
        ranked: list[int] = labels[np.argsort(rest, kind="stable")].tolist()
        return ranked

    def _gains(self, state: State, job: int) -> bool:
        """Whether what counts pays for what is placed."""
        if self.firm[job]:
            return True
        cost = state.cost(job)
        paid = sum(units * int(cost[rack]) for rack, units in state.placed[job].items())
        counted = min(int(state.total[job]), int(self.compiled.units.counted_most[job]))
        return bool(self.nested[job]) or counted * int(self.value[job]) >= paid

    def top_up(self, state: State, job: int, spare: Ints | None = None) -> None:
        """Add units until what survives the worst loss is all that was promised.

        They go where they fit best, or else outside the domains that hold the job already. Units
        that let no more survive are taken back. For `spare` see `_pieces`.
        """
        missing = self._missing(state, job)
        while missing > 0:
            before, still_missing = dict(state.placed[job]), missing
            for outside in (None, self._outside(state, job)):
                self.add(state, job, missing, spare, outside)
                still_missing = self._missing(state, job)
                if still_missing < missing:
                    break
                state.remove(job)
                state.put_back(job, before)
            else:
                return
            missing = still_missing

    def _outside(self, state: State, job: int) -> Bools:
        """Racks that lie in no domain whose loss takes units of `job`, (R,)."""
        outside = np.ones(self.compiled.num_racks, bool)
        for counts in state.counts:
            if counts.form.survives[job]:
                outside &= counts.outside(job)
        return outside

    def counted(self, state: State, job: int) -> int:
        """Units of `job` that count: what survives the worst loss, spares left out."""
        units = self.compiled.units
        losing = [counts for counts in state.counts if counts.form.survives[job]]
        worst = max((counts.worst_loss(job) for counts in losing), default=0)
        safe = int(state.total[job]) - worst - int(units.held_back[job])
        return min(max(safe, 0), int(units.counted_most[job]))

    def _missing(self, state: State, job: int) -> int:
        """Promised units that a failure would take away, if any promise survives failures."""
        if not any(counts.form.survives[job] for counts in state.counts):
            return 0
        return int(self.compiled.units.counted_most[job]) - self.counted(state, job)

    def add(
        self,
        state: State,
        job: int,
        want: int,
        spare: Ints | None = None,
        within: Bools | None = None,
    ) -> None:
        """Place up to `want` more units wherever they fit, on racks `within` (R,) if given."""
        if want <= 0:
            return
        fits = state.fit(job) if within is None else state.fit(job) * within
        for racks in self._pieces(state, job, fits, want, spare=spare):
            want -= state.fill(job, racks, want)
            if want <= 0:
                return


def _sum_over_costs(compiled: Compiled, name: str) -> Ints:
    total = np.zeros(compiled.num_jobs, np.int64)
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            total += getattr(form, name)
    return total


def _typical_size(compiled: Compiled) -> Ints:
    """Slots of a unit on the kind of rack where it is smallest, at least 1, (J,)."""
    if compiled.packing is None:
        return np.ones(compiled.num_jobs, np.int64)
    smallest = compiled.packing.size.min(axis=1, initial=UNLIMITED)
    return np.asarray(np.maximum(smallest, 1), np.int64)


def _takes_no_bins(compiled: Compiled) -> Bools:
    if compiled.packing is None:
        return np.zeros(compiled.num_jobs, bool)
    return np.asarray(compiled.packing.group_of_job == NONE)


def _exclusiveness(compiled: Compiled) -> Ints:
    """Racks in the largest domain that a job's group keeps from others, 0 if none, (J,)."""
    racks = np.zeros(compiled.num_jobs, np.int64)
    for form in compiled.forms:
        if isinstance(form, GroupPresence) and form.may_share is not None and form.num_domains:
            inside = form.domain_of_rack[form.domain_of_rack != NONE]
            largest = int(np.bincount(inside).max(initial=0))
            foes = (~form.may_share).sum(axis=1)
            keeps = ((foes > 0) & (foes == len(foes) - 1))[form.group_of_job]
            racks = np.maximum(racks, np.where(keeps & (form.group_of_job != NONE), largest, 0))
    return racks
