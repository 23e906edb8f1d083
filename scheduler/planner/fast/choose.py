"""Which jobs a step takes away, compiled."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.desk import Desk
from scheduler.planner.fast.jit import compiled, inlined

MOST_RUINED = 120  # jobs
A_FEW_RACKS, A_GROUP = 0.15, 0.15  # shares of the steps; the others empty one to three blocks


@compiled
def choose(b: Board, d: Desk, number: int) -> int:
    """List the jobs of some blocks, or of a group and a block, or of a few racks."""
    kind, blocks, count = np.random.random(), len(d.block), 0
    if kind < A_FEW_RACKS:
        block = np.random.randint(blocks)
        for _ in range(np.random.randint(1, 5)):
            at = np.random.randint(b.block[block], b.block[block + 1])
            count = list_rack(b, d, b.block[at], number, count)
        for _ in range(4):
            count = list_job(b, d, np.random.randint(len(b.job)), number, count)
    else:
        many = np.random.randint(1, 4)
        if kind < A_FEW_RACKS + A_GROUP:
            many = 1
            owner = b.job[np.random.randint(len(b.job)), c.OWNER]
            if owner != NONE:
                for n in range(b.member[owner], b.member[owner + 1]):
                    count = list_job(b, d, b.member[n], number, count)
        for _ in range(many):
            block = np.random.randint(blocks)
            for at in range(b.block[block], b.block[block + 1]):
                count = list_rack(b, d, b.block[at], number, count)
    return count


@inlined
def list_rack(b: Board, d: Desk, rack: int, number: int, count: int) -> int:
    """List the jobs on a rack."""
    shard = b.rack[rack, c.FIRST_ON_RACK]
    while shard != NONE:
        count = list_job(b, d, b.shard[shard, c.JOB], number, count)
        shard = b.shard[shard, c.NEXT_ON_RACK]
    return count


@inlined
def list_job(b: Board, d: Desk, job: int, number: int, count: int) -> int:
    """List a job that lies somewhere and may move, unless it is listed or enough are."""
    if not b.job[job, c.MOVABLE] or not b.job[job, c.TOTAL] or b.job[job, c.MARK] == number:
        return count
    if count >= MOST_RUINED:
        return count
    b.job[job, c.MARK] = number
    d.listed[count] = job
    return count + 1
