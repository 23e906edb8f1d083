"""Many plans that differ a little from one: a base and sets of moves, scored at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kernels.forms import Index, Ints, Shards
from kernels.moves import Move


@dataclass(frozen=True, eq=False)
class MoveSets:
    """P plans as what differs from one base: plan p follows moves ``start[p]:start[p + 1]``.

    The moves of a set are taken as one change, so their order does not matter.
    """

    start: Ints  # (P + 1,) offsets into the arrays below
    job: Index  # (M,)
    source: Index  # (M,) rack, NONE: units are added
    target: Index  # (M,) rack, NONE: units are removed
    units: Ints  # (M,) > 0

    @property
    def num_plans(self) -> int:
        """Number of plans."""
        return len(self.start) - 1

    def moves(self, plan: int) -> list[Move]:
        """Return the moves of one plan."""
        own = slice(int(self.start[plan]), int(self.start[plan + 1]))
        columns = (self.job[own], self.source[own], self.target[own], self.units[own])
        return [Move(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]

    @staticmethod
    def build(move_sets: Sequence[Iterable[Move]]) -> MoveSets:
        """Return the sets as arrays."""
        sets = [[(m.job, m.source, m.target, m.units) for m in moves] for moves in move_sets]
        start = np.cumsum([0, *map(len, sets)], dtype=np.int64)
        flat = np.array([move for moves in sets for move in moves], np.int64).reshape(-1, 4)
        job, source, target = (np.ascontiguousarray(flat[:, c], np.int32) for c in range(3))
        return MoveSets(start, job, source, target, np.ascontiguousarray(flat[:, 3]))


def swaps(shards: Shards, first: Ints, second: Ints) -> MoveSets:
    """Return one plan for each pair of shards: the two exchange racks, whole."""
    pairs = np.stack((first, second), axis=1).ravel()
    other = np.stack((second, first), axis=1).ravel()
    return MoveSets(
        start=np.arange(0, len(pairs) + 1, 2),
        job=shards.job[pairs],
        source=shards.rack[pairs],
        target=shards.rack[other],
        units=shards.units[pairs],
    )
