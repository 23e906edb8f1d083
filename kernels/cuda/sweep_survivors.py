"""Totals and units that survive a failure, in a sweep on a device."""

from __future__ import annotations

from collections.abc import Sequence

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import WARP, Asked, SomeOverlaps, SomeRows
from kernels.cuda.sweep_layout import LayoutArrays
from kernels.parts.survival import worth_of_units


class SweepSurvivors:
    """Totals of jobs, and jobs that must survive.

    Labels of a survivor are its job, its worst domain once the candidate has left, and the far
    domains of its source.
    """

    columns = 3

    def __init__(self, resident: Resident, plan: PlanScore, arrays: LayoutArrays) -> None:
        self._plan, self._risk, self._arrays = plan, plan.risk, arrays
        self._units = resident.units
        self._worth = tuple(map(resident.put, worth_of_units(resident.compiled)))
        sizes = resident.domains.size
        self._is_near = arrays.near_flags(resident, sizes)
        self._some_far = int((~arrays.layout.is_near(sizes)).any())
        self._domains = (plan.risk.start, plan.risk.domain, plan.risk.domains)
        self._limits = (self._units["counted_most"], self._units["held_back"])

    def leave(self, asked: Asked, labels: Sequence[Buffer]) -> None:
        """Add what larger totals change; survivors count once their destination is known."""
        plan, risk, arrays = self._plan, self._risk, self._arrays
        asked.launch(
            "grow_jobs", asked.count, *asked.each, risk.group_of_job, plan.total,
            self._units["least"], self._units["most"], *self._limits, *self._worth, asked.leaves,
        )  # fmt: skip
        asked.launch(
            "leave_survivors", asked.count * WARP, *asked.each, risk.group_of_job, plan.at_risk,
            plan.risk_counts, *self._domains, arrays.signature_of_rack, self._some_far, *labels,
        )  # fmt: skip

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows) -> None:
        """Add what counts more or less of survivors, far from their sources."""
        if not self._risk.groups:
            return
        plan = self._plan
        to.launch(
            asked, "add_survivors", asked.job, asked.source, asked.units, *labels[:2],
            plan.at_risk, plan.risk_counts, self._is_near, *self._domains, plan.total,
            plan.counted, *self._limits, *self._worth, asked.unmet_step, to.rack_at, to.positions,
            to.rows,
        )  # fmt: skip

    def overlap(self, asked: Asked, labels: Sequence[Buffer], of: SomeOverlaps) -> None:
        """Correct it near the source, where units leave a domain that the destination is in."""
        if not self._risk.groups:
            return
        plan, arrays = self._plan, self._arrays
        of.launch(
            asked, "overlap_survivors", asked.job, asked.source, asked.units, *labels[:2],
            plan.at_risk, plan.risk_counts, self._is_near, *self._domains, plan.total,
            *self._limits, *self._worth, asked.unmet_step, arrays.cell_of_rack,
            arrays.racks_of_cell, arrays.width, of.near_by, of.has_near,
        )  # fmt: skip
