"""The search itself: minima over blocks, signatures and the cell of the source.

The best rack far from a source is the minimum over signatures of (minimum over the blocks of the
signature, the cell of the source left out) + correction of the signature. The `top` best racks
lie in the `top` best blocks, and these in the `top` best signatures, so that no table of
candidates x racks is ever made.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from kernels.forms import NONE, Index, Ints
from kernels.parts.changes import NOWHERE
from kernels.sweep.classes import class_row
from kernels.sweep.families import Families
from kernels.sweep.layout import Layout
from kernels.sweep.overlaps import Overlaps
from kernels.sweep.plan_state import PlanState

ROW_NUMBERS = 2**21  # numbers in the rows of families that are kept at a time
THREADS = min(4, os.cpu_count() or 1)
CORRECTIONS = 2**22  # numbers of (candidate, signature) that are kept at a time


class Search:
    """The best racks of every candidate of one plan, packed."""

    def __init__(
        self, state: PlanState, families: Families, overlaps: Overlaps, layout: Layout, top: int
    ) -> None:
        self.state = state
        self.families = families
        self.overlaps = overlaps
        self.layout = layout
        self.top = top
        self.racks = np.full((len(state.candidates), top), NONE, np.int32)  # (N, K)
        self.keys = np.full((len(state.candidates), top), NOWHERE, np.int64)  # (N, K)
        # The last position, and with it the last block, is of no rack.
        self.rack_at = np.append(layout.rack_at.ravel(), NONE)  # (P + 1,)
        positions = np.arange(layout.num_positions).reshape(layout.rack_at.shape)
        self._positions = np.pad(positions, ((0, 0), (0, 1)), constant_values=layout.num_positions)
        self._rank = np.append(layout.rank, len(layout.rank))  # the last stands for `NONE`

    def run(self) -> None:
        """Fill `racks` and `keys`: threads share the families, for NumPy lets them run at once."""
        size = self.layout.num_positions
        step = max(1, ROW_NUMBERS // max(1, size))
        steps = [*range(0, len(self.families), step)]
        per_thread = max(1, -(-len(steps) // THREADS))
        parts = [steps[n : n + per_thread] for n in range(0, len(steps), per_thread)]
        _ = self.families.patches  # worked out once, before the threads ask for them
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda part: self._chunks(part, step), parts):
                pass  # an exception of a thread is raised here

    def _chunks(self, firsts: list[int], step: int) -> None:
        """Search some families and some of their candidates at a time."""
        families, classes = self.families, _ClassRows(self)
        most = max(1, CORRECTIONS // max(1, self.layout.num_signatures))
        for first in firsts:
            end = min(first + step, len(families))
            found = _Rows(self, classes, first, end)
            members = families.members[families.start[first] : families.start[end]]
            for at in range(0, len(members), most):
                self._some(found, members[at : at + most], first)

    def _some(self, rows: _Rows, chosen: Ints, first: int) -> None:
        """Search the destinations of some candidates, whose rows are there."""
        source = self.state.candidates.source[chosen]
        placed = np.flatnonzero(source != NONE)
        family = self.families.family_of[chosen] - first
        cell = np.full(len(chosen), NONE, np.int32)
        cell[placed] = self.layout.cell_of_rack[source[placed]]
        corrected, far = self.overlaps.far(chosen)
        block, correction = rows.best_blocks(family, cell, self.top)  # (n, k)
        block[corrected], correction[corrected] = self._corrected_blocks(
            rows, family[corrected], cell[corrected], far
        )
        racks, keys = self._inside(rows, family, block, correction)
        near_racks, near_keys = self._nearby(rows, chosen[placed], family[placed])
        which = np.flatnonzero(source[corrected] != NONE)
        at = np.searchsorted(placed, corrected[which])
        signature = self.layout.signature_of_rack[near_racks[at]].astype(np.int64)
        near_keys[at] += np.take_along_axis(far[which], signature, axis=1)
        width = racks.shape[1]
        all_racks = np.full((len(chosen), width + near_racks.shape[1]), NONE, np.int32)
        all_keys = np.full(all_racks.shape, NOWHERE, np.int64)
        all_racks[:, :width], all_keys[:, :width] = racks, keys
        all_racks[placed, width:], all_keys[placed, width:] = near_racks, near_keys
        best = _least(all_keys, self._rank[all_racks], self.top)
        found = np.take_along_axis(all_keys, best, axis=1)
        is_rack = found < NOWHERE // 2
        racks = np.take_along_axis(all_racks, best, axis=1)
        self.racks[chosen, : best.shape[1]] = np.where(is_rack, racks, NONE)
        self.keys[chosen, : best.shape[1]] = np.where(is_rack, found, NOWHERE)

    def _corrected_blocks(
        self, rows: _Rows, family: Ints, cell: Index, far: Ints
    ) -> tuple[Ints, Ints]:
        """Return the best blocks outside a cell and their correction, (n, k) each."""
        n, count = np.arange(len(family))[:, None], rows.count(self.top)
        if not len(family):
            return np.zeros((0, count), np.int64), np.zeros((0, count), np.int64)
        own_cell_is_best = rows.best_cell[family] == cell[:, None]
        by_signature = np.where(own_cell_is_best, rows.second[family], rows.best[family]) + far
        signature = _first_least(by_signature, self.top)  # (n, k)
        block = rows.blocks[signature]  # (n, k, W)
        by_block = rows.by_block[family[:, None, None], block] + far[n, signature][:, :, None]
        by_block[rows.cell_of_block[block] == cell[:, None, None]] = NOWHERE
        by_block = by_block.reshape(len(n), -1)
        chosen = _first_least(by_block, count)  # (n, k)
        correction = far[n, np.take_along_axis(signature, chosen // block.shape[2], axis=1)]
        nowhere = np.take_along_axis(by_block, chosen, axis=1) >= NOWHERE // 2
        block = np.take_along_axis(block.reshape(len(n), -1), chosen, axis=1)
        return np.where(nowhere, self.layout.num_blocks, block), correction

    def _inside(
        self, rows: _Rows, family: Ints, block: Ints, correction: Ints
    ) -> tuple[Index, Ints]:
        """Return the racks of blocks and what they add, (n, slots k) each."""
        position = self._positions[:, block].transpose(1, 0, 2)  # (n, slots, k)
        racks = self.rack_at[position]
        keys = rows.rows[family[:, None, None], position] + correction[:, None, :]
        return racks.reshape(len(family), -1), keys.reshape(len(family), -1)

    def _nearby(self, rows: _Rows, chosen: Ints, family: Ints) -> tuple[Index, Ints]:
        """Return the racks of the source's cell and what they add, far rows aside, (n, W) each."""
        layout, source = self.layout, self.state.candidates.source[chosen]
        racks = layout.racks_of_cell[layout.cell_of_rack[source]]  # (n, W)
        keys = rows.rows[family[:, None], layout.position_of_rack[racks]]
        keys += self.overlaps.near(chosen)
        keys[(racks == NONE) | (racks == source[:, None])] = NOWHERE
        return racks, keys


