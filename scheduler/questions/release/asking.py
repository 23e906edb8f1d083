"""Answers a release: which work leaves or moves, at which cost, and what is proven about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from kernels.score import Score
from scheduler.check import Verdict, check
from scheduler.model import Level, Plan, Problem
from scheduler.questions.release.answer import Fewest, Release
from scheduler.questions.release.changed import moves_alone, with_move_price
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import changes, free_by_rack, gpus_left, peak_draw_w
from scheduler.questions.release.notice import Ending, ending_of
from scheduler.questions.release.places import racks_of
from scheduler.questions.release.refill import Rank, rank_of, refilled
from scheduler.questions.release.running import running, without_jobs, without_work
from scheduler.questions.release.shortfall import shortfall, within_reach
from scheduler.questions.release.stages import MOVE_MILLS, Clock, Solver, proven_gpus
from scheduler.questions.release.tasks import Task, tasks, with_held_placed
from scheduler.solve import Solution, Watch

NEAR_SHARE, FREELY_SHARE, MOVES_SHARE = 0.4, 0.6, 0.6  # of the time that is left before each
FIRST_SHARE = 0.6  # of the time for all of the goal; the rest if only less can be given back
REFILL_SHARE = 0.5  # of the time of a search near the running plan, at most
MOST_SEARCHES = 2  # ways that are searched near the running plan, the best first plans first
SMALL_RACKS = 48  # sites of so few racks are solved exactly at once, without a search nearby
MOVES_FIRST_MILLS = 10_000_000  # of a GPU: more than any work earns in an hour
TIE_MILLS = 1  # price of a GPU that leaves, where moves are free: fewest moves among equals


View = Callable[[Problem], Problem]


def _as_it_is(problem: Problem) -> Problem:
    return problem


def _moves_alone(problem: Problem) -> Problem:
    return moves_alone(problem, MOVE_MILLS)


class UnreachableError(ValueError):
    """Not even all of the site together is enough for the goal."""


def release(
    problem: Problem,
    plan: Plan,
    goal: Goal,
    *,
    move_mills: int | None = None,
    seed: int = 0,
    time_limit_s: float = 60.0,
    workers: int = 2,
    watch: Watch | None = None,
) -> Release:
    """Give capacity back: obligations are kept, then the goal is met, then the cost is least.

    ``cost = value lost per hour + move_mills * GPUs that leave their racks``, in mills. Only what
    runs may run afterwards, elsewhere or on fewer units. If not all of the goal can be met with
    all obligations kept, the answer gives back what can be and says what is in the way.

    Parameters
    ----------
    problem : Problem
        Site and workload.
    plan : Plan
        What runs now.
    goal : Goal
        One in which `mistakes` finds none.
    move_mills : int, optional
        What a GPU that leaves its rack costs; by default the site's price of a move. With 0 the
        value lost comes first and then the fewest moves: a thousandth of a dollar breaks ties.
    seed, time_limit_s, workers, watch
        As for `solve`; the time is shared by all its calls.

    Raises
    ------
    UnreachableError
        All arrays or halls together are not enough.
    """
    price = problem.site.prices.move_mills_per_gpu if move_mills is None else move_mills
    price = max(TIE_MILLS, price)
    run = with_move_price(running(problem, plan, goal.within_days), price)
    endings = tuple(
        ending_of(contract, goal.within_days)
        for contract in problem.workload.contracts.values()
        if plan.placed_units(contract.name)
    )
    clock = Clock(time_limit_s)
    asking = _Asking(run, plan, goal, price, endings, Solver(seed, workers, watch, clock))
    first = asking.answer(Clock(FIRST_SHARE * time_limit_s))
    less = None if first.met or asking.solver.is_stopped() else within_reach(first)
    if less is None:
        return first
    second = replace(asking, goal=less, asked=first.asked).answer(clock)
    return replace(second, shortfall=tuple(dict.fromkeys((*first.shortfall, *second.shortfall))))


@dataclass(frozen=True)
class _Asking:
    """One goal for what runs now."""

    run: Problem
    plan: Plan
    goal: Goal
    move_mills: int
    endings: tuple[Ending, ...]  # of the contracts that run
    solver: Solver
    asked: int | None = None  # what was asked at first, if the goal has been reduced

    def answer(self, clock: Clock) -> Release:
        """Return the best answer that is found in time."""
        ways, least_gpus = tasks(self._base, self._before, self.goal, self.move_mills)
        if not ways:
            raise UnreachableError(f"the whole site does not give back {self.goal.words}")
        task, start = self._nearby(ways, clock)
        solution = self.solver.freely(task.problem, start, clock.share_s(FREELY_SHARE))
        way, few = self._few_moves(task, solution, clock)
        fewest = self._fewest(way, few, least_gpus)
        if self._rank(way, few.plan) < self._rank(task, solution.plan):
            task, solution = way, self.solver.freely(way.problem, few.plan, clock.share_s(1.0))
        after = without_jobs(solution.plan, () if task.held is None else (task.held,))
        given, asked, unit = self._amounts(solution, after)
        answer = Release(
            goal=self.goal,
            running=self.run,
            before=self.plan,
            solution=solution,
            after=after,
            asked=asked if self.asked is None else self.asked,
            given=given,
            unit=unit,
            shortfall=(),
            value_lost_mills=self._lost_mills(solution.score.margin_mills, after),
            given_up_mills=check(self.run, self.plan).margin_mills - self._margin_mills,
            move_mills=self.move_mills,
            least_cost_mills=self._least_cost_mills(task, solution),
            fewest=fewest,
            endings=self.endings,
            emptied=task.emptied,
            names=task.names,
            leaving=self._leaving,
        )
        return replace(answer, shortfall=shortfall(answer, self._verdict))

    def _nearby(self, ways: list[Task], clock: Clock) -> tuple[Task, Plan]:
        """Return the way whose search near the running plan ends best, and its plan."""
        if len(ways) == 1 and len(self.run.site.racks) <= SMALL_RACKS:
            return ways[0], self._held(ways[0], ways[0].start)
        limit_s = clock.share_s(NEAR_SHARE)
        begun = self._ranked(ways, self.move_mills, REFILL_SHARE * limit_s, _as_it_is)
        found: list[tuple[Score, Task, Plan]] = []
        for _, task, start in begun[:MOST_SEARCHES]:
            touched = {change.job for change in changes(self._before, start)}
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
        others, _ = tasks(self._base, self._before, self.goal, MOVES_FIRST_MILLS)
        for _, other, start in self._ranked(others, MOVES_FIRST_MILLS, limit_s, _moves_alone)[:1]:
            plan, way = self._held(other, start), task if task.bounds_all else other
            begun.append((self._moves_rank(way, plan), 1, way, plan))
        _, _, way, start = min(begun, key=lambda each: each[:2])
        return way, self.solver.fewest_moves(way.problem, start, clock.share_s(MOVES_SHARE))

    def _fewest(self, way: Task, few: Solution, least_gpus: int) -> Fewest:
        margin_mills = check(way.problem, few.plan).margin_mills
        return Fewest(
            gpus=gpus_left(way.problem, self._before, few.plan),
            least_gpus=max(least_gpus, proven_gpus(few)) if way.bounds_all else least_gpus,
            value_lost_mills=self._lost_mills(margin_mills, few.plan),
        )

    def _rank(self, task: Task, plan: Plan) -> Rank:
        return rank_of(task.problem, plan)

    def _moves_rank(self, task: Task, plan: Plan) -> Rank:
        return rank_of(_moves_alone(task.problem), plan)

    def _amounts(self, solution: Solution, after: Plan) -> tuple[int, int, str]:
        """Return what is given back, what the goal asks for, and the unit of both."""
        goal = self.goal
        if goal.watts:
            now_w = peak_draw_w(self._base, self._before)
            return now_w - peak_draw_w(solution.problem, after), goal.watts, "W"
        if goal.gpus:
            level = goal.contiguous or Level.HOST
            now, then = (
                sum(free_by_rack(self._base, plan, goal.gpu_types, level).values())
                for plan in (self._before, after)
            )
            return then - now, goal.gpus, "GPUs"
        if goal.domain is not None:
            racks = racks_of(self.run.site, goal.domain)
            empty = sum(1 for rack in racks if rack not in after.by_rack)
            return empty, len(racks), "racks"
        owned = [
            job
            for job in self.run.jobs.values()
            if job.tenant == goal.tenant and not self.run.is_inside_contract(job)
        ]
        held, stays = (
            sum(plan.placed_units(job.name) * job.gpus_per_unit for job in owned)
            for plan in (self.plan, after)
        )
        return held - stays, held, "GPUs"

    def _lost_mills(self, margin_mills: int, plan: Plan) -> int:
        """Return the margin that is lost per hour, what moves cost left out."""
        moves_mills = self.move_mills * gpus_left(self._base, self._before, plan)
        return self._margin_mills - margin_mills - moves_mills

    def _least_cost_mills(self, task: Task, solution: Solution) -> int | None:
        bound, score = solution.bound_mills, solution.score
        is_within = not score.violation and score.unmet_firm_gpus <= self._verdict.unmet_firm_gpus
        if bound is None or not task.bounds_all or not is_within:
            return None
        return self._margin_mills - bound

    @cached_property
    def _leaving(self) -> frozenset[str]:
        """Work of the tenant that leaves; what may not end stays, with the jobs inside it."""
        if self.goal.tenant is None:
            return frozenset()
        owned = [each for each in self.endings if each.contract.tenant == self.goal.tenant]
        ending = {each.contract.name for each in owned if each.may_end}
        if len(ending) < len(owned):
            return frozenset(ending)
        jobs = self.run.workload.jobs.values()
        return frozenset(ending | {job.name for job in jobs if job.tenant == self.goal.tenant})

    @cached_property
    def _base(self) -> Problem:
        return without_work(self.run, self._leaving)

    @cached_property
    def _before(self) -> Plan:
        return without_jobs(self.plan, self._leaving)

    @cached_property
    def _verdict(self) -> Verdict:
        """What the check says of what runs, without what the goal ends."""
        return check(self._base, self._before)

    @property
    def _margin_mills(self) -> int:
        return self._verdict.margin_mills
