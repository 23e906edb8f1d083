"""What the baselines that solve integer programs share: size, obligations, and the way back."""

from __future__ import annotations

import numpy as np

from benchmarks.baselines.work_order import firm_gpus
from kernels import reference
from kernels.forms import AssignmentCost, Compiled, Ints, Shards
from scheduler.planner.lowering import Lowered
from scheduler.planner.program import Arrays


def num_placements(compiled: Compiled) -> int:
    """Number of (job, rack) pairs that no form forbids: the variables of a monolithic program."""
    costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
    total = 0
    for job in range(compiled.num_jobs):  # one job at a time: all at once is gigabytes
        allowed = np.ones(compiled.num_racks, bool)
        for form in costs:
            allowed &= form.allowed[job, form.kind_of_rack]
        total += int(allowed.sum())
    return total


def keeping_obligations(lowered: Lowered, compiled: Compiled, hint: Shards) -> Arrays:
    """Return the program in which at least as many firm obligations are met as in the hint."""
    met = int(firm_gpus(compiled) @ reference.counted(compiled, hint))
    if met <= 0:
        return lowered.arrays
    columns = np.flatnonzero(lowered.firm)
    return lowered.arrays.with_row(columns, lowered.firm[columns], met)


def shards_of(lowered: Lowered, x: Ints) -> Shards:
    """Return the plan of a solution in which every rack is a class of its own."""
    units = x[lowered.column]
    placed = np.flatnonzero(units)
    racks = np.array([members[0] for members in lowered.classes.members], np.int32)
    return Shards.build(lowered.job[placed], racks[lowered.rack_class[placed]], units[placed])
