"""Steps of ruin and recreate, and kicks, compiled; begin with `begin`, go on with `take_steps`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Ints
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.desk import BEST, KEPT, OLD, Desk
from scheduler.planner.fast.jit import compiled
from scheduler.planner.fast.moves import put, remove
from scheduler.planner.fast.place import NEVER, place

MOST_RUINED = 120  # jobs that one step takes away
MOST_WAITING = 40  # jobs from outside that one step tries to place
NOISE = 0.25  # of the logarithm of a job's rank


@compiled
def begin(b: Board, d: Desk, seed: int) -> None:
    """Begin a search with the plan on the board."""
    np.random.seed(seed)
    b.tally[c.STEP] = 0
    b.tally[c.BEST_PROFIT] = b.tally[c.KEPT_PROFIT] = b.tally[c.PROFIT]
    copy_plan(b, d, BEST)
    copy_plan(b, d, KEPT)


@compiled
def take_steps(b: Board, d: Desk, steps: int, period: int, tolerance: float) -> None:
    """Go on for some steps; the best plan is on the desk afterwards.

    Within a period of steps ever smaller losses are tolerated. Then what is worse than a period
    ago is undone, and a kick begins the next one.
    """
    for _ in range(steps):
        left = 1 - (b.tally[c.STEP] % period) / period
        b.tally[c.STEP] += 1
        take_step(b, d, b.tally[c.STEP], tolerance * left * left)
        if b.tally[c.PROFIT] > b.tally[c.BEST_PROFIT]:
            b.tally[c.BEST_PROFIT] = b.tally[c.PROFIT]
            copy_plan(b, d, BEST)
        if b.tally[c.STEP] % period == 0:
            if b.tally[c.PROFIT] < b.tally[c.KEPT_PROFIT]:
                bring_back(b, d)
            b.tally[c.KEPT_PROFIT] = b.tally[c.PROFIT]
            copy_plan(b, d, KEPT)
            kick(b, d)


@compiled
def bring_back(b: Board, d: Desk) -> None:
    """Put the kept plan on the board again."""
    for job in range(len(b.job)):
        remove(b, job)
    put(b, d.plan[KEPT], 0, d.length[KEPT])


@compiled
def copy_plan(b: Board, d: Desk, which: int) -> None:
    """Copy the plan on the board."""
    d.length[which] = 0
    for job in range(len(b.job)):
        copy_job(b, d, which, job)


@compiled
def copy_job(b: Board, d: Desk, which: int, job: int) -> None:
    """Copy the shards of a job."""
    shard, count = b.job[job, c.FIRST_SHARD], d.length[which]
    while shard != NONE:
        d.plan[which, 0, count] = job
        d.plan[which, 1, count] = b.shard[shard, c.RACK]
        d.plan[which, 2, count] = b.shard[shard, c.UNITS]
        count += 1
        shard = b.shard[shard, c.NEXT_OF_JOB]
    d.length[which] = count


@compiled
def take_step(b: Board, d: Desk, number: int, tolerated: float) -> None:
    """Ruin, recreate, and undo if too much is lost."""
    before = b.tally[c.PROFIT]
    count = choose(b, d, number)
    d.length[OLD] = 0
    for n in range(count):
        copy_job(b, d, OLD, d.listed[n])
    for n in range(count):
        remove(b, d.listed[n])
    waiting = b.waiting[-1]
    few = waiting - count <= MOST_WAITING
    for n in range(waiting if few else MOST_WAITING):
        job = b.waiting[n if few else np.random.randint(waiting)]
        if b.job[job, c.MARK] != number:
            b.job[job, c.MARK] = number
            d.listed[count] = job
            count += 1
    recreate(b, d, count, np.exp(-0.1 + 0.4 * np.random.normal()))
    if b.tally[c.PROFIT] - before < -tolerated:
        for n in range(count):
            remove(b, d.listed[n])
        put(b, d.plan[OLD], 0, d.length[OLD])


@compiled
def choose(b: Board, d: Desk, number: int) -> int:
    """List the jobs of some blocks, or of a group and a block, or of a few racks."""
    kind, blocks, count = np.random.random(), len(d.block), 0
    if kind < 0.15:
        block = np.random.randint(blocks)
        for _ in range(np.random.randint(1, 5)):
            at = np.random.randint(b.block[block], b.block[block + 1])
            count = list_rack(b, d, b.block[at], number, count)
        for _ in range(4):
            count = list_job(b, d, np.random.randint(len(b.job)), number, count)
    else:
        many = np.random.randint(1, 4)
        if kind < 0.3:
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


@compiled
def list_rack(b: Board, d: Desk, rack: int, number: int, count: int) -> int:
    """List the jobs on a rack."""
    shard = b.rack[rack, c.FIRST_ON_RACK]
    while shard != NONE:
        count = list_job(b, d, b.shard[shard, c.JOB], number, count)
        shard = b.shard[shard, c.NEXT_ON_RACK]
    return count


@compiled
def list_job(b: Board, d: Desk, job: int, number: int, count: int) -> int:
    """List a job that lies somewhere and may move, unless it is listed or enough are."""
    if not b.job[job, c.MOVABLE] or not b.job[job, c.TOTAL] or b.job[job, c.MARK] == number:
        return count
    if count >= MOST_RUINED:
        return count
    b.job[job, c.MARK] = number
    d.listed[count] = job
    return count + 1


@compiled
def recreate(b: Board, d: Desk, count: int, keenness: float) -> None:
    """Place listed jobs in one of several orders, with noise."""
    kind = np.random.randint(4)
    for n in range(count):
        job = d.listed[n]
        noise = np.exp(NOISE * np.random.normal())
        if kind == 0:
            d.key[n] = -b.job[job, c.DENSITY] * noise
        elif kind == 1:
            d.key[n] = -b.job[job, c.SLOTS] * noise
        elif kind == 2:
            d.key[n] = -b.job[job, c.SLOTS] * noise - 1e9 * b.job[job, c.KEEPS]
        else:
            d.key[n] = -b.job[job, c.DENSITY] * b.job[job, c.SLOTS] * noise
    sort(d.key, d.order, count)
    place_in_order(b, d, count, keenness)


@compiled
def place_in_order(b: Board, d: Desk, count: int, keenness: float) -> None:
    """Place listed jobs in order; what is like a job that failed, and no smaller, is not tried."""
    for n in range(len(d.failed)):
        d.failed[n] = NEVER
    for n in range(count):
        job = d.listed[d.order[n]]
        kin, slots = b.job[job, c.KIN], b.job[job, c.SLOTS]
        if slots < d.failed[kin] and not place(b, d, job, keenness):
            d.failed[kin] = slots


@compiled
def sort(key: NDArray[np.float64], order: Ints, count: int) -> None:
    """Order numbers by their keys, least first (Shell's method: it needs no room)."""
    for n in range(count):
        order[n] = n
    stride = count // 2
    while stride > 0:
        for n in range(stride, count):
            one, at = order[n], n
            while at >= stride and key[order[at - stride]] > key[one]:
                order[at] = order[at - stride]
                at -= stride
            order[at] = one
        stride //= 2


@compiled
def kick(b: Board, d: Desk) -> None:
    """Clear some domains side by side for a group that keeps domains, then fill what is free."""
    if not len(b.owner):
        return
    owner = np.random.randint(len(b.owner))
    form = b.owner[owner, c.FORM]
    if np.random.random() < 0.5:
        for n in range(b.member[owner], b.member[owner + 1]):
            if b.job[b.member[n], c.MOVABLE]:
                remove(b, b.member[n])
    first = np.random.randint(b.form[form, c.DOMAINS])
    last = min(first + np.random.randint(1, 4), b.form[form, c.DOMAINS])
    for domain in range(b.form[form, c.FIRST_DOMAIN] + first, b.form[form, c.FIRST_DOMAIN] + last):
        for n in range(b.domain[domain], b.domain[domain + 1]):
            clear_rack(b, b.domain[n])
    count = 0
    for n in range(b.member[owner], b.member[owner + 1]):
        if b.job[b.member[n], c.MOVABLE] and b.job[b.member[n], c.TOTAL] == 0:
            d.listed[count] = b.member[n]
            count += 1
    recreate(b, d, count, 0.0)
    count = b.waiting[-1]
    for n in range(count):
        d.listed[n] = b.waiting[n]
    recreate(b, d, count, 1.0)


@compiled
def clear_rack(b: Board, rack: int) -> None:
    """Take all movable jobs off a rack."""
    shard = b.rack[rack, c.FIRST_ON_RACK]
    while shard != NONE:
        job = b.shard[shard, c.JOB]
        if b.job[job, c.MOVABLE]:
            remove(b, job)
            shard = b.rack[rack, c.FIRST_ON_RACK]
        else:
            shard = b.shard[shard, c.NEXT_ON_RACK]
