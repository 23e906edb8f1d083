"""The search itself: minima over blocks, signatures and the cell of the source.

The best rack far from a source is the minimum over signatures of (minimum over the blocks of the
signature, the cell of the source left out) + correction of the signature. The `top` best racks
lie in the `top` best blocks, and these in the `top` best signatures, so that no table of
candidates x racks is ever made.
"""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, Index, Ints
from kernels.sweep.changes import NOWHERE
from kernels.sweep.classes import class_row
from kernels.sweep.families import Families
from kernels.sweep.layout import Layout
from kernels.sweep.overlaps import Overlaps
from kernels.sweep.plan_state import PlanState

ROW_NUMBERS = 2**21  # numbers in the rows of families that are kept at a time
CANDIDATES = 4096  # candidates that are looked at together


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
        self._rack_at = layout.rack_at.ravel()  # (P,)
        self._positions = np.arange(layout.num_positions).reshape(layout.rack_at.shape)
        # One more block, of no rack and no cell, stands for padding.
        self._blocks = np.where(
            layout.blocks_of_signature == NONE, layout.num_blocks, layout.blocks_of_signature
        )
        self._cell_of_block = np.append(layout.cell_of_block, NONE - 1)
        self._rank = np.append(layout.rank, len(layout.rank))  # the last stands for `NONE`
        self._class = NONE
        self._class_row = np.zeros(0, np.int64)

    def run(self) -> None:
        """Fill `racks` and `keys`, some families and some of their candidates at a time."""
        families = self.families
        step = max(1, ROW_NUMBERS // max(1, self.layout.num_positions))
        for first in range(0, len(families), step):
            end = min(first + step, len(families))
            found = _Rows(self, first, end)
            members = families.members[families.start[first] : families.start[end]]
            for at in range(0, len(members), CANDIDATES):
                self._some(found, members[at : at + CANDIDATES], first)

    def row(self, family: int) -> Ints:
        """Return what a family adds on every position, (P,); `NOWHERE` where there is no rack."""
        families, candidates = self.families, self.state.candidates
        n = int(families.example[family])
        if families.class_of[n] != self._class:  # families come by class
            self._class = int(families.class_of[n])
            by_rack = class_row(
                self.state, families.packing, int(candidates.job[n]), int(candidates.units[n])
            )
            self._class_row = np.append(by_rack, NOWHERE)[self._rack_at]
        row = self._class_row + families.bundle_row(family)
        for racks, more in families.patches(family):
            row[self.layout.position_of_rack[racks]] += more
        return row

    def _some(self, rows: _Rows, chosen: Ints, first: int) -> None:
        """Search the destinations of some candidates, whose rows are there."""
        layout, source = self.layout, self.state.candidates.source[chosen]
        family = self.families.family_of[chosen] - first
        cell = np.where(source == NONE, NONE, layout.cell_of_rack[source])
        far = self.overlaps.far(chosen)  # (n, E)
        racks, keys = self._elsewhere(rows, family, cell, far)
        placed = np.flatnonzero(source != NONE)
        near_racks, near_keys = self._nearby(rows, chosen[placed], family[placed], far[placed])
        all_racks = np.full((len(chosen), racks.shape[1] + near_racks.shape[1]), NONE, np.int32)
        all_keys = np.full(all_racks.shape, NOWHERE, np.int64)
        all_racks[:, : racks.shape[1]], all_keys[:, : racks.shape[1]] = racks, keys
        all_racks[placed, racks.shape[1] :] = near_racks
        all_keys[placed, racks.shape[1] :] = near_keys
        best = _least(all_keys, self._rank[all_racks], self.top)
        found = np.take_along_axis(all_keys, best, axis=1)
        is_rack = found < NOWHERE // 2
        width = best.shape[1]
        racks = np.take_along_axis(all_racks, best, axis=1)
        self.racks[chosen, :width] = np.where(is_rack, racks, NONE)
        self.keys[chosen, :width] = np.where(is_rack, found, NOWHERE)

    def _elsewhere(self, rows: _Rows, family: Ints, cell: Ints, far: Ints) -> tuple[Index, Ints]:
        """Return the racks of the best blocks outside a cell and what they add, (n, ·) each."""
        n = np.arange(len(family))[:, None]
        own_cell_is_best = rows.best_cell[family] == cell[:, None]
        by_signature = np.where(own_cell_is_best, rows.second[family], rows.best[family]) + far
        signature = _first_least(by_signature, self.top)  # (n, k)
        block = self._blocks[signature]  # (n, k, W)
        by_block = rows.by_block[family[:, None, None], block] + far[n, signature][:, :, None]
        by_block[self._cell_of_block[block] == cell[:, None, None]] = NOWHERE
        width = block.shape[2]
        chosen = _first_least(by_block.reshape(len(n), -1), self.top)  # (n, k)
        correction = far[n, np.take_along_axis(signature, chosen // width, axis=1)]
        nowhere = np.take_along_axis(by_block.reshape(len(n), -1), chosen, axis=1) >= NOWHERE // 2
        block = np.take_along_axis(block.reshape(len(n), -1), chosen, axis=1)
        block[nowhere] = 0
        position = np.swapaxes(self._positions[:, block], 0, 1)  # (n, slots, k)
        keys = rows.rows[family[:, None, None], position] + correction[:, None, :]
        keys = np.where(nowhere[:, None, :], NOWHERE, keys)
        return self._rack_at[position].reshape(len(n), -1), keys.reshape(len(n), -1)

    def _nearby(self, rows: _Rows, chosen: Ints, family: Ints, far: Ints) -> tuple[Index, Ints]:
        """Return the racks of the source's cell and what they add, (n, W) each."""
        layout, source = self.layout, self.state.candidates.source[chosen]
        racks = layout.racks_of_cell[layout.cell_of_rack[source]]  # (n, W)
        keys = rows.rows[family[:, None], layout.position_of_rack[racks]]
        keys += np.take_along_axis(far, layout.signature_of_rack[racks].astype(np.int64), axis=1)
        keys += self.overlaps.near(chosen)
        keys[(racks == NONE) | (racks == source[:, None])] = NOWHERE
        return racks, keys


class _Rows:
    """The rows of some families, and their minima over blocks and signatures."""

    def __init__(self, search: Search, first: int, end: int) -> None:
        layout, count = search.layout, end - first
        self.rows = np.empty((count, layout.num_positions), np.int64)  # (f, P)
        self.by_block = np.full((count, layout.num_blocks + 1), NOWHERE, np.int64)
        for f in range(count):
            self.rows[f] = search.row(first + f)
            by_slot = self.rows[f].reshape(layout.rack_at.shape)
            by_slot.min(axis=0, out=self.by_block[f, :-1])
        minima = self.by_block[:, search._blocks]  # (f, E, W)
        at = minima.argmin(axis=2)[:, :, None]
        self.best = np.take_along_axis(minima, at, axis=2)[:, :, 0]  # (f, E)
        block = np.take_along_axis(search._blocks[None], at, axis=2)[:, :, 0]
        self.best_cell = search._cell_of_block[block]  # (f, E)
        np.put_along_axis(minima, at, NOWHERE, axis=2)
        self.second = minima.min(axis=2)  # (f, E) of another cell


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
