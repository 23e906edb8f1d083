"""How many units of a job a rack still takes, compiled; the counterpart of `State.fit_one`."""

from __future__ import annotations

from kernels.forms import NONE, UNLIMITED
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.jit import inlined


@inlined
def fit(b: Board, job: int, rack: int) -> int:
    """Return the units of `job` that `rack` still takes."""
    if b.cost[job, b.rack[rack, c.COST_KIND]] == UNLIMITED:
        return 0
    slots = b.rack[rack, c.FREE] + b.bins[b.job[job, c.PACKING], rack, c.LEFT]
    left = slots // b.size[job, b.rack[rack, c.SIZE_KIND]]
    left = min(left, b.job[job, c.WANT] - b.job[job, c.TOTAL])
    if left <= 0 or not may_enter(b, job, rack):
        return 0
    for entry in range(b.rack[rack, c.LIMITS], b.rack[rack + 1, c.LIMITS]):
        need = b.limit[entry, c.WEIGHT] * b.demand[job, b.limit[entry, c.DEMAND]]
        slack = b.slack[b.limit[entry, c.ROW]]
        if need > 0 and need * left > slack:
            left = slack // need
    most: int = min(left, fit_counts(b, job, rack))
    return max(0, most)


@inlined
def may_enter(b: Board, job: int, rack: int) -> bool:
    """Whether who is there, and how far the job's groups lie apart, let `job` onto `rack`."""
    for p in range(len(b.form)):
        group, domain = b.group_of_job[job, p], b.domain_of_rack[rack, p]
        if group != NONE and domain != NONE:
            cell = b.form[p, c.FIRST_CELL] + domain * b.form[p, c.GROUPS] + group
            number = b.form[p, c.FIRST_GROUP] + group
            if b.cell[cell, c.INSIDE] > 0:
                continue
            if b.group[number, c.SPREAD] >= b.group[number, c.MOST_DOMAINS]:
                return False
            company = b.company[b.form[p, c.FIRST_DOMAIN] + domain]
            if company[c.ALL if b.group[number, c.IS_LONER] else c.LONERS] > 0:
                return False
            if b.cell[cell, c.FOES] > 0:
                return False
    return True


@inlined
def fit_counts(b: Board, job: int, rack: int) -> int:
    """Return the units of `job` that limits of units per domain leave to `rack`."""
    left, racks = UNLIMITED, len(b.rack) - 1
    for n in range(len(b.count_of_job)):
        cell = b.count_of_job[n, job]
        if cell != NONE:
            for k in range(b.count_domain[n * racks + rack], b.count_domain[n * racks + rack + 1]):
                left = min(left, b.count_left[cell + b.count_domain[k]])
    return left
