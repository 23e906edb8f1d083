"""Steps of ruin and recreate, compiled; begin with `begin`, go on with `take_steps`."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.choose import choose
from scheduler.planner.fast.desk import BEST, KEPT, OLD, Desk
from scheduler.planner.fast.jit import compiled, inlined
from scheduler.planner.fast.kick import kick
from scheduler.planner.fast.moves import put, remove
from scheduler.planner.fast.recreate import recreate
from scheduler.planner.fast.relieve import relieve

MOST_WAITING = 40  # jobs from outside that one step tries to place
RIVALS = 1  # others that each of them is compared with: the one of the highest merit is tried
KEENNESS, KEENNESS_NOISE = -0.1, 0.4  # of groups to open domains: mean and spread of its logarithm


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
        relieve(b)
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


@inlined
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
        job = b.waiting[n] if few else draw(b, waiting)
        if b.job[job, c.MARK] != number:
            b.job[job, c.MARK] = number
            d.listed[count] = job
            count += 1
    recreate(b, d, count, np.exp(KEENNESS + KEENNESS_NOISE * np.random.normal()))
    if b.tally[c.PROFIT] - before < -tolerated:
        for n in range(count):
            remove(b, d.listed[n])
        put(b, d.plan[OLD], 0, d.length[OLD])


@inlined
def draw(b: Board, waiting: int) -> int:
    """Return a job that waits, rather one that is worth its room."""
    job = b.waiting[np.random.randint(waiting)]
    for _ in range(RIVALS):
        rival = b.waiting[np.random.randint(waiting)]
        if b.job[rival, c.MERIT] > b.job[job, c.MERIT]:
            job = rival
    return int(job)
