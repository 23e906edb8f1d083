"""Proving how much any plan can earn, while plans get better: the bound's way through a search."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Shards
from scheduler.planner.answer import Answer, Layout, lay_out
from scheduler.planner.bound import Bounding
from scheduler.planner.course import Course
from scheduler.planner.engine import Beside, Engine, Task
from scheduler.planner.guide import Guide

BOUND_SHARE = 0.35  # of the time left, at most, for what nothing is done beside
BESIDE_SHARE = 0.95  # of the time left, at most, for a program that is solved beside rounds
GRACE_S = 1.0  # that a solver may take longer than it was told


@dataclass
class Proving:
    """Relaxations first, then programs that a worker solves while others improve the plan."""

    course: Course
    bounding: Bounding | None = None
    beside: Beside | None = None  # the program that is being solved

    @property
    def profit(self) -> NDArray[np.float64] | None:
        """What each job earns beyond the room that it takes, (J,), once that is known."""
        return None if self.bounding is None else self.bounding.profit

    def begin(self, engine: Engine, seed: int) -> None:
        """Bound by relaxations; what limits are worth comes with it."""
        course = self.course
        if course.out_of_time() or course.best.is_optimal:
            return
        with course.during("bound"):
            self.bounding = Bounding(
                course.compiled,
                best=course.best.shards,
                met_all=course.best.score.unmet_firm_gpus == 0,
                engine=engine,
                time_limit_s=course.left_s() * BOUND_SHARE,
                seed=seed,
                stopped=course.tick,
            )
            self.bounding.begin()
            self._learn(self.bounding)

    def guides(self, count: int) -> list[Guide]:
        """Return plans in outline that the relaxations would take, if there are any."""
        return [] if self.bounding is None else self.bounding.guides(count)

    def go_on(self, engine: Engine) -> None:
        """Learn from a program that has been solved, and have the next one solved."""
        course, bounding = self.course, self.bounding
        if bounding is None or (self.beside is not None and not self.beside.ended):
            return
        if self.beside is not None:
            answer = bounding.take(self.beside.result)
            self.beside = None
            self._learn(bounding)
            if answer is not None:
                self._lay_out(engine, answer, bounding.seed)
        share = BOUND_SHARE if engine.workers == 1 else BESIDE_SHARE
        task = bounding.next(share * course.left_s() - GRACE_S)
        if task is not None and not course.best.is_optimal:
            self.beside = engine.begin(task, deadline=course.deadline(), stopped=course.tick)
            if self.beside.ended:  # there is nobody else to solve it
                self.go_on(engine)

    def _lay_out(self, engine: Engine, answer: Answer, seed: int) -> None:
        """Have every worker follow what a program has decided, each in another order."""
        course = self.course
        with course.during("answer"):
            until = time.time() + course.left_s()
            layouts = [Layout(answer, seed + n, until) for n in range(engine.workers)]
            tasks = [Task(lay_out, layout) for layout in layouts]
            for plan in engine.run(tasks, deadline=course.deadline(), stopped=course.tick):
                if isinstance(plan, Shards):
                    course.offer(plan)

    def wait(self, engine: Engine) -> None:
        """Wait for what is being solved, unless the plan is proven anyway."""
        course = self.course
        with course.during("bound"):
            while self.beside is not None and not course.best.is_optimal:
                if course.out_of_time():
                    break
                engine.finish(self.beside, deadline=course.deadline(), stopped=course.tick)
                self.go_on(engine)

    def account(self) -> None:
        """Say where bound and margin differ, if the bound is the one that knows."""
        best = self.course.best
        if self.bounding is not None:
            bounded = self.bounding.bounded()
            if best.bound_mills == bounded.proof.bound_mills:
                self.course.best = replace(best, gap_parts=bounded.gap_parts(best.shards))

    def _learn(self, bounding: Bounding) -> None:
        proof = bounding.bounded().proof
        self.course.tighten(proof.bound_mills, proof.by, proof.prices)
