"""Plans from nothing, built by all workers: in several orders, along the bound, and anew."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from kernels.forms import Shards
from scheduler.planner.course import Course
from scheduler.planner.engine import Engine, Task
from scheduler.planner.guided_plans import GuidedPlans
from scheduler.planner.improve.regions import SETTLED_RACKS
from scheduler.planner.placing import Placer
from scheduler.planner.proving import Proving
from scheduler.planner.restrict import joined
from scheduler.planner.resume import kept
from scheduler.planner.starts import (
    ORDERS,
    SETTLE_STEPS,
    Start,
    build,
    by_profit,
    in_parts,
    ready,
    settle_steps,
)

BUILD_SHARE = 0.12  # of the time, at most, for first plans
FEW_SHARE = 0.03  # the same on a large site where steps go on from what the bound teaches
REBUILD_SHARE = 0.25  # of the time left then, for plans anew
SETTLE_SHARE = 0.5  # the same where steps do almost all and the site is not too large for this
MOST_REBUILT = 40
PROMISING = 0.985  # of the best margin: a plan above it gets chains before it is judged


@dataclass
class FirstPlans:
    """Builds plans; the best one of the course is the best of all."""

    course: Course
    engine: Engine
    placer: Placer
    seed: int
    by_steps: bool  # fast steps may move almost everything that is worth something
    build_s: float = 0.0  # that the last few plans took, built at the same time

    def construct(self) -> None:
        """Build plans in several orders, as many at a time as there are workers."""
        course, workers = self.course, self.engine.workers
        with course.during("construct"):
            # Workers that start up would make the first batch look slow.
            waking = [Task(ready, None)] * workers
            self.engine.run(waking, deadline=course.deadline(BUILD_SHARE), stopped=course.tick)
            few = self.by_steps and not self._is_settled
            deadline = course.deadline(FEW_SHARE if few else BUILD_SHARE)
            waiting = list(ORDERS)
            while waiting and not course.out_of_time():
                if self.build_s and time.monotonic() + self.build_s > deadline:
                    break
                batch, waiting = waiting[:workers], waiting[workers:]
                self._build([in_parts(self.placer, order, self.seed) for order in batch])

    def follow(self, proof: Proving) -> None:
        """Build plans that begin where the bound's relaxation ended, where steps do the rest.

        Where a plan is built and settled in a moment, many by chance find more.
        """
        profit = proof.profit
        if profit is None or not self.by_steps or self.course.out_of_time():
            return
        if settle_steps(self.placer.compiled) >= SETTLE_STEPS:
            return
        with self.course.during("follow"):
            plans = GuidedPlans(self.course, self.placer, self.seed, profit, self._run, self._offer)
            plans.run(proof.guides(self.engine.workers))

    def anew(self, proof: Proving) -> Iterator[Shards]:
        """Build by what jobs earn beyond the room that they take, while there is time.

        Yields plans so close to the best one that chains may make them better, where steps do not.
        """
        profit = proof.profit
        if profit is None or self.course.best.is_optimal:
            return
        deadline, number = self.course.deadline(self._rebuild_share), 0
        while number < MOST_REBUILT and time.monotonic() + self.build_s < deadline:
            began = time.monotonic()
            numbers = range(number, number + self.engine.workers)
            number += self.engine.workers
            proof.go_on(self.engine)
            with self.course.during("rebuild"):
                built = self._build([by_profit(self.placer, n, self.seed, profit) for n in numbers])
            if not self.by_steps:
                yield from (plan for plan in built if plan and self._is_promising(plan))
            self.build_s = time.monotonic() - began

    @property
    def _is_settled(self) -> bool:
        return self.placer.compiled.num_racks <= SETTLED_RACKS

    @property
    def _rebuild_share(self) -> float:
        if not self.by_steps:
            return REBUILD_SHARE
        return SETTLE_SHARE if self._is_settled else 0.0

    def _is_promising(self, shards: Shards) -> bool:
        score, best = self.course.score(shards), self.course.best.score
        meets_as_much = score.key[:2] <= best.key[:2]
        return meets_as_much and score.margin_mills >= PROMISING * best.margin_mills

    def _build(self, starts: list[list[Start]]) -> list[Shards | None]:
        """Build a plan from the parts of each start, None where time was too short for any."""
        began = time.monotonic()
        found = iter(self._run([start for parts in starts for start in parts]))
        self.build_s = time.monotonic() - began  # without the check of a plan that is better
        return [self._offer(list(itertools.islice(found, len(parts)))) for parts in starts]

    def _run(self, starts: list[Start]) -> list[Shards | None]:
        """Build a plan of each part, None where time was too short."""
        course = self.course
        tasks = [Task(build, start) for start in starts]
        found = self.engine.run(tasks, deadline=course.deadline(), stopped=course.tick)
        return [plan if isinstance(plan, Shards) else None for plan in found]

    def _offer(self, parts: list[Shards | None]) -> Shards | None:
        """Return the plan of all parts, and keep it if it is better than the best."""
        built = [plan for plan in parts if plan is not None]
        if not built:
            return None
        whole = joined(*built)
        if self.course.score(whole).violation:  # parts together may break what they share
            whole, _ = kept(self.placer.ground, whole)
        self.course.offer(whole)
        return whole
