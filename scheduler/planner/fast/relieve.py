"""Letting a waiting job in where there are slots but a load limit binds, compiled.

Two jobs of the same size change places: a hungry one leaves the racks of the limit, a modest one
comes. Nothing is gained by that alone, so steps that look at profit do not find it.
"""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, UNLIMITED
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.fit import fit
from scheduler.planner.fast.jit import compiled
from scheduler.planner.fast.moves import add, remove

RACKS, SWAPS, PARTNERS = 8, 16, 24  # that are looked at, for one job, rack and swap


@compiled
def relieve(b: Board) -> None:
    """Choose a waiting job and a rack with slots for it, and swap others until it fits."""
    if not b.waiting[-1]:
        return
    job = b.waiting[np.random.randint(b.waiting[-1])]
    keeper = b.job[job, c.OWNER]
    if b.job[job, c.WANT] != 1 or not b.open[keeper, -1]:
        return
    for _ in range(RACKS):
        rack = b.open[keeper, np.random.randint(b.open[keeper, -1])]
        if has_slots(b, job, rack):
            make_room(b, job, rack)
            return


@compiled
def has_slots(b: Board, job: int, rack: int) -> bool:
    """Whether a unit would fit but for loads."""
    if b.cost[job, b.rack[rack, c.COST_KIND]] == UNLIMITED:
        return False
    return bool(b.rack[rack, c.FREE] >= b.size[job, b.rack[rack, c.SIZE_KIND]])


@compiled
def make_room(b: Board, job: int, rack: int) -> None:
    """Swap jobs until `job` fits on `rack`, then place it."""
    for _ in range(SWAPS):
        entry = binding(b, job, rack)
        if entry == NONE:
            if fit(b, job, rack) >= 1:
                add(b, job, rack, 1)
            return
        row, demand = b.limit[entry, c.ROW], b.limit[entry, c.DEMAND]
        block = b.rack[rack, c.BLOCK]
        near = b.block[np.random.randint(b.block[block], b.block[block + 1])]
        hungry = some_job(b, near if weighs(b, near, row) else rack)
        if hungry == NONE:
            continue
        modest = partner(b, hungry, row, demand)
        if modest != NONE:
            swap(b, hungry, modest)


@compiled
def binding(b: Board, job: int, rack: int) -> int:
    """Return a limit of the rack that keeps a unit out, NONE if none does."""
    for entry in range(b.rack[rack, c.LIMITS], b.rack[rack + 1, c.LIMITS]):
        need = b.limit[entry, c.WEIGHT] * b.demand[job, b.limit[entry, c.DEMAND]]
        if need > b.slack[b.limit[entry, c.ROW]]:
            return entry
    return NONE


@compiled
def weighs(b: Board, rack: int, row: int) -> bool:
    """Whether a limit counts what lies on a rack."""
    for entry in range(b.rack[rack, c.LIMITS], b.rack[rack + 1, c.LIMITS]):
        if b.limit[entry, c.ROW] == row:
            return True
    return False


@compiled
def some_job(b: Board, rack: int) -> int:
    """Return a job that lies on a rack alone, NONE if none was found."""
    shard, chosen, count = b.rack[rack, c.FIRST_ON_RACK], NONE, 0
    while shard != NONE:
        job = b.shard[shard, c.JOB]
        if b.job[job, c.MOVABLE] and b.shard[b.job[job, c.FIRST_SHARD], c.NEXT_OF_JOB] == NONE:
            count += 1
            if np.random.randint(count) == 0:
                chosen = job
        shard = b.shard[shard, c.NEXT_ON_RACK]
    return chosen


@compiled
def partner(b: Board, hungry: int, row: int, demand: int) -> int:
    """Return a job that draws less and lies where the limit does not count, NONE if none is."""
    for _ in range(PARTNERS):
        other = np.random.randint(len(b.job))
        draws_less = b.demand[other, demand] < b.demand[hungry, demand]
        if draws_less and may_swap(b, hungry, other):
            if weighs(b, b.shard[b.job[other, c.FIRST_SHARD], c.RACK], row):
                continue
            return other
    return NONE


@compiled
def may_swap(b: Board, one: int, other: int) -> bool:
    """Whether another job lies on one rack as well, is as large and has the same owner."""
    first = b.job[other, c.FIRST_SHARD]
    if first == NONE or b.shard[first, c.NEXT_OF_JOB] != NONE or not b.job[other, c.MOVABLE]:
        return False
    if b.job[one, c.SLOTS] != b.job[other, c.SLOTS]:
        return False
    return bool(b.job[one, c.OWNER] == b.job[other, c.OWNER])


@compiled
def swap(b: Board, one: int, other: int) -> None:
    """Let two jobs change places, unless that breaks a limit or costs something."""
    here = b.shard[b.job[one, c.FIRST_SHARD], c.RACK]
    there = b.shard[b.job[other, c.FIRST_SHARD], c.RACK]
    before, units, others = b.tally[c.PROFIT], b.job[one, c.TOTAL], b.job[other, c.TOTAL]
    remove(b, one)
    remove(b, other)
    if fit(b, one, there) >= units:
        add(b, one, there, units)
        if fit(b, other, here) >= others:
            add(b, other, here, others)
            if b.tally[c.PROFIT] >= before:
                return
            remove(b, other)
        remove(b, one)
    add(b, one, here, units)
    add(b, other, there, others)
