"""From a goal to plans: first plans of every way, a search near the running plan, a free one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernels.score import Score
from scheduler.model import Plan, Problem
from scheduler.questions.release.changed import moves_alone
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import changes
from scheduler.questions.release.refill import Rank, rank_of, refilled
from scheduler.questions.release.stages import MOVE_MILLS, Clock, Solver
from scheduler.questions.release.task import Task, with_held_placed
from scheduler.questions.release.tasks import tasks
from scheduler.solve import Solution

NEAR_SHARE, FREELY_SHARE, MOVES_SHARE = 0.4, 0.6, 0.6  # of the time that is left before each
REFILL_SHARE = 0.5  # of the time of a search near the running plan, at most
MOST_SEARCHES = 2  # ways that are searched near the running plan, the best first plans first
SMALL_RACKS = 48  # sites of so few racks are solved exactly at once, without a search nearby
MOVES_FIRST_MILLS = 10_000_000  # of a GPU: more than any work earns in an hour

View = Callable[[Problem], Problem]


@dataclass(frozen=True)
class Found:
    """What a search found: the best plan, and one with as few moves as possible."""

    task: Task
    solution: Solution
    few_task: Task
    few: Solution | None  # its money is moves alone; None if there was no time for it
    least_gpus: int  # that leave in any plan, counted


@dataclass(frozen=True)
class Search:
    """The search for one goal.

    Attributes
    ----------
    run, before
        What runs, without what the goal ends.
    """

    run: Problem
    before: Plan
    goal: Goal
    move_mills: int
    solver: Solver

    def best(self, clock: Clock) -> Found | None:
        """Return the best that is found in time; None if the whole site is not enough."""
        ways, least_gpus = tasks(self.run, self.before, self.goal, self.move_mills)
        if not ways:
            return None
        task, start = self._nearby(ways, clock)
        solution = self.solver.freely(task.problem, start, clock.share_s(FREELY_SHARE))
        if clock.left_s() <= 0 and len(self.run.site.racks) > SMALL_RACKS:
            return Found(task, solution, task, None, least_gpus)
        way, few = self._few_moves(task, solution, clock)
        if rank_of(way.problem, few.plan) < rank_of(task.problem, solution.plan):
            task, solution = way, self.solver.freely(way.problem, few.plan, clock.share_s(1.0))
        return Found(task, solution, way, few, least_gpus)

    def _nearby(self, ways: list[Task], clock: Clock) -> tuple[Task, Plan]:
        """Return the way whose search near the running plan ends best, and its plan."""
        if len(ways) == 1 and len(self.run.site.racks) <= SMALL_RACKS:
            return ways[0], self._held(ways[0], ways[0].start)
        limit_s = clock.share_s(NEAR_SHARE)
        begun = self._ranked(ways, self.move_mills, REFILL_SHARE * limit_s, _as_it_is)
        found: list[tuple[Score, Task, Plan]] = []
        for _, task, start in begun[:MOST_SEARCHES]:
            touched = {change.job for change in changes(self.before, start)}
            begin = self._held(task, start) if task.near is task.problem else start
            near_s = (1 - REFILL_SHARE) * limit_s / min(len(begun), MOST_SEARCHES)
            near = self.solver.near(task.near, begin, task.free | touched, near_s)
            found.append((near.score, task, near.plan))
        _, task, plan = min(found, key=lambda each: each[0])
        return task, plan if task.near is task.problem else self._held(task, plan)

    def _ranked(
        self, ways: list[Task], move_mills: int, limit_s: float, seen_as: View
    ) -> list[tuple[Rank, Task, Plan]]:
        """Return first plans of all ways, the best first, their problems seen in a certain way."""
        begun = []
        for task in ways:
            start = task.start
            if task.refill:
                share_s = limit_s / len(ways)
                start = refilled(task.near, start, move_mills, share_s, seen_as)
            begun.append((rank_of(seen_as(task.near), start), task, start))
        return sorted(begun, key=lambda each: each[0])

    def _held(self, task: Task, plan: Plan) -> Plan:
        return with_held_placed(task, plan, self.goal)

    def _few_moves(self, task: Task, solution: Solution, clock: Clock) -> tuple[Task, Solution]:
        """Return the other end of the trade: a plan with as few moves as possible, and its bound.

        The search begins with the better of the answer and a plan made for few moves alone.
        """
        limit_s = REFILL_SHARE * clock.share_s(MOVES_SHARE)
        begun = [(self._moves_rank(task, solution.plan), 0, task, solution.plan)]
        others, _ = tasks(self.run, self.before, self.goal, MOVES_FIRST_MILLS)
        for _, other, start in self._ranked(others, MOVES_FIRST_MILLS, limit_s, _moves_alone)[:1]:
            plan, way = self._held(other, start), task if task.bounds_all else other
            begun.append((self._moves_rank(way, plan), 1, way, plan))
        _, _, way, start = min(begun, key=lambda each: each[:2])
        return way, self.solver.fewest_moves(way.problem, start, clock.share_s(MOVES_SHARE))

    def _moves_rank(self, task: Task, plan: Plan) -> Rank:
        return rank_of(_moves_alone(task.problem), plan)


def _as_it_is(problem: Problem) -> Problem:
    return problem


def _moves_alone(problem: Problem) -> Problem:
    return moves_alone(problem, MOVE_MILLS)
