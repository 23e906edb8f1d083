"""How racks are arranged for a sweep: signatures of alike upstream rows, cells of shared near ones.

Every row, presence domain and count domain is *near* if it holds few racks, else *far*. Racks
that a near one ties together, directly or through others, form a **cell**. Racks that agree in
all far ones (rows with their weights, domains, kinds of rack in the demand tables) form a
**signature**. Racks of one cell and one signature form a **block**; a block's racks lie in slots:

    position(rack) = slot * blocks + block

so that a minimum over slots is a minimum over the first axis of a table with contiguous rows.
What two racks of different cells have in common then depends on their signatures alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kernels.forms import NONE, Compiled, GroupCount, GroupPresence, Index, Ints
from kernels.linear_table import LinearTable

CELL_RACKS = 32  # a row or domain of more racks is far
MOST_CELL_RACKS = 128  # cells beyond this make the sweep of a cell as dear as a row of all racks
MOST_SIGNATURES = 8192  # beyond, corrections of one signature are as many as racks


class NotHeldError(Exception):
    """The fast sweep cannot hold a problem; the row-by-row sweep can."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The arrangement of the racks of one problem; `NONE` pads."""

    cell_racks: int
    cell_of_rack: Index  # (R,)
    signature_of_rack: Index  # (R,)
    block_of_rack: Index  # (R,)
    position_of_rack: Ints  # (R,)
    rack_at: Index  # (slots, blocks), NONE where a block has fewer racks
    cell_of_block: Index  # (blocks,)
    signature_of_block: Index  # (blocks,) ascending
    blocks_of_signature: Index  # (E, most blocks of one), NONE pads
    racks_of_cell: Index  # (cells, most racks of one), by rank, NONE pads
    example: Index  # (E,) one rack of every signature
    rank: Index  # (R,) place in the order of the sweep: signature, block, slot

    @property
    def num_signatures(self) -> int:
        """Number of signatures, E."""
        return len(self.example)

    @property
    def num_blocks(self) -> int:
        """Number of blocks."""
        return len(self.cell_of_block)

    @property
    def num_positions(self) -> int:
        """Positions, padding included."""
        return self.rack_at.size

    def is_near(self, size: Ints) -> np.ndarray:
        """Return whether rows or domains of so many racks are near."""
        return np.asarray(size <= self.cell_racks)


def arrange(compiled: Compiled, table: LinearTable, cell_racks: int = CELL_RACKS) -> Layout:
    """Arrange the racks of a problem.

    Raises
    ------
    NotHeldError
        A cell or the number of signatures is too large for the fast sweep.
    """
    near, far = [], []
    for tie in _ties(compiled, table):
        is_near = np.bincount(tie.group)[tie.group] <= cell_racks
        near.append(tie.part(is_near))
        far.append(tie.part(~is_near))
    cell = _connected(compiled.num_racks, near)
    if np.bincount(cell, minlength=1).max() > MOST_CELL_RACKS:
        raise NotHeldError("near rows tie too many racks together")
    signature = _signatures(compiled.num_racks, far, table.kind)
    if signature.max(initial=0) >= MOST_SIGNATURES:
        raise NotHeldError("too many racks differ in their far rows")
    return _layout(cell, signature, cell_racks)


@dataclass(frozen=True, eq=False)
class _Ties:
    """Rows or domains of one kind: which racks each of them holds, and with what weight."""

    group: Index | Ints  # (N,)
    rack: Index  # (N,)
    weight: Ints  # (N,)

    def part(self, kept: np.ndarray) -> _Ties:
        return _Ties(self.group[kept], self.rack[kept], self.weight[kept])


def _ties(compiled: Compiled, table: LinearTable) -> Iterator[_Ties]:
    """Yield what ties racks together: linear rows, presence domains, count domains."""
    yield _Ties(table.row, table.rack, table.weight)
    for form in compiled.forms:
        if isinstance(form, GroupPresence):
            inside = np.flatnonzero(form.domain_of_rack != NONE)
            domain = form.domain_of_rack[inside]
            yield _Ties(domain, inside.astype(np.int32), np.ones(len(inside), np.int64))
        elif isinstance(form, GroupCount):
            yield _Ties(form.domains.row, form.domains.rack, form.domains.weight)


