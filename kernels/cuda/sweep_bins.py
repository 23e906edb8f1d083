"""Bins in a sweep on a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import Asked, SomeOverlaps, SomeRows


class SweepBins:
    """Bins of a `Packing`; the label is the group where it has opened some elsewhere."""

    columns = 1

    def __init__(self, resident: Resident, plan: PlanScore, number: int) -> None:
        self._pairs, self._slots = plan.pairs[number]
        self._racks_of_group = resident.device.empty(self._pairs.groups, np.int64)
        constant, pairs = plan.constants[number], self._pairs
        racks = resident.compiled.num_racks
        self._bins = (constant["bin_size"], constant["bins"], plan.used[number])
        self._sizes = (pairs.size, pairs.kind, pairs.kinds, racks)

    def leave(self, asked: Asked, labels: Sequence[Buffer]) -> None:
        """Add the bins that become free."""
        groups, racks = self._pairs.groups, self._sizes[3]
        asked.device.fill(self._racks_of_group, 0)
        asked.launch("bin_racks", groups * racks, self._slots, groups, racks, self._racks_of_group)
        asked.launch(
            "leave_bins", asked.count, *asked.each, self._pairs.group_of_job, *self._sizes,
            *self._bins, self._slots, self._racks_of_group, *labels, asked.leaves,
        )  # fmt: skip

    def add_to_classes(self, asked: Asked, example: Buffer, classes: int, rows: Buffer) -> None:
        """Add the bins that classes open on racks without their group."""
        asked.launch(
            "class_bins", classes * self._sizes[3], example, classes, asked.job, asked.units,
            self._pairs.group_of_job, *self._sizes, *self._bins, asked.step, rows,
        )  # fmt: skip

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows) -> None:
        """Add by how much bins that are open already differ from new ones."""
        to.launch(
            asked, "add_bins", asked.job, asked.units, *labels, *self._sizes, *self._bins,
            self._slots, asked.step, to.rack_at, to.positions, to.rows,
        )  # fmt: skip

    def overlap(self, asked: Asked, labels: Sequence[Buffer], of: SomeOverlaps) -> None:
        """Add nothing: no two racks share bins."""
