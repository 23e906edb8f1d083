"""Moves of many plans in flat arrays, once it is sure that they can be made.

Moves are flattened into changes: plan p has `units` more or less of a job on a rack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.batch import MoveSets
from kernels.batch_sums import KeySums, split
from kernels.forms import NONE, Compiled, Index, Ints, Shards
from kernels.parts.expand import ranges


@dataclass(frozen=True, eq=False)
class UnitChanges:
    """Changes of some plans, by plan; the same (plan, job, rack) may come several times."""

    num_plans: int
    plan: Ints  # (C,) ascending
    job: Index  # (C,)
    rack: Index  # (C,)
    units: Ints  # (C,) negative where units leave

    def sum_by_plan(self, values: Ints, plan: Ints | None = None) -> Ints:
        """Return the sum of the values of every plan, (P,)."""
        total = np.zeros(self.num_plans, np.int64)
        np.add.at(total, self.plan if plan is None else plan, values)
        return total

    def take(self, some: Ints) -> UnitChanges:
        """Return some of the changes, of as many plans."""
        return UnitChanges(
            self.num_plans, self.plan[some], self.job[some], self.rack[some], self.units[some]
        )


@dataclass(frozen=True, eq=False)
class PlanMoves:
    """Moves of some plans that can be made."""

    start: Ints  # (P + 1,) offsets into the arrays below
    job: Index  # (M,)
    source: Index  # (M,) rack or NONE
    target: Index  # (M,) rack or NONE
    units: Ints  # (M,)
    shard: Ints  # (M,) number of the base shard that is left, NONE: there is none

    @property
    def num_plans(self) -> int:
        """Number of plans."""
        return len(self.start) - 1

    @cached_property
    def plan(self) -> Ints:
        """Plan of every move, (M,)."""
        return np.repeat(np.arange(self.num_plans), np.diff(self.start))

    def sum_by_plan(self, values: Ints, plan: Ints) -> Ints:
        """Return the sum of the values of every plan, (P,)."""
        total = np.zeros(self.num_plans, np.int64)
        np.add.at(total, plan, values)
        return total

    def take(self, plans: Ints) -> PlanMoves:
        """Return the moves of some plans."""
        _, own = ranges(self.start[plans], self.start[plans + 1])
        count = np.diff(self.start)[plans]
        start = np.concatenate((np.zeros(1, np.int64), np.cumsum(count)))
        return self._cut(start, own)

    def part(self, plans: slice) -> PlanMoves:
        """Return the moves of plans that come one after the other."""
        start = self.start[plans.start : plans.stop + 1]
        own = slice(int(start[0]), int(start[-1]))
        return self._cut(start - start[0], own)

    def _cut(self, start: Ints, own: Ints | slice) -> PlanMoves:
        ends = self.source[own], self.target[own]
        return PlanMoves(start, self.job[own], *ends, self.units[own], self.shard[own])

    def changes(self, some: Ints | slice = slice(None)) -> UnitChanges:
        """Return the changes of some moves: units leave sources and enter targets."""
        rack = np.stack((self.source[some], self.target[some]), axis=1).ravel()
        units = np.stack((-self.units[some], self.units[some]), axis=1).ravel()
        plan, job = np.repeat(self.plan[some], 2), np.repeat(self.job[some], 2)
        inside = np.flatnonzero(rack != NONE)
        return UnitChanges(self.num_plans, plan, job, rack, units).take(inside)


class MoveReader:
    """Reads moves from one base plan."""

    def __init__(self, compiled: Compiled, base: Shards, sums: KeySums) -> None:
        self._jobs, self._racks = compiled.num_jobs, compiled.num_racks
        self._units, self._sums = base.units, sums
        self._first_of_job = np.searchsorted(base.job, np.arange(compiled.num_jobs))
        self._keys = base.job.astype(np.int64) * compiled.num_racks + base.rack

    def pieces(self, move_sets: MoveSets, at_once: int) -> Iterator[tuple[slice, PlanMoves]]:
        """Yield (plans, their moves), at most so many moves at once but one plan at least.

        Raises
        ------
        ValueError
            A move takes no unit, or more units leave a rack than the job has there.
        """
        if (move_sets.units <= 0).any():
            bad = int(np.flatnonzero(move_sets.units <= 0)[0])
            raise ValueError(
                f"a move of job {move_sets.job[bad]}: expected units > 0, "
                f"got {move_sets.units[bad]}"
            )
        for plans in pieces(move_sets.start, at_once):
            start = move_sets.start[plans.start : plans.stop + 1]
            own = slice(int(start[0]), int(start[-1]))
            job, source, target = move_sets.job[own], move_sets.source[own], move_sets.target[own]
            shard = self._shard_of(job, source)
            moves = PlanMoves(start - start[0], job, source, target, move_sets.units[own], shard)
            self._check(moves)
            yield plans, moves

    def _check(self, moves: PlanMoves) -> None:
        """Raise if more units leave a rack in one of the plans than lie there."""
        known = moves.shard.min(initial=0) != NONE
        if known or bool(((moves.shard != NONE) | (moves.source == NONE)).all()):
            inside = slice(None) if known else np.flatnonzero(moves.shard != NONE)
            plan, shard = moves.plan[inside], moves.shard[inside]
            enough = bool((moves.units[inside] <= self._units[shard]).all())
            span = max(1, len(self._keys))
            if enough and not self._sums.has_twins(plan * span + shard, moves.num_plans * span):
                return  # every shard is left at most once, and by no more than is there
        changes = moves.changes()
        racks, jobs = self._racks, self._jobs
        pair = changes.job.astype(np.int64) * racks + changes.rack
        span = max(1, jobs * racks)
        keys, net = self._sums.sums(
            changes.plan * span + pair, changes.units, changes.num_plans * span
        )
        job, rack = split(keys % span, racks)
        shard = self._shard_of(job, rack)
        there = np.where(shard == NONE, 0, np.append(self._units, 0)[shard])
        short = np.flatnonzero(there + net < 0)
        if len(short):
            bad = short[keys[short].argmin()]
            raise ValueError(
                f"moves take more units of job {job[bad]} from rack {rack[bad]} than lie there"
            )

    def _shard_of(self, job: Index | Ints, rack: Index | Ints) -> Ints:
        """Return the number of the base shard of a job on a rack, NONE where there is none."""
        if not len(self._keys):
            return np.full(len(job), NONE, np.int64)
        job, rack = job.astype(np.int64), rack.astype(np.int64)
        asked = job * self._racks + rack
        if rack.min(initial=0) == NONE:
            asked[rack == NONE] = NONE
        # Moves of a job that come one after the other often leave its racks in their order.
        heads = np.flatnonzero(np.diff(job, prepend=NONE))
        shard = self._first_of_job.take(job)
        if len(heads) < len(job):
            length = np.diff(heads, append=len(job))
            shard += np.arange(len(job)) - np.repeat(heads, length)
        np.minimum(shard, len(self._keys) - 1, out=shard)
        other = np.flatnonzero(self._keys.take(shard) != asked)
        at = np.minimum(np.searchsorted(self._keys, asked[other]), len(self._keys) - 1)
        shard[other] = np.where(self._keys[at] == asked[other], at, NONE)
        return shard


def pieces(start: Ints, at_once: int) -> Iterator[slice]:
    """Cut what lies at ``start[p]:start[p + 1]`` into runs of p; each holds one p at least."""
    first, last = 0, len(start) - 1
    while first < last:
        end = int(np.searchsorted(start, start[first] + at_once, side="right")) - 1
        end = min(max(end, first + 1), last)
        yield slice(first, end)
        first = end