def _connected(num_racks: int, ties: list[_Ties]) -> Index:
    """Number the sets of racks that are tied together, directly or through others, (R,)."""
    label = np.arange(num_racks)
    changed = True
    while changed:
        before = label.copy()
        for tie in ties:
            least = np.full(int(tie.group.max(initial=0)) + 1, num_racks)
            np.minimum.at(least, tie.group, label[tie.rack])
            np.minimum.at(label, tie.rack, least[tie.group])
        label = label[label]  # a label is a rack whose own label is at most as large
        changed = bool((label != before).any())
    return np.unique(label, return_inverse=True)[1].astype(np.int32)


def _signatures(num_racks: int, ties: list[_Ties], kind: Index) -> Index:
    """Number the racks' sets of far rows and domains, kinds of rack included, (R,)."""
    written: list[list[bytes]] = [[column.tobytes()] for column in kind.T]
    for tie in ties:
        order = np.lexsort((tie.group, tie.rack))
        pairs = np.stack((tie.group[order], tie.weight[order]), axis=1).astype(np.int64)
        start = np.searchsorted(tie.rack[order], np.arange(num_racks + 1))
        for rack, (first, end) in enumerate(pairwise(start.tolist())):
            written[rack].append(pairs[first:end].tobytes() + b"|%d" % (end - first))
    number: dict[bytes, int] = {}
    found = [number.setdefault(b"/".join(parts), len(number)) for parts in written]
    return np.array(found, np.int32)


def _layout(cell: Index, signature: Index, cell_racks: int) -> Layout:
    num_racks, num_cells = len(cell), int(cell.max(initial=NONE)) + 1
    keys, block = np.unique(signature.astype(np.int64) * num_cells + cell, return_inverse=True)
    num_blocks, num_signatures = len(keys), int(signature.max(initial=NONE)) + 1
    rank = np.empty(num_racks, np.int32)
    order = np.argsort(block, kind="stable")
    rank[order] = np.arange(num_racks)
    slot = _place_in_group(block, order)
    rack_at = np.full((int(slot.max(initial=0)) + 1, num_blocks), NONE, np.int32)
    rack_at[slot, block] = np.arange(num_racks)
    signature_of_block = (keys // max(1, num_cells)).astype(np.int32)
    blocks = np.arange(num_blocks)
    in_signature = _place_in_group(signature_of_block, blocks)
    blocks_of = np.full((num_signatures, int(in_signature.max(initial=0)) + 1), NONE, np.int32)
    blocks_of[signature_of_block, in_signature] = blocks
    in_cell = _place_in_group(cell, order[np.argsort(cell[order], kind="stable")])
    racks_of_cell = np.full((num_cells, int(in_cell.max(initial=0)) + 1), NONE, np.int32)
    racks_of_cell[cell, in_cell] = np.arange(num_racks)
    return Layout(
        cell_racks=cell_racks,
        cell_of_rack=cell,
        signature_of_rack=signature,
        block_of_rack=block.astype(np.int32),
        position_of_rack=slot * num_blocks + block,
        rack_at=rack_at,
        cell_of_block=(keys % max(1, num_cells)).astype(np.int32),
        signature_of_block=signature_of_block,
        blocks_of_signature=blocks_of,
        racks_of_cell=racks_of_cell,
        example=np.unique(signature, return_index=True)[1].astype(np.int32),
        rank=rank,
    )


def _place_in_group(group: Index | Ints, order: Ints) -> Ints:
    """Return the place of every element within its group; `order` sorts by group, (N,)."""
    place = np.empty(len(group), np.int64)
    run = group[order]
    first = np.searchsorted(run, run)
    place[order] = np.arange(len(order)) - first
    return place
