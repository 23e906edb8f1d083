"""Linear rows in a sweep on a device: which are tight, and what classes of candidates add."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import WARP, Asked, SomeOverlaps, SomeRows
from kernels.cuda.sweep_layout import LayoutArrays
from kernels.forms import Ints
from kernels.parts.changes import Packing3
from kernels.sweep.ranges import Ranges


class SweepRows:
    """The linear rows; their labels, job type and units, make a class, whose row is shared."""

    columns = 2

    def __init__(
        self, resident: Resident, plan: PlanScore, arrays: LayoutArrays, types: Ints, ranges: Ranges
    ) -> None:
        self.resident, self.plan, self.arrays, self.ranges = resident, plan, arrays, ranges
        table, put, device = resident.table, resident.put, resident.device
        self.types = put(types)
        tables, jobs, kinds = table.demand.shape
        draws = table.demand.transpose(0, 2, 1).reshape(tables * kinds, jobs)
        self._brings = bool((draws < 0).any())
        self._counts = (len(ranges.amounts), tables * kinds)
        columns = [ranges.amounts, np.abs(draws), *([-draws] if self._brings else [])]
        self._amounts = put(np.concatenate(columns))
        self._columns = sum(map(len, columns))
        self._most = device.empty(1 + self._columns, np.int64)
        self._lift = device.empty(max(1, table.num_rows), np.int64)
        self._tight = device.empty(max(1, table.num_rows), np.uint8)
        sizes = table.racks_in_row
        self._is_near = arrays.near_flags(resident, sizes)
        self._far = arrays.signatures_of(resident, table.row, table.rack, table.weight, sizes)
        racks = resident.compiled.num_racks
        self._entries = (put(table.start), put(table.row), put(table.weight), put(table.table))
        self._draws = (resident.demand, resident.kind, jobs, kinds, racks)
        self._loads = (plan.row_load, resident.limit, resident.scale)

    def packing(self, asked: Asked) -> Packing3 | None:
        """Find the tight rows, and return how changes are packed, None if they do not fit."""
        resident, device, table = self.resident, self.resident.device, self.resident.table
        jobs, kinds, racks = self._draws[2:]
        bounds, draws = self._counts
        most, largest = self._most[:1], self._most[1:]
        device.fill(self._most, 0)
        device.fill(self._lift, 0)
        device.fill(self._tight, 0)
        asked.launch(
            "largest_amounts", asked.count, asked.job, asked.units, asked.count, self._amounts,
            self._columns, jobs, largest,
        )  # fmt: skip
        if self._brings:
            asked.launch(
                "row_lifts", table.num_rows * WARP, resident.row_start, resident.row_rack,
                resident.row_weight, resident.row_table, resident.kind, kinds, table.num_rows,
                racks, largest[bounds + draws :], self._lift,
            )  # fmt: skip
        if draws:
            asked.launch(
                "tight_rows", racks, *self._entries, resident.kind, kinds, racks, largest[bounds:],
                self._lift, *self._loads, self._tight, most,
            )  # fmt: skip
        found = device.get(self._most)
        return self.ranges.packing(found[1 : 1 + bounds], int(found[0]))

    def leave(self, asked: Asked, labels: Sequence[Buffer]) -> None:
        """Write what leaving changes in tight rows, and the class."""
        asked.launch(
            "leave_rows", asked.count, *asked.each, *self._entries, *self._draws, *self._loads,
            self._tight, self.types, *labels, asked.leaves, asked.everywhere,
        )  # fmt: skip

    def class_rows(self, asked: Asked, example: Buffer, classes: int) -> Buffer:
        """Return what classes add on each rack, packed, (classes, R); homes and groups aside."""
        racks = self.resident.compiled.num_racks
        rows = self.resident.device.empty(classes * racks, np.int64)
        asked.launch(
            "class_loads", classes * racks, example, classes, asked.job, asked.units,
            *self._entries, *self._draws, *self._loads, self._tight, asked.step, rows,
        )  # fmt: skip
        return rows

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows) -> None:
        """Add nothing: the rows of classes hold it already."""

    def overlap(self, asked: Asked, _labels: Sequence[Buffer], of: SomeOverlaps) -> None:
        """Write what leaving and entering the same tight rows changes."""
        arrays, resident = self.arrays, self.resident
        of.launch(
            asked, "overlap_rows", asked.job, asked.source, asked.units, *self._entries,
            *self._draws, *self._loads, self._tight, self._is_near, resident.row_start,
            resident.row_rack, resident.row_weight, arrays.place_in_cell, *self._far,
            arrays.example, arrays.signatures, arrays.width, asked.step, *of.found,
        )  # fmt: skip
