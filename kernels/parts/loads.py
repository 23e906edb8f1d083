"""Linear loads: what a shard takes from the rows that it leaves and adds to those it enters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.candidates import Candidates
from kernels.forms import NONE, Bools, Index, Ints, Shards
from kernels.linear_table import LinearTable, in_units
from kernels.parts.changes import Changes
from kernels.parts.expand import ranges


@dataclass(frozen=True, eq=False)
class _Tight:
    """What the tight entries look up for every class of candidates, side by side."""

    kind: Ints  # table * kinds + kind of rack
    weight: Ints
    over: Ints  # load less limit of the row
    excess: Ints  # of the row
    scale: Ints


class Loads:
    """The loads of one plan.

    Most rows hold with room to spare. Entry n is *tight* if the largest piece of work among the
    candidates would lift its row above the limit, or if the row is above it already; only tight
    entries can change a violation.
    """

    def __init__(self, table: LinearTable, shards: Shards, candidates: Candidates) -> None:
        self.table = table
        self.load = table.load(shards)  # (I,)
        self.excess = table.excess(self.load)  # (I,)
        self.largest, brings = _largest(table, candidates)  # (Q, K) each
        kind = table.kind[table.table, table.rack]
        # Leaving lifts the load of a row to which a job brings capacity.
        lift = np.zeros(table.num_rows, np.int64)
        np.maximum.at(lift, table.row, table.weight * brings[table.table, kind])
        most = table.weight * self.largest[table.table, kind] + lift[table.row]
        over = self.load[table.row] + most - table.limit[table.row]
        self.tight: Bools = over > 0  # (N,)
        tight = np.flatnonzero(self.tight)
        self.tight_entry = tight
        racks = np.arange(table.kind.shape[1] + 1)
        self.tight_start: Ints = np.searchsorted(table.rack[tight], racks)
        self._tight = self._side_by_side()
        # No candidate changes the excess of a row by more than it moves, or lifts it above.
        change = np.minimum(most, np.maximum(over, 0))[tight] // table.scale[table.row[tight]] + 1
        self.most_violation = int(_sum_by_rack(change, self.tight_start).max(initial=0))

    def demand(self, job: Index | int, units: Ints | int, table: Index, rack: Index | int) -> Ints:
        """Return what units of jobs draw in a demand table on a rack."""
        drawn: Ints = self.table.demand[table, job, self.table.kind[table, rack]] * units
        return drawn

    def leaving(self, candidates: Candidates) -> Changes:
        """Return the excess that goes when every candidate leaves its rack, negative, (N,)."""
        table, placed = self.table, np.flatnonzero(candidates.source != NONE)
        source = candidates.source[placed]
        which, at = ranges(self.tight_start[source], self.tight_start[source + 1])
        entry, who = self.tight_entry[at], placed[which]
        row = table.row[entry]
        drawn = self.demand(
            candidates.job[who], candidates.units[who], table.table[entry], candidates.source[who]
        )
        less = table.excess(self.load[row] - table.weight[entry] * drawn, row) - self.excess[row]
        gone = np.zeros(len(candidates), np.int64)
        np.add.at(gone, who, less)
        return Changes(violation=gone)

    def entering_anywhere(self, job: int, units: int) -> Ints:
        """Return the excess that units from nowhere would add on each rack, (R,)."""
        tight, table = self._tight, self.table
        drawn = (table.demand[:, job] * units).ravel()[tight.kind]
        more = in_units(tight.over + tight.weight * drawn, tight.scale) - tight.excess
        return _sum_by_rack(more, self.tight_start)

    def _side_by_side(self) -> _Tight:
        table, entry = self.table, self.tight_entry
        row, demand = table.row[entry], table.table[entry]
        kinds = table.demand.shape[2]
        return _Tight(
            kind=demand.astype(np.int64) * kinds + table.kind[demand, table.rack[entry]],
            weight=table.weight[entry],
            over=self.load[row] - table.limit[row],
            excess=self.excess[row],
            scale=table.scale[row],
        )

    def entering(self, job: int, source: int, units: int) -> Changes:
        """Return the excess that a candidate adds on each rack once it has left its own, (R,)."""
        table = self.table
        if source == NONE:
            load, before = self.load, self.excess
        else:
            own = slice(table.start[source], table.start[source + 1])
            drawn = self.demand(job, units, table.table[own], source)
            load = self.load.copy()
            load[table.row[own]] -= table.weight[own] * drawn
            before = table.excess(load)
        after = table.excess(load[table.row] + table.added(job, units), table.row)
        return Changes(violation=_sum_by_rack(after - before[table.row], table.start))

    def overlap(self, row: Ints | Index, enters: Ints, leaves: Ints) -> Ints:
        """Return by how much leaving and entering a row at once differs from their sum.

        ``excess(x + e - l) - excess(x + e) - excess(x - l) + excess(x)`` with the row's load x;
        zero wherever x + e and x stay inside the limit.
        """
        over, scale = self.load[row] - self.table.limit[row], self.table.scale[row]
        both = in_units(over + enters - leaves, scale)
        alone = in_units(over + enters, scale) + in_units(over - leaves, scale)
        overlap: Ints = both - alone + self.excess[row]
        return overlap


def _largest(table: LinearTable, candidates: Candidates) -> tuple[Ints, Ints]:
    """Return the largest amounts that any candidate draws or brings, and brings, (Q, K) each."""
    jobs, where = np.unique(candidates.job, return_inverse=True)
    units = np.zeros(len(jobs), np.int64)
    np.maximum.at(units, where, candidates.units)
    drawn = table.demand[:, jobs] * units[:, None]  # (Q, jobs, K)
    brings = -drawn.min(axis=1, initial=0)
    return np.maximum(drawn.max(axis=1, initial=0), brings), brings


def _sum_by_rack(values: Ints, start: Ints) -> Ints:
    sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
    by_rack: Ints = sums[start[1:]] - sums[start[:-1]]
    return by_rack
