"""Placing jobs one after another, in one of several orders, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.desk import Desk
from scheduler.planner.fast.jit import compiled
from scheduler.planner.fast.place import NEVER, place

NOISE = 0.25  # of the logarithm of a job's rank
BY_MERIT = 0.5  # share of the steps that go by merit, where it is known


@compiled
def recreate(b: Board, d: Desk, count: int, keenness: float) -> None:
    """Place listed jobs in one of several orders, with noise."""
    kind, demand = np.random.randint(5), np.random.randint(b.demand.shape[1])
    if b.tally[c.IS_PRICED] and np.random.random() < BY_MERIT:
        kind = 5
    for n in range(count):
        job = d.listed[n]
        noise = np.exp(NOISE * np.random.normal())
        if kind == 0:
            d.key[n] = -b.job[job, c.DENSITY] * noise
        elif kind == 1:
            d.key[n] = -b.job[job, c.SLOTS] * noise
        elif kind == 2:
            d.key[n] = -b.job[job, c.SLOTS] * noise - 1e9 * b.job[job, c.KEEPS]
        elif kind == 3:
            d.key[n] = -b.job[job, c.VALUE] * noise / max(1, b.demand[job, demand])
        elif kind == 5:
            d.key[n] = -b.job[job, c.MERIT] * noise
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