class _ClassRows:
    """The row of the class at hand, by position; families come by class."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._class = NONE
        self._row = np.zeros(0, np.int64)

    def row_of(self, family: int) -> Ints:
        """Return what a family's class adds on every position, `NOWHERE` where there is no rack."""
        families, candidates = self._search.families, self._search.state.candidates
        n = int(families.example[family])
        if families.class_of[n] != self._class:
            self._class = int(families.class_of[n])
            by_rack = class_row(
                self._search.state,
                families.packing,
                int(candidates.job[n]),
                int(candidates.units[n]),
            )
            self._row = np.append(by_rack, NOWHERE)[self._search.rack_at[:-1]]
        return self._row


class _Rows:
    """The rows of some families, and their minima over blocks and signatures.

    One more block, of no rack and no cell, stands for padding; its position is the last.
    """

    def __init__(self, search: Search, classes: _ClassRows, first: int, end: int) -> None:
        layout, size = search.layout, end - first
        self._most_in_cell = int(np.bincount(layout.cell_of_block).max(initial=0))
        self.cell_of_block = np.append(layout.cell_of_block, NONE - 1)
        self.rows = np.empty((size, layout.num_positions + 1), np.int64)  # (f, P + 1)
        self.by_block = np.empty((size, layout.num_blocks + 1), np.int64)
        self.rows[:, -1] = self.by_block[:, -1] = NOWHERE
        start, rack, more = search.families.patches
        position = layout.position_of_rack
        for f in range(size):
            row = self.rows[f, :-1]
            np.add(classes.row_of(first + f), search.families.bundle_row(first + f), out=row)
            own = slice(int(start[first + f]), int(start[first + f + 1]))
            if own.start < own.stop:
                np.add.at(row, position[rack[own]], more[own])
            row.reshape(layout.rack_at.shape).min(axis=0, out=self.by_block[f, :-1])
        padded = layout.blocks_of_signature
        self.blocks = np.where(padded == NONE, layout.num_blocks, padded)  # (E, W)

    def count(self, top: int) -> int:
        """Return how many blocks hold the `top` best racks at most."""
        return min(top, self.by_block.shape[1] - 1)

    def best_blocks(self, family: Ints, cell: Index, top: int) -> tuple[Ints, Ints]:
        """Return the best blocks outside a cell, where nothing is corrected, (n, k), and zeros."""
        listed = self._listed(min(top + self._most_in_cell, self.by_block.shape[1]))[family]
        other = self.cell_of_block[listed] != cell[:, None]
        count = self.count(top)
        chosen = np.argsort(~other, axis=1, kind="stable")[:, :count]
        block = np.take_along_axis(listed, chosen, axis=1)
        left_out = ~np.take_along_axis(other, chosen, axis=1)
        block[left_out] = self.by_block.shape[1] - 1
        return block, np.zeros_like(block)

    def _listed(self, count: int) -> Ints:
        """Return the `count` best blocks of every family, best first, ties to the first."""
        if count not in self._lists:
            left = self.by_block.copy()
            listed = np.empty((len(left), count), np.int64)
            for k in range(count):
                listed[:, k] = left.argmin(axis=1)
                np.put_along_axis(left, listed[:, k : k + 1], np.iinfo(np.int64).max, axis=1)
            self._lists[count] = listed
        return self._lists[count]

    @cached_property
    def _lists(self) -> dict[int, Ints]:
        return {}

    @property
    def best(self) -> Ints:
        """The best block of every signature, (f, E)."""
        return self._by_signature[0]

    @property
    def best_cell(self) -> Index:
        """The cell of that block, (f, E)."""
        return self._by_signature[1]

    @property
    def second(self) -> Ints:
        """The best block of another cell, (f, E)."""
        return self._by_signature[2]

    @cached_property
    def _by_signature(self) -> tuple[Ints, Index, Ints]:
        minima = self.by_block[:, self.blocks]  # (f, E, W)
        at = minima.argmin(axis=2)[:, :, None]
        best = np.take_along_axis(minima, at, axis=2)[:, :, 0]
        block = np.take_along_axis(self.blocks[None], at, axis=2)[:, :, 0]
        np.put_along_axis(minima, at, NOWHERE, axis=2)
        return best, self.cell_of_block[block], minima.min(axis=2)


def _first_least(values: Ints, count: int) -> Ints:
    """Return where the `count` least values of every row are, ties to the first, ascending."""
    if count == 1:
        return np.asarray(values.argmin(axis=1)[:, None])
    return np.sort(np.argsort(values, axis=1, kind="stable")[:, :count], axis=1)


def _least(values: Ints, rank: Ints, count: int) -> Ints:
    """Return where the `count` least values of every row are, ties by rank, best first."""
    if count == 1:
        least = values.min(axis=1, keepdims=True)
        unranked = np.iinfo(rank.dtype).max
        return np.asarray(np.where(values == least, rank, unranked).argmin(axis=1)[:, None])
    return np.asarray(np.lexsort((rank, values), axis=1)[:, :count])
