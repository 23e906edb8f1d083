"""The last touch: with the value fixed, load is spread so that the fullest limits get room.

What the plan is worth stays as it is, to the mill. Among plans of the same worth those are
better in which no limit is close to full: the next job, or the failure that nobody listed, finds
room. Racks, and whole blocks of racks, exchange all that lies on them, so that jobs stay together
as they are.

    ``evenness = sum over rows i of (load[i] / limit[i]) ** POWER``, least is best
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.backend import Evaluator
from kernels.batch import MoveSets
from kernels.forms import Compiled, Ints, Shards
from kernels.linear_table import LinearTable
from kernels.moves import Move, Workspace

POWER = 8  # the larger, the more only the fullest limits count
PROPOSALS = 20_000  # exchanges that are looked at in one turn, to first order
RACKS_AT_ONCE = 2**13  # of the proposals that are looked at together
SCORED = 64  # of them, the most promising, exactly
PATIENCE = 4  # turns in a row that find nothing, after which the polish ends

Floats = NDArray[np.float64]


@dataclass(eq=False)
class Polish:
    """Exchanges of places that keep the score and even out the loads."""

    compiled: Compiled
    evaluator: Evaluator
    block_of_rack: Ints  # (R,)
    seed: int
    stopped: Callable[[], bool]
    exchanged: int = 0  # pairs of places so far
    _table: LinearTable = field(init=False)
    _scale: Floats = field(init=False)  # (I,) 1 / limit, 0 where a row has none to speak of
    _sizes: list[Ints] = field(init=False)  # places of one size, (places, racks of each)

    def __post_init__(self) -> None:
        self._table = LinearTable(self.compiled)
        limit = self._table.limit.astype(np.float64)
        self._scale = np.where(limit > 0, 1 / np.maximum(limit, 1.0), 0.0)
        self._sizes = [np.arange(self.compiled.num_racks)[:, None], *self._blocks()]
        self._sizes = [places for places in self._sizes if len(places) > 1]

    def run(self, shards: Shards) -> Shards:
        """Return a plan of the same score, or a better one, with evener loads."""
        rng = np.random.default_rng(self.seed)
        workspace, idle = self.evaluator.start(shards), 0
        load = self.load(shards)
        while self._sizes and idle < PATIENCE * len(self._sizes) and not self.stopped():
            places = self._sizes[int(rng.integers(len(self._sizes)))]
            promising = self._promising(shards, load, places, rng)
            if self._exchange(workspace, shards, promising, load):
                shards, idle = workspace.shards, 0
            else:
                idle += 1
        return shards

    def load(self, shards: Shards) -> Ints:
        """Return the load of every row that can bind, (I,)."""
        return self._table.load(shards)

    def evenness(self, load: Ints) -> float:
        """Return what is to be made small."""
        return float(((load * self._scale) ** POWER).sum())

    def _blocks(self) -> list[Ints]:
        """Return blocks by their number of racks, each as the racks in order."""
        order = np.argsort(self.block_of_rack, kind="stable")
        blocks = np.split(order, np.flatnonzero(np.diff(self.block_of_rack[order])) + 1)
        sizes = sorted({len(block) for block in blocks} - {1})
        return [np.array([block for block in blocks if len(block) == size]) for size in sizes]

    def _promising(
        self, shards: Shards, load: Ints, places: Ints, rng: np.random.Generator
    ) -> list[tuple[Ints, Ints]]:
        """Return pairs of places whose exchange helps most, to first order."""
        first, second = rng.integers(0, len(places), (2, PROPOSALS))
        a, b = places[first], places[second]
        price, drawn = self._price_of_rack(load), self._drawn(shards)
        at_once = max(1, RACKS_AT_ONCE // places.shape[1])
        gain = np.concatenate(
            [
                self._gain(price, drawn, a[some : some + at_once], b[some : some + at_once])
                for some in range(0, PROPOSALS, at_once)
            ]
        )
        best = np.argsort(-gain, kind="stable")[:SCORED]
        return [(a[n], b[n]) for n in best[gain[best] > 0].tolist()]

    def _gain(self, price: Floats, drawn: Floats, a: Ints, b: Ints) -> Floats:
        """Return what the exchange of places gains to first order, 0 where they are not alike."""
        gain: Floats = ((drawn[:, a] - drawn[:, b]) * (price[:, a] - price[:, b])).sum(axis=(0, 2))
        gain[(self._table.kind[:, a] != self._table.kind[:, b]).any(axis=(0, 2))] = 0
        return gain

    def _price_of_rack(self, load: Ints) -> Floats:
        """Return what one more unit of demand costs on each rack, by demand table, (Q, R)."""
        table = self._table
        slope = POWER * (load * self._scale) ** (POWER - 1) * self._scale
        price = np.zeros(table.kind.shape)
        np.add.at(price, (table.table, table.rack), table.weight * slope[table.row])
        return price

    def _drawn(self, shards: Shards) -> Floats:
        """Return what lies on each rack, by demand table, (Q, R)."""
        tables = np.arange(len(self._table.kind))[:, None]
        demand = self._table.demand[tables, shards.job, self._table.kind[:, shards.rack]]
        drawn = np.zeros(self._table.kind.shape)
        np.add.at(drawn, (tables, shards.rack[None, :]), demand * shards.units)
        return drawn

    def _exchange(
        self,
        workspace: Workspace,
        shards: Shards,
        promising: list[tuple[Ints, Ints]],
        load: Ints,
    ) -> bool:
        """Carry out what keeps the score and evens out `load`, which follows."""
        if not promising:
            return False
        order = np.argsort(shards.rack, kind="stable")
        start = np.searchsorted(shards.rack[order], np.arange(self.compiled.num_racks + 1))
        chosen: list[list[Move]] = []
        for a, b in promising:
            places = [*zip(a.tolist(), b.tolist(), strict=True)]
            places += [(there, here) for here, there in places]
            chosen.append(
                [
                    Move(int(shards.job[n]), here, there, int(shards.units[n]))
                    for here, there in places
                    for n in order[start[here] : start[here + 1]].tolist()
                ]
            )
        violation, unmet, margin = self.evaluator.score_batch(shards, MoveSets.build(chosen))
        fine = (violation <= workspace.violation) & (unmet <= workspace.unmet_firm_gpus)
        fine &= margin >= workspace.margin_mills
        untouched = np.ones(self.compiled.num_racks, bool)
        done = self.exchanged
        for n in np.flatnonzero(fine).tolist():
            racks = np.concatenate(promising[n])
            if untouched[racks].all() and self._commit(workspace, chosen[n], load):
                untouched[racks] = False
        return self.exchanged > done

    def _commit(self, workspace: Workspace, moves: list[Move], load: Ints) -> bool:
        """Carry out one exchange if, after others, it still keeps the score and helps."""
        row, more = self._change(moves)
        before, after = load[row] * self._scale[row], (load[row] + more) * self._scale[row]
        if (after**POWER).sum() >= (before**POWER).sum():
            return False
        delta = workspace.delta(moves)
        if delta.violation > 0 or delta.unmet_firm_gpus > 0 or delta.margin_mills < 0:
            return False
        workspace.commit(moves)
        load[row] += more
        self.exchanged += 1
        return True

    def _change(self, moves: list[Move]) -> tuple[Ints, Ints]:
        """Return (rows, what the moves add to their load)."""
        table = self._table
        rows, more = [], []
        for move in moves:
            for rack, units in ((move.source, -move.units), (move.target, move.units)):
                own = slice(int(table.start[rack]), int(table.start[rack + 1]))
                drawn = table.demand[np.arange(len(table.kind)), move.job, table.kind[:, rack]]
                rows.append(table.row[own])
                more.append(table.weight[own] * drawn[table.table[own]] * units)
        row, number = np.unique(np.concatenate(rows), return_inverse=True)
        total = np.zeros(len(row), np.int64)
        np.add.at(total, number, np.concatenate(more))
        return row.astype(np.int64), total
