"""What sets of moves change in linear rows: by the entries that they touch, or all rows at once."""

from __future__ import annotations

import numpy as np

from kernels.batch_moves import PlanMoves, UnitChanges, pieces
from kernels.batch_sums import KeySums, split
from kernels.forms import NONE, Bools, Index, Ints, Shards
from kernels.linear_table import LinearTable
from kernels.load_blocks import Floats, LoadBlocks, load_blocks
from kernels.parts.expand import ranges

# An entry of all rows, worked out densely, against one that is touched. The dense way runs in BLAS,
# whose threads wait badly where other programs hold the cores: it is taken where it gains much.
DENSE_COST = 0.02
LOADS_AT_ONCE = 2**18  # loads of racks that are held together, one plan at least
ENTRIES_AT_ONCE = 2**18  # touched entries that are held together, one plan at least


class LoadChanges:
    """The linear rows of one base plan."""

    def __init__(self, table: LinearTable, base: Shards, sums: KeySums) -> None:
        self._table, self._base, self._sums = table, base, sums
        self._load = table.load(base)
        self._excess = table.excess(self._load)
        self._dense_base: _DenseBase | None = None
        largest = np.abs(table.demand).max(axis=(1, 2), initial=0)  # (Q,)
        self._largest: Floats = largest.astype(np.float64)

    def violation(self, moves: PlanMoves) -> Ints:
        """Return by how much the excess of all linear rows grows, (P,)."""
        table, grown = self._table, np.zeros(moves.num_plans, np.int64)
        if not table.num_rows:
            return grown
        count = np.diff(moves.start)
        touched = 2 * count * (len(table.row) / table.kind.shape[1])
        dense = touched > DENSE_COST * (len(table.row) + table.kind.size)
        if dense.any():
            dense &= self._holds(moves)
        for plans, way in ((dense, self._all_rows), (~dense, self._touched_rows)):
            if plans.all():
                return way(moves)
            if plans.any():
                grown[plans] = way(moves.take(np.flatnonzero(plans)))
        return grown

    def _holds(self, moves: PlanMoves) -> Bools:
        """Return whether loads of all racks are exact in float64, (P,)."""
        placed, blocks = float(self._base.units.sum()), load_blocks(self._table)
        most = (2.0 * float(moves.units.sum(dtype=np.float64)) + placed) * self._largest
        if blocks.holds(most[None])[0]:  # as a rule even for all plans together
            return np.ones(moves.num_plans, bool)
        moved = np.concatenate((np.zeros(1), np.cumsum(moves.units, dtype=np.float64)))
        units = moved[moves.start[1:]] - moved[moves.start[:-1]]
        return blocks.holds((2 * units + placed)[:, None] * self._largest)

    def _touched_rows(self, moves: PlanMoves) -> Ints:
        """Return the growth by way of the rows that moves touch, (P,)."""
        table, parts = self._table, []
        for plans in pieces(entries_before(table, moves), ENTRIES_AT_ONCE):
            part = moves.part(plans)
            keys, sums = self._touched(part.changes())
            plan, row = split(keys, table.num_rows)
            after = table.excess(self._load[row] + sums, row) - self._excess[row]
            parts.append(part.sum_by_plan(after, plan))
        return np.concatenate(parts)

    def _touched(self, changes: UnitChanges) -> tuple[Ints, Ints]:
        """Return (plan * rows + row, what its load grows by), each once."""
        table = self._table
        change, entry = ranges(table.start[changes.rack], table.start[changes.rack + 1])
        job, rack, demand = changes.job[change], changes.rack[change], table.table[entry]
        more = table.weight[entry] * table.demand[demand, job, table.kind[demand, rack]]
        more *= changes.units[change]
        keys = changes.plan[change] * table.num_rows + table.row[entry]
        return self._sums.sums(keys, more, changes.num_plans * table.num_rows)

    def _all_rows(self, moves: PlanMoves) -> Ints:
        """Return the growth by way of the loads of all racks, (P,)."""
        if self._dense_base is None:
            self._dense_base = _DenseBase(self._table, self._base)
        step = max(1, LOADS_AT_ONCE // max(1, self._table.kind.size))
        excess = [
            self._dense_base.excess(moves.part(plans))
            for plans in pieces(np.arange(moves.num_plans + 1), step)
        ]
        return np.concatenate(excess) - int(self._excess.sum())


def entries_before(table: LinearTable, moves: PlanMoves) -> Ints:
    """Return how many entries of rows all plans before touch, (P + 1,)."""
    entries = np.append(np.diff(table.start), 0)  # the last is that of NONE
    both = entries[moves.source] + entries[moves.target]
    before: Ints = np.concatenate((np.zeros(1, np.int64), np.cumsum(both)))[moves.start]
    return before


class _DenseBase:
    """Loads of all racks of the base plan, racks in the order of `LoadBlocks.place`."""

    def __init__(self, table: LinearTable, base: Shards) -> None:
        self._table, self._base = table, base
        self._blocks: LoadBlocks = load_blocks(table)
        alike = (table.kind == table.kind[:1]).all()
        self._kinds = list(table.kind[:1] if alike else table.kind)
        self._demand = [demand.astype(np.float64).ravel() for demand in table.demand]
        load = np.zeros((len(table.kind), 1, table.kind.shape[1]))
        self._add(load, 0, base.job, base.rack, base.units)
        self._load = load  # (Q, 1, R)

    def excess(self, moves: PlanMoves) -> Ints:
        """Return the excess of all rows of each plan, (P,)."""
        queues, plans, racks = len(self._table.kind), moves.num_plans, self._table.kind.shape[1]
        shards = len(self._base.job)
        if len(moves.job) * 2 > plans * shards and moves.shard.min(initial=0) != NONE:
            # Most shards move: what stays is less than what leaves.
            load = np.zeros((queues, plans, racks))
            stays = np.tile(self._base.units, plans)
            np.subtract.at(stays, moves.plan * shards + moves.shard, moves.units)
            plan, shard = split(np.flatnonzero(stays), shards)
            self._add(
                load,
                plan * racks,
                self._base.job[shard],
                self._base.rack[shard],
                stays[stays != 0],
            )
        else:
            load = np.repeat(self._load, plans, axis=1)
            self._move(load, moves, moves.source, -moves.units)
        self._move(load, moves, moves.target, moves.units)
        return self._blocks.excess(load)

    def _move(self, load: Floats, moves: PlanMoves, rack: Index, units: Ints) -> None:
        """Add what moves bring to racks, or with negative units take from them."""
        plan, job = moves.plan, moves.job
        if rack.min(initial=0) == NONE:
            inside = np.flatnonzero(rack != NONE)
            plan, job, rack, units = plan[inside], job[inside], rack[inside], units[inside]
        self._add(load, plan * load.shape[2], job, rack, units)

    def _add(
        self, load: Floats, first: int | Ints, job: Index, rack: Index | Ints, units: Ints
    ) -> None:
        """Add what units draw to the loads (Q, P, R); `first` is ``plan * R`` of each."""
        rack = rack.astype(np.int64)
        at = self._blocks.place.take(rack)
        at += first
        amount = units.astype(np.float64)
        first_of_job = job.astype(np.int64) * self._table.demand.shape[2]
        asked = [kind.take(rack) + first_of_job for kind in self._kinds]
        for q, demand in enumerate(self._demand):
            drawn = demand.take(asked[q % len(asked)])
            drawn *= amount
            np.add.at(load[q].reshape(-1), at, drawn)  # a view: loads of a table lie together
