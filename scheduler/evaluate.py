"""Between named plans and arrays, and the exact score of a plan."""

from __future__ import annotations

import numpy as np

from kernels.forms import Compiled, Shards
from scheduler.model import Plan


def to_shards(compiled: Compiled, plan: Plan) -> Shards:
    """Return `plan` as arrays. Raises KeyError for a job or rack that is not in the problem."""
    job_index = {name: j for j, name in enumerate(compiled.job_names)}
    rack_index = {name: r for r, name in enumerate(compiled.rack_names)}
    triples = [(job_index[job], rack_index[rack], units) for job, rack, units in plan.shards()]
    columns = np.array(triples, np.int64).reshape(-1, 3).T
    return Shards.build(*columns)


def to_plan(compiled: Compiled, shards: Shards) -> Plan:
    """Return arrays as a plan over names."""
    units: dict[str, dict[str, int]] = {}
    columns = (shards.job.tolist(), shards.rack.tolist(), shards.units.tolist())
    for j, r, count in zip(*columns, strict=True):
        units.setdefault(compiled.job_names[j], {})[compiled.rack_names[r]] = count
    return Plan(units)
