"""The whole question: repair what is broken, place what waits, make room, order the moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from scheduler.check import Verdict, check
from scheduler.model import Plan, Problem, Site
from scheduler.questions.moves import Waves, known_part, waves, worse
from scheduler.questions.replan.budget import Budget, left_units
from scheduler.questions.replan.degraded import Degraded, without
from scheduler.questions.replan.emergency import Emergency, emergency
from scheduler.questions.replan.insertion import insert_waiting
from scheduler.questions.replan.live import Ground, Live
from scheduler.questions.replan.making_room import Making
from scheduler.questions.replan.point import Point
from scheduler.questions.replan.repair import repair
from scheduler.solve import solve

__all__ = ["Point", "Replanned", "replan"]

FRONTIER = (0, 10, 50, 100, 200, 500)  # moves besides those that have to be
SOLVE_SHARE = 0.5  # of the time, for the planner, where moves are not limited
LEAST_SOLVE_S = 2.0  # with less the planner finds nothing that was not found


def never() -> bool:
    """Return that nobody asks to stop."""
    return False


@dataclass(frozen=True)
class Replanned:
    """A better plan and the safe way to it."""

    site: Site  # as it was before anything failed
    degraded: Degraded
    running: Plan  # what of the running plan still has its rack
    ended_units: int  # of jobs, or on racks, that the files do not know any more
    dark_units: int  # that ran on racks which are out now
    before: Verdict  # of `running`, the failure counted
    forced: Mapping[str, int]  # units by tenant that have to leave so that no limit is broken
    points: tuple[Point, ...]  # value against moves, fewest moves first
    waves: Waves  # to the last point
    emergency: Emergency | None  # None: nothing has failed
    interrupted: bool
    phases_s: Mapping[str, float]

    @property
    def chosen(self) -> Point:
        """The best plan within the budget."""
        return self.points[-1]


def replan(
    problem: Problem,
    running: Plan,
    *,
    failed: tuple[str, ...] = (),
    budget: Budget | None = None,
    time_limit_s: float = 30.0,
    seed: int = 0,
    stopped: Callable[[], bool] = never,
    told: Callable[[str], None] = lambda _news: None,
) -> Replanned:
    """Replan a site that runs `running`, with `failed` out as of now.

    What is broken is repaired first, by the stops that lose least. What stopped or waits goes
    where there is room. Then room is made within ever larger budgets of moves. No limit is ever
    broken by more than today. Every point and every state on the way to the last has passed
    the check.

    Parameters
    ----------
    failed
        Power nodes and cooling loops of the site: see `Degraded`.
    budget
        How many units may leave the racks on which they run, besides those that have to.
    time_limit_s
        For the search of plans. Putting the moves into waves comes on top.
    seed
        Of the planner, which is asked where moves are not limited.
    stopped
        Asked often; the best plan so far is kept.
    told
        Hears what is done, in words.
    """
    began, budget = time.monotonic(), budget or Budget()
    clock = _Clock(began, began + time_limit_s, stopped)
    known = known_part(problem, running)
    degraded = without(problem, failed, known)
    kept = known_part(degraded.problem, known)
    left = replace(degraded.problem, current=kept)
    before = check(left, kept)
    live = Live(Ground(left), kept)
    told("repairing what is broken")
    repair(live)
    insert_waiting(live, kept)
    forced = left_units(left, kept, live.plan)
    points = [_point(live, 0, before)]
    clock.note("repair")
    for most, until in _budgets(budget, clock):
        told(f"making room with {'any number of' if most is None else most} moves")
        limit = replace(budget, total=most)
        Making(live, kept, limit, forced, partial(clock.is_over, until)).run()
        points.append(_point(live, most, before))
    clock.note("make room")
    if budget == Budget() and clock.left_s() > LEAST_SOLVE_S and not stopped():
        told("asking the planner")
        points.append(_solved(points[-1], seed, clock.left_s(), before))
        clock.note("planner")
    told("putting moves into waves")
    way = waves(left, kept, points[-1].plan)
    clock.note("waves")
    return Replanned(
        site=problem.site,
        degraded=degraded,
        running=kept,
        ended_units=_units(running) - _units(known),
        dark_units=_units(known) - _units(kept),
        before=before,
        forced=forced,
        points=tuple(points),
        waves=way,
        emergency=emergency(problem, known, failed) if failed else None,
        interrupted=stopped(),
        phases_s=clock.phases_s,
    )


def _budgets(budget: Budget, clock: _Clock) -> Iterator[tuple[int | None, float]]:
    """Yield budgets, each with when it has to end; the time that is left is dealt equally."""
    most = [n for n in FRONTIER if n and (budget.total is None or n < budget.total)]
    ends = [*most, budget.total] if budget.total != 0 else []
    share = 1 - SOLVE_SHARE if budget == Budget() else 1.0
    for done, total in enumerate(ends):
        yield total, time.monotonic() + clock.left_s() * share / (len(ends) - done)


def _units(plan: Plan) -> int:
    return sum(units for _, _, units in plan.shards())


def _point(live: Live, budget: int | None, before: Verdict) -> Point:
    return _checked(live.ground.problem, budget, live.plan, before)


def _checked(problem: Problem, budget: int | None, plan: Plan, before: Verdict) -> Point:
    """Return the plan as a point once the check finds no limit that is broken by more."""
    point = Point(problem, budget, plan, check(problem, plan))
    grown = worse(before, point.verdict)
    if grown:
        raise RuntimeError(f"the plan breaks {grown[0].term} of {grown[0].subject} by more")
    return point


def _solved(best: Point, seed: int, time_limit_s: float, before: Verdict) -> Point:
    """Return what the planner makes of the best point, if that is better."""
    found = solve(best.problem, seed=seed, time_limit_s=time_limit_s, start=best.plan)
    point = Point(best.problem, None, found.plan, found.verdict)
    better = point.key < best.key and not worse(before, point.verdict)
    return point if better else replace(best, budget=None)


@dataclass
class _Clock:
    """When the search began and has to end, and what took how long."""

    began: float
    deadline: float
    stopped: Callable[[], bool]

    def __post_init__(self) -> None:
        self.phases_s: dict[str, float] = {}

    def left_s(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def is_over(self, until: float) -> bool:
        return time.monotonic() >= until or self.stopped()

    def note(self, phase: str) -> None:
        """Count the time since the last phase."""
        self.phases_s[phase] = time.monotonic() - self.began - sum(self.phases_s.values())
