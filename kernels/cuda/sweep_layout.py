"""How racks are arranged for a sweep, on the device."""

from __future__ import annotations

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.forms import NONE, Index, Ints
from kernels.sweep.layout import Layout


class LayoutArrays:
    """The arrays of a layout that kernels read; no plan changes them."""

    def __init__(self, resident: Resident, layout: Layout) -> None:
        put = resident.put
        self.layout = layout
        self.signatures, self.width = layout.num_signatures, layout.racks_of_cell.shape[1]
        self.slots, self.blocks = layout.rack_at.shape
        place = np.zeros(resident.compiled.num_racks, np.int32)  # of a rack within its cell
        cells, places = np.nonzero(layout.racks_of_cell != NONE)
        place[layout.racks_of_cell[cells, places]] = places
        self.place_in_cell = put(place)
        self.rack_at, self.position_of_rack = put(layout.rack_at), put(layout.position_of_rack)
        self.signature_of_rack = put(layout.signature_of_rack)
        self.cell_of_rack, self.racks_of_cell = put(layout.cell_of_rack), put(layout.racks_of_cell)
        self.example = put(layout.example)
        self.search = (
            *(self.rack_at, put(layout.cell_of_block), put(layout.signature_of_block)),
            *(self.signatures, put(layout.rank), self.position_of_rack, self.signature_of_rack),
            *(self.cell_of_rack, self.racks_of_cell, self.width),
        )

    def near_flags(self, resident: Resident, sizes: Ints) -> Buffer:
        """Return whether rows or domains of so many racks are near, as bytes."""
        return resident.put(self.layout.is_near(sizes).astype(np.uint8))

    def signatures_of(
        self, resident: Resident, group: Index | Ints, rack: Index, weight: Ints, sizes: Ints
    ) -> tuple[Buffer, Buffer, Buffer]:
        """Return the signatures of every far row or domain: offsets, signatures, weights.

        Parameters
        ----------
        group, rack, weight : (N,) arrays
            The entries of rows or domains.
        sizes : (rows,) array
            How many racks each of them holds.
        """
        stands = np.zeros(len(self.layout.signature_of_rack), bool)
        stands[self.layout.example] = True
        mine = np.flatnonzero(stands[rack] & ~self.layout.is_near(sizes)[group])
        mine = mine[np.argsort(group[mine], kind="stable")]
        start = np.searchsorted(group[mine], np.arange(len(sizes) + 1)).astype(np.int64)
        signature = self.layout.signature_of_rack[rack[mine]]
        return resident.put(start), resident.put(signature), resident.put(weight[mine])
