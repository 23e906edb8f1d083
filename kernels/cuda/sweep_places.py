"""Cost and homes in a sweep on a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import Asked, SomeOverlaps, SomeRows
from kernels.cuda.sweep_layout import LayoutArrays
from kernels.forms import AssignmentCost


class SweepPlaces:
    """Places of an `AssignmentCost`; the label is a job that has homes to come back to."""

    columns = 1

    def __init__(
        self,
        resident: Resident,
        plan: PlanScore,
        arrays: LayoutArrays,
        number: int,
        form: AssignmentCost,
    ) -> None:
        constant, jobs = plan.constants[number], resident.compiled.num_jobs
        self._resident, self._plan, self._arrays = resident, plan, arrays
        self._homes = len(form.home_job)
        self._home_job, self._home_rack = constant["home_job"], constant["home_rack"]
        self._home_units, self._move_mills = constant["home_units"], constant["move_mills"]
        start = np.searchsorted(np.sort(form.home_job), np.arange(jobs + 1))
        self._home_start = resident.put(start.astype(np.int64))
        self._missing = resident.device.empty(max(1, self._homes), np.int64)
        self._away = resident.device.empty(max(1, jobs), np.uint8)
        kinds = form.cost_mills.shape[1]
        self._costs = (constant["cost_mills"], constant["allowed"], constant["kind_of_rack"], kinds)

    def leave(self, asked: Asked, labels: Sequence[Buffer]) -> None:
        """Add the cost that is saved, less what leaving home costs."""
        plan = self._plan
        asked.device.fill(self._away, 0)
        if self._homes:
            asked.launch(
                "home_missing", self._homes, plan.job, plan.rack, plan.units, plan.shards,
                self._home_job, self._home_rack, self._home_units, self._homes, self._missing,
                self._away,
            )  # fmt: skip
        asked.launch(
            "leave_places", asked.count, *asked.each, *self._costs, self._home_job,
            self._home_rack, self._missing, self._move_mills, self._homes, self._away, *labels,
            asked.leaves,
        )  # fmt: skip

    def add_to_classes(self, asked: Asked, example: Buffer, classes: int, rows: Buffer) -> None:
        """Add cost and prohibition by kind of rack."""
        racks = self._resident.compiled.num_racks
        asked.launch(
            "class_kinds", classes * racks, example, classes, asked.job, asked.units, *self._costs,
            racks, asked.step, rows,
        )  # fmt: skip

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows) -> None:
        """Subtract what families save where their jobs come home."""
        if self._homes:
            to.launch(
                asked, "add_homes", asked.units, *labels, self._home_start, self._home_rack,
                self._missing, self._move_mills, self._arrays.position_of_rack, to.positions,
                to.rows,
            )  # fmt: skip

    def overlap(self, asked: Asked, labels: Sequence[Buffer], of: SomeOverlaps) -> None:
        """Add nothing: source and destination are different racks."""
