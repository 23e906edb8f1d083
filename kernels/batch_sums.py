"""Moves of many plans in flat arrays, and sums by key, without sorting where it can be.

Moves are flattened into changes: plan p has `units` more or less of a job on a rack. Every form
adds them up by the keys that it looks at, (plan, row), (plan, group, domain) and so on, and only
keys that are touched cost time. Moves are not netted first: sums do not need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.forms import NONE, Index, Ints
from kernels.parts.expand import ranges

SCRATCH_KEYS = 2**24  # keys up to here are told apart by a table, above by sorting
TABLE_KEYS = 2**22  # sums of the base up to here are looked up in a table, above by bisection


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


def split(keys: Ints, span: int) -> tuple[Ints, Ints]:
    """Return what was put into ``first * span + second``."""
    span = max(1, span)
    first: Ints = keys // span
    return first, keys - first * span


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

    def part(self, first: int, end: int) -> PlanMoves:
        """Return the moves of plans ``first:end``."""
        start = self.start[first : end + 1]
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


class KeySums:
    """Adds values up by key. Keeps the table that tells keys apart from one call to the next."""

    def __init__(self) -> None:
        self._owner = np.empty(0, np.int32)

    def sums(self, keys: Ints, values: Ints, span: int) -> tuple[Ints, Ints]:
        """Return every key once, in any order, and the sum of its values; sums of 0 are kept.

        Keys lie in ``0..span - 1``.
        """
        owner = self._owners(keys, span)
        heads = np.flatnonzero(owner == np.arange(len(keys)))
        sums = np.zeros(len(keys), np.int64)
        np.add.at(sums, owner, values)
        return keys[heads], sums[heads]

    def has_twins(self, keys: Ints, span: int) -> bool:
        """Return whether a key comes more than once."""
        return bool((self._owners(keys, span) != np.arange(len(keys))).any())

    def _owners(self, keys: Ints, span: int) -> Ints | Index:
        """Return the place of one and the same key of its kind for every key."""
        if span > SCRATCH_KEYS:
            _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
            owners: Ints = first[inverse]
            return owners
        if len(self._owner) < span:
            self._owner = np.empty(min(SCRATCH_KEYS, 2 * span), np.int32)
        # The table is never cleared: only places that were just written are read.
        self._owner[keys] = np.arange(len(keys), dtype=np.int32)
        return self._owner[keys]


class BaseSums:
    """Sums of the base plan by key, 0 where there is none."""

    def __init__(self, keys: Ints, sums: Ints, span: int) -> None:
        self._keys, self._sums = keys, sums  # ascending
        self._table: Ints | None = None
        if span <= TABLE_KEYS:
            self._table = np.zeros(span, np.int64)
            self._table[keys] = sums

    def at(self, asked: Ints) -> Ints:
        """Return the sums of the keys."""
        if self._table is not None:
            return self._table[asked]
        if not len(self._keys):
            return np.zeros(len(asked), np.int64)
        at = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        return np.where(self._keys[at] == asked, self._sums[at], 0)
