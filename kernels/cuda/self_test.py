"""A problem small enough to be scored before anything depends on a device."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.cuda.device import Device
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.forms import (
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)


def passes(device: Device) -> bool:
    """Return whether a device scores a problem with all forms as the definition does."""
    compiled = problem()
    shards = Shards.build(_index(0, 0, 1, 2), _index(0, 1, 1, 0), _ints(3, 2, 1, 4))
    plan = PlanScore(Resident(device, compiled))
    expected = reference.score(compiled, shards)
    return all(plan.score(shards) == expected for _ in range(2))  # the second is a replay


def problem() -> Compiled:
    """Return three jobs and two racks, with every form, nearly every limit of which is broken."""
    kind, group = _index(0, 1), _index(0, 1, 1)
    demand = _ints(7, 9, 2, 3, 5, 4).reshape(3, 2)
    both = Rows.build([{0: 2, 1: 3}, {1: 1}])
    names = ("a", "b")
    forms = (
        LinearLoad("load", "W", 3, kind, demand, both, _ints(1, 2), _ints(60, 5), names, names),
        Packing("bins", kind, demand, group, _ints(4, 8), _ints(1, 1), names),
        GroupCount("count", "rack", both, group, _ints(2, 3), np.array([True, False, True]),
                   names, names),
        GroupPresence("presence", "rack", kind, group, np.eye(2, dtype=bool), _ints(1, 1),
                      _ints(0, 1), _ints(11, 13), names, names),
        AssignmentCost("cost", kind, demand, demand > 5, _ints(100, 50, 20), _ints(8, 0, 1), 5,
                       _index(0, 2), _index(1, 1), _ints(4, 1), _ints(6, 2)),
    )  # fmt: skip
    units = Units(_ints(6, 1, 1), _ints(6, 2, 3), _ints(6, 2, 2), _ints(1, 0, 0))
    return Compiled(("x", "y", "z"), ("r", "s"), units, forms)


def _ints(*values: int) -> Ints:
    return np.array(values, np.int64)


def _index(*values: int) -> Index:
    return np.array(values, np.int32)
