"""Limits of units in domains, in a sweep on a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import Asked, SomeOverlaps, SomeRows
from kernels.cuda.sweep_layout import LayoutArrays
from kernels.forms import UNLIMITED, GroupCount


class SweepLimits:
    """Limits of a `GroupCount`; the label is a group that has one."""

    columns = 1

    def __init__(
        self,
        resident: Resident,
        plan: PlanScore,
        arrays: LayoutArrays,
        number: int,
        form: GroupCount,
    ) -> None:
        pairs, self._units = plan.pairs[number]
        self._arrays, self._pairs, self._limit = arrays, pairs, plan.constants[number]["limit"]
        rows, put, sizes = form.domains, resident.put, np.diff(form.domains.start)
        self._is_near = arrays.near_flags(resident, sizes)
        self._racks = (put(rows.start.astype(np.int64)), put(rows.rack.astype(np.int32)))
        self._far = arrays.signatures_of(resident, rows.row, rows.rack, rows.weight, sizes)[:2]
        self._domains = (pairs.start, pairs.domain, pairs.domains, self._units)

    def leave(self, asked: Asked, labels: Sequence[Buffer]) -> None:
        """Add the units above limits that go."""
        asked.launch(
            "leave_limits", asked.count, *asked.each, self._pairs.group_of_job, self._limit,
            UNLIMITED, *self._domains, *labels, asked.leaves,
        )  # fmt: skip

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows) -> None:
        """Add the units above limits that come."""
        to.launch(
            asked, "add_limits", asked.units, *labels, self._limit, *self._domains, asked.step,
            to.rack_at, to.positions, to.rows,
        )  # fmt: skip

    def overlap(self, asked: Asked, labels: Sequence[Buffer], of: SomeOverlaps) -> None:
        """Undo both in domains that source and destination share."""
        arrays = self._arrays
        of.launch(
            asked, "overlap_limits", asked.source, asked.units, *labels, self._limit,
            *self._domains, self._is_near, *self._racks, arrays.place_in_cell, *self._far,
            arrays.signatures, arrays.width, asked.step, *of.found,
        )  # fmt: skip
