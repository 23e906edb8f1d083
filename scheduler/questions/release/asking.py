"""Answers a release: which work leaves or moves, at which cost, and what is proven about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from scheduler.check import Verdict, check
from scheduler.model import Plan, Problem
from scheduler.questions.release.amounts import amounts
from scheduler.questions.release.answer import Fewest, Release
from scheduler.questions.release.changed import with_move_price
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import gpus_left
from scheduler.questions.release.notice import Ending, ending_of
from scheduler.questions.release.running import running, without_jobs, without_work
from scheduler.questions.release.search import Found, Search
from scheduler.questions.release.shortfall import shortfall, within_reach
from scheduler.questions.release.stages import Clock, Solver, proven_gpus
from scheduler.questions.release.task import Task
from scheduler.solve import Solution, Watch

FIRST_SHARE = 0.6  # of the time for all of the goal; the rest if only less can be given back
TIE_MILLS = 1  # price of a GPU that leaves, where moves are free: fewest moves among equals


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
        search = Search(self._base, self._before, self.goal, self.move_mills, self.solver)
        found = search.best(clock)
        if found is None:
            raise UnreachableError(f"the whole site does not give back {self.goal.words}")
        task, solution = found.task, found.solution
        after = without_jobs(solution.plan, () if task.held is None else (task.held,))
        given, asked, unit = amounts(self.goal, self.run, self.plan, solution.problem, after)
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
            fewest=self._fewest(found),
            endings=self.endings,
            emptied=task.emptied,
            names=task.names,
            leaving=self._leaving,
        )
        return replace(answer, shortfall=shortfall(answer, self._verdict))

    def _fewest(self, found: Found) -> Fewest:
        """Return the fewest moves found, those of the answer if no search for them had time."""
        task, few, least_gpus = found.few_task, found.few, found.least_gpus
        plan = found.solution.plan if few is None else few.plan
        if few is not None and task.bounds_all:
            least_gpus = max(least_gpus, proven_gpus(few))
        return Fewest(
            gpus=gpus_left(task.problem, self._before, plan),
            least_gpus=least_gpus,
            value_lost_mills=self._lost_mills(check(task.problem, plan).margin_mills, plan),
        )

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
