"""Kicks: what no small step does, compiled."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.desk import Desk
from scheduler.planner.fast.jit import compiled
from scheduler.planner.fast.moves import remove
from scheduler.planner.fast.recreate import recreate

ELSEWHERE = 0.5  # share of the kicks that take the group away from where it was
MOST_DOMAINS = 3  # that are cleared


@compiled
def kick(b: Board, d: Desk) -> None:
    """Clear some domains side by side for a group that keeps domains, then fill what is free."""
    if not len(b.owner):
        return
    owner = np.random.randint(len(b.owner))
    form = b.owner[owner, c.FORM]
    if np.random.random() < ELSEWHERE:
        for n in range(b.member[owner], b.member[owner + 1]):
            if b.job[b.member[n], c.MOVABLE]:
                remove(b, b.member[n])
    first = np.random.randint(b.form[form, c.DOMAINS])
    last = min(first + np.random.randint(1, MOST_DOMAINS + 1), b.form[form, c.DOMAINS])
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
