"""Rows in sampled scenarios: which could be above their limit, and by how much they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.batch_moves import UnitChanges
from kernels.batch_sums import KeySums
from kernels.forms import Bools, Index, Ints
from kernels.linear_table import LinearTable, in_units
from kernels.parts.expand import ranges

LOAD_ONE = 1024  # a load factor of 1
NUMBERS_AT_ONCE = 2**20  # (row, scenario) pairs that are worked out together


@dataclass(frozen=True, eq=False)
class SampledRows:
    """Rows that can bind, and the scenarios in which they are looked at.

    A *pair* is a row in one plan, with what jobs of each profile put on it there.
    """

    state_of_row: Index  # (I,)
    base: Ints  # (I,)
    limit: Ints  # (I,)
    scale: Ints  # (I,)
    slope: Ints  # (I,)
    state: Index  # (S,)
    load: Ints  # (S, Z)
    ambient: Ints  # (S,)

    @cached_property
    def order(self) -> Ints:
        """Scenarios by state, (S,)."""
        return np.argsort(self.state, kind="stable")

    @cached_property
    def _bounds(self) -> tuple[Ints, Ints, Ints, Ints]:
        """By state: offsets into `order`, extremes of load and ambient; index of every row."""
        states, first = np.unique(self.state[self.order], return_index=True)
        start = np.append(first, len(self.order))
        at = np.minimum(np.searchsorted(states, self.state_of_row), max(0, len(states) - 1))
        known = states[at] == self.state_of_row if len(states) else np.zeros(len(at), bool)
        extremes = []
        for values in (self.load, self.ambient[:, None]):
            sorted_values = values[self.order]
            extremes.append(
                np.stack(
                    [
                        np.minimum.reduceat(sorted_values, first),
                        np.maximum.reduceat(sorted_values, first),
                    ]
                )
                if len(first)
                else np.zeros((2, 0, values.shape[1]), np.int64)
            )
        return start, extremes[0], extremes[1][..., 0], np.where(known, at, -1)

    def could_exceed(self, row: Ints, dynamic: Ints) -> Bools:
        """Return whether any scenario could lift a pair above its limit, (N,)."""
        _, load, ambient, state_of_row = self._bounds
        state = state_of_row[row]
        above = np.zeros(len(row), bool)
        some = np.flatnonzero(state >= 0)
        row, state, dynamic = row[some], state[some], dynamic[some]
        # Jobs that bring capacity have a negative load: most where their factor is least.
        most = np.where(dynamic > 0, dynamic * load[1, state], dynamic * load[0, state])
        slope = self.slope[row]
        shift = np.maximum(slope * ambient[0, state], slope * ambient[1, state])
        room = LOAD_ONE * (self.limit[row] - shift - self.base[row])
        above[some] = most.sum(axis=1) > room
        return above

    def excess(self, row: Ints, dynamic: Ints) -> Iterator[tuple[slice, Ints, Ints]]:
        """Yield (pairs, scenarios, excess (pairs, scenarios)); pairs are sorted by `state_rank`."""
        start, state = self._bounds[0], self.state_rank(row)
        for s in np.unique(state[state >= 0]).tolist():
            first, end = np.searchsorted(state, (s, s + 1)).tolist()
            samples = self.order[start[s] : start[s + 1]]
            step = max(1, NUMBERS_AT_ONCE // max(1, end - first))
            for n in range(0, len(samples), step):
                some = samples[n : n + step]
                for a in range(first, end, NUMBERS_AT_ONCE):
                    pairs = slice(a, min(end, a + NUMBERS_AT_ONCE))
                    yield pairs, some, self._excess(row[pairs], dynamic[pairs], some)

    def state_rank(self, row: Ints) -> Ints:
        """Return the place of the rows' states among those that are sampled, -1 for none, (N,)."""
        return self._bounds[3][row]

    def _excess(self, row: Ints, dynamic: Ints, sample: Ints) -> Ints:
        shift = self.slope[row][:, None] * self.ambient[sample]
        over = LOAD_ONE * ((self.base[row] - self.limit[row])[:, None] + shift)
        for z in range(dynamic.shape[1]):
            over += dynamic[:, z, None] * self.load[sample, z]
        return in_units(over, LOAD_ONE * self.scale[row][:, None])


def touched_rows(
    table: LinearTable, changes: UnitChanges, profile: Index, num_profiles: int, sums: KeySums
) -> tuple[Ints, Ints, Ints]:
    """Return (plan, row, what jobs of each profile put on it more (N, Z)), each pair once."""
    change, entry = ranges(table.start[changes.rack], table.start[changes.rack + 1])
    job, rack, demand = changes.job[change], changes.rack[change], table.table[entry]
    more = table.weight[entry] * table.demand[demand, job, table.kind[demand, rack]]
    more *= changes.units[change]
    keys = changes.plan[change] * table.num_rows + table.row[entry]
    keys, place = sums.places(keys, changes.num_plans * table.num_rows)
    grown = np.zeros((len(keys), num_profiles), np.int64)
    np.add.at(grown.reshape(-1), place * num_profiles + profile[job], more)
    return keys // max(1, table.num_rows), keys % max(1, table.num_rows), grown
