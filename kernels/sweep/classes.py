"""Job types: jobs that draw, fit and cost alike wherever they lie."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, AssignmentCost, Compiled, Ints, Packing
from kernels.linear_table import LinearTable
from kernels.parts.changes import Changes, Packing3
from kernels.parts.expand import merged
from kernels.sweep.plan_state import PlanState


def job_types(compiled: Compiled, table: LinearTable) -> Ints:
    """Number the jobs by all that forms say of one unit, groups and value aside, (J,)."""
    columns: list[Ints] = [table.demand[q, :, k] for q, k in np.ndindex(*table.demand.shape[::2])]
    for form in compiled.forms:
        if isinstance(form, Packing):
            columns += [*form.size.T, (form.group_of_job != NONE).astype(np.int64)]
        elif isinstance(form, AssignmentCost):
            columns += [*form.cost_mills.T, *form.allowed.T.astype(np.int64)]
    none = np.zeros(compiled.num_jobs, np.int64)
    return merged([none, *columns])[1]


def class_row(state: PlanState, packing: Packing3, job: int, units: int) -> Ints:
    """Return what units of any job of this type add on each rack, packed, (R,).

    As if they came from nowhere, to racks without their group: what groups, sources and homes
    change comes on top.
    """
    violation = state.loads.entering_anywhere(job, units)
    for bins in state.bins:
        violation = violation + bins.entering_empty(job, units)
    row = packing.pack(Changes(violation=violation))
    for assignment in state.assignments:
        by_kind = packing.pack(assignment.entering_kind(job, units))
        row += by_kind[assignment.form.kind_of_rack]
    return row
