"""The sweep row by row: every rack for one candidate after the other, nothing shared.

Right for every problem, and what the fast sweep is compared with; time in proportion to
candidates x entries of all rows.
"""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates, Destinations
from kernels.forms import NONE, Compiled, Index, Ints, Shards
from kernels.linear_table import LinearTable
from kernels.parts.changes import Changes
from kernels.parts.survival import RiskDomains
from kernels.sweep.plan_state import PlanState


def sweep(
    compiled: Compiled,
    shards: Shards,
    candidates: Candidates,
    top: int = 1,
    rank: Ints | Index | None = None,
) -> Destinations:
    """Return the best `top` racks of every candidate; ties go to the smaller ``rank[rack]``."""
    state = PlanState(
        compiled, LinearTable(compiled), RiskDomains.build(compiled), shards, candidates
    )
    order = np.arange(compiled.num_racks) if rank is None else rank
    leaving = state.leaving()  # (3, N)
    racks = np.full((len(candidates), top), NONE, np.int32)
    changes = np.zeros((3, len(candidates), top), np.int64)
    for n in range(len(candidates)):
        row = leaving[:, n, None] + entering(state, n)
        ranked = np.lexsort((order, -row[2], row[1], row[0]))
        best = ranked[ranked != candidates.source[n]][:top]
        racks[n, : len(best)] = best
        changes[:, n, : len(best)] = row[:, best]
    return Destinations(racks, *changes)


def entering(state: PlanState, n: int) -> Ints:
    """Return what candidate n adds on each rack once it has left its own, (3, R).

    The number at its own rack means nothing.
    """
    candidates = state.candidates
    job, source, units = (
        int(column[n]) for column in (candidates.job, candidates.source, candidates.units)
    )
    parts = [
        state.loads.entering(job, source, units),
        *(part.entering(job, units) for part in state.bins),
        *(part.entering(candidates, n) for part in state.presences),
        *(part.entering(job, units) for part in state.assignments),
    ]
    for part in state.counts:
        if part.limited(candidates)[n]:
            group = int(part.form.group_of_job[job])
            parts.append(Changes(violation=part.entering(group, units, source)))
    if state.survivors[n]:
        survival = state.survival
        at_risk = survival.after_leaving(job, survival.at_risk(job), source, units)
        parts.append(survival.entering(job, at_risk, units, int(state.more[n])))
    total = np.zeros((3, state.compiled.num_racks), np.int64)
    for changes in parts:
        for c in range(3):
            total[c] += changes[c]
    return total
