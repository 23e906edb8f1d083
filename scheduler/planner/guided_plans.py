"""Plans along the bound: first what its relaxation says, then with large jobs that it leaves open.

To the relaxation, a large job that anybody's racks may take is worth about its room: part of it
is in. Whole it is in or out, which decides much else, and which is better shows in plans alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Compiled, Ints, Shards
from scheduler.planner.course import Course
from scheduler.planner.guide import Guide
from scheduler.planner.placing import Placer
from scheduler.planner.starts import Start, guided

FOLLOW_SHARE = 0.15  # of the time left, at most
LARGE = 1 / 500  # of all slots: a job that takes more is large
MOST_PLANS = 12  # along one guide, all but the first two with noise
PATIENCE = 0.1  # share of its worth that a large job may lose at the prices of the relaxation
NOTHING = -(2**62)  # margin of no plan

Build = Callable[[list[list[Start]]], list[Shards | None]]


@dataclass
class GuidedPlans:
    """Builds plans from guides, as many at once as there are guides."""

    course: Course
    placer: Placer
    seed: int
    profit: NDArray[np.float64]  # (J,) of whole jobs, beyond the room that they take
    build: Build

    def run(self, guides: list[Guide]) -> None:
        """Follow the guides; then insist on large jobs without a place, some at a time."""
        if not guides:
            return
        deadline, began = self.course.deadline(FOLLOW_SHARE), time.monotonic()
        numbered = list(enumerate(guides))
        plans = self._built(numbered)
        spent_s = time.monotonic() - began
        margins = [self._margin(plan) for plan in plans]
        at = int(np.argmax(margins))
        plan, best, (number, guide) = plans[at], margins[at], numbered[at]
        if plan is None:
            return
        untried = large_waiting(self.placer, self.profit, plan)
        while len(untried) and time.monotonic() + spent_s < deadline:
            jobs, untried = np.split(untried, [min(len(guides), len(untried))])
            tries = [(number, guide.insisting(job)) for job in jobs.tolist()]
            margins = [self._margin(plan) for plan in self._built(tries)]
            at = int(np.argmax(margins))
            if margins[at] > best:
                best, (_, guide) = margins[at], tries[at]
        for first in range(len(guides), MOST_PLANS, len(guides)):
            if time.monotonic() + spent_s > deadline:
                break
            self._built([(first + n, guide) for n in range(len(guides))])

    def _built(self, numbered: list[tuple[int, Guide]]) -> list[Shards | None]:
        """Build a plan for each guide; guides of one number are followed in the same way."""
        return self.build(
            [guided(self.placer, n, self.seed, self.profit, guide) for n, guide in numbered]
        )

    def _margin(self, plan: Shards | None) -> int:
        return NOTHING if plan is None else self.course.score(plan).margin_mills


def large_waiting(placer: Placer, profit: NDArray[np.float64], plan: Shards) -> Ints:
    """Return large jobs that keep nothing to themselves, have no place and may be worth one.

    The largest first: they are the hardest to place later.
    """
    slots, worth = placer.slots, placer.value * placer.want
    large = slots > LARGE * _all_slots(placer.compiled)
    shares = placer.owner.form_of_job == NONE
    may = placer.plain & (worth > 0) & shares & large & (profit > -PATIENCE * worth)
    may[plan.job] = False
    jobs = np.flatnonzero(may)
    return np.asarray(jobs[np.argsort(-slots[jobs], kind="stable")])


def _all_slots(compiled: Compiled) -> int:
    packing = compiled.packing
    return 0 if packing is None else int((packing.bins * packing.bin_size).sum())
