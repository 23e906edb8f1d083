"""Plans along the bound: first what its relaxation says, then the same with some changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Shards
from scheduler.planner.course import Course
from scheduler.planner.guide import Guide
from scheduler.planner.placing import Placer
from scheduler.planner.starts import Start, guided
from scheduler.planner.trail import Followed, Trail

FOLLOW_SHARE = 0.15  # of the time left, at most
NOTHING = -(2**62)  # margin of no plan

Build = Callable[[list[Start]], list[Shards | None]]
Offer = Callable[[list[Shards | None]], Shards | None]


@dataclass
class GuidedPlans:
    """Builds plans from guides, then changes the best guide, each part of a large site its own."""

    course: Course
    placer: Placer
    seed: int
    profit: NDArray[np.float64]  # (J,) of whole jobs, beyond the room that they take
    build: Build
    offer: Offer

    def run(self, guides: list[Guide]) -> None:
        """Follow the guides; then go on from the best one while there is time."""
        if not guides:
            return
        deadline, began = self.course.deadline(FOLLOW_SHARE), time.monotonic()
        trails = self._best_trails(guides)
        each = max(1, len(guides) // len(trails))
        while True:
            spent_s = time.monotonic() - began
            if time.monotonic() + spent_s > deadline:
                return
            began = time.monotonic()
            tries = [(trail, way) for trail in trails for way in islice(trail.changes(), each)]
            if not tries:
                return
            for (trail, _), way in zip(tries, self._followed(tries), strict=True):
                trail.take(way)
            self.offer([trail.best.plan for trail in trails])

    def _best_trails(self, guides: list[Guide]) -> list[Trail]:
        """Follow each guide; return the trails of all parts along the best."""
        ways = []
        for number, guide in enumerate(guides):
            parts = guided(self.placer, number, self.seed, self.profit, guide)
            first = Followed(guide, number)
            ways.append(
                [
                    Trail(self.placer, self.profit, self.seed, part, first, len(guides))
                    for part in parts
                ]
            )
        tries = [(trail, trail.best) for trails in ways for trail in trails]
        for (trail, _), way in zip(tries, self._followed(tries), strict=True):
            trail.best = way
        for trails in ways:
            self.offer([trail.best.plan for trail in trails])
        return max(ways, key=lambda trails: sum(trail.best.margin_mills for trail in trails))

    def _followed(self, tries: Sequence[tuple[Trail, Followed]]) -> list[Followed]:
        """Build what is to be tried."""
        plans = self.build([trail.start(way) for trail, way in tries])
        return [
            replace(way, plan=plan, margin_mills=self._margin(plan))
            for (_, way), plan in zip(tries, plans, strict=True)
        ]

    def _margin(self, plan: Shards | None) -> int:
        return NOTHING if plan is None else self.course.score(plan).margin_mills
