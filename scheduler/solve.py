"""The whole pipeline in one function."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol

from kernels import backend as backends
from kernels.backend import BackendName, Evaluator
from kernels.forms import Compiled
from kernels.score import Score
from scheduler import planner
from scheduler.check import Verdict, check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Plan, Problem
from scheduler.pace import Pace
from scheduler.planner import EngineError, EngineName, GapPart, Price
from scheduler.starting import start_from
from scheduler.topology import Topology

__all__ = ["EngineError", "EngineName", "Progress", "Solution", "Watch", "proven_gap", "solve"]

CHECK_PER_COMPILE = 2.0  # what a check takes, in compile times, until one has been timed
MOST_RESERVED = 0.5  # of the time limit: a slow start must not leave the search no time at all


class Point(NamedTuple):
    """What was known at a moment of a search."""

    elapsed_s: float
    margin_mills: int  # of the best plan that breaks no limit
    bound_mills: int | None


@dataclass(frozen=True)
class Progress:
    """Where a search stands."""

    phase: str
    elapsed_s: float
    time_limit_s: float
    violation: int
    unmet_firm_gpus: int
    margin_mills: int
    bound_mills: int | None

    @property
    def gap(self) -> float | None:
        """Proven gap of the margin, None while no bound is known."""
        return proven_gap(self.margin_mills, self.bound_mills)


@dataclass(frozen=True)
class Solution:
    """A checked plan and what is proven about it."""

    problem: Problem
    topology: Topology
    compiled: Compiled
    plan: Plan
    score: Score
    verdict: Verdict
    bound_mills: int | None
    status: str  # optimal, feasible, infeasible or interrupted
    seed: int
    backend: str
    phases_s: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    least_unmet_gpus: int = 0  # no plan leaves fewer firm GPUs unmet
    engine: str = "auto"  # who was asked to run the planner's tasks
    workers: int = 1
    bound_by: str = ""  # volume, columns, mixed, program or exact
    prices: tuple[Price, ...] = ()  # what limits are worth, from the bound
    gap_parts: tuple[GapPart, ...] = ()  # where bound and margin differ
    course: tuple[Point, ...] = ()  # how margin and bound got there, checked or not

    @property
    def gap(self) -> float | None:
        """Proven gap of the margin, None without a bound."""
        return proven_gap(self.score.margin_mills, self.bound_mills)


class Watch(Protocol):
    """Who watches a search: hears of progress, keeps better plans, may stop it."""

    def progress(self, progress: Progress) -> None:
        """Hear where the search stands; called often."""
        ...

    def incumbent(self, solution: Solution) -> None:
        """Keep a better plan, which has passed the check."""
        ...

    def stopped(self) -> bool:
        """Whether the search should end now."""
        ...

    def reserve_s(self) -> float:
        """Seconds of the time limit to leave for what comes after; asked often, may change."""
        ...


def proven_gap(margin_mills: int, bound_mills: int | None) -> float | None:
    """Return ``(bound - margin) / |bound|``, within 0..1, None without a bound."""
    if bound_mills is None:
        return None
    missing = max(0, bound_mills - margin_mills)
    return min(1.0, missing / max(1, abs(bound_mills)))


def solve(
    problem: Problem,
    *,
    seed: int = 0,
    time_limit_s: float = 60.0,
    workers: int = 2,
    backend: BackendName = "auto",
    watch: Watch | None = None,
    start: Plan | None = None,
    known_bound_mills: int | None = None,
    known_bound_by: str = "",
    known_unmet_gpus: int = 0,
    engine: EngineName = "auto",
    memory_limit_mib: int | None = None,
) -> Solution:
    """Plan `problem`: find a plan, bound what any plan can reach, and check the plan.

    Parameters
    ----------
    problem : Problem
        Site, workload and, on a live site, the running plan.
    seed : int
        The same seed gives the same search.
    time_limit_s : float
        Wall clock for the whole pipeline, the final check included.
    workers : int
        Threads of the solver.
    backend : {"auto", "cpu", "cuda"}
        Which kernels score plans.
    watch : Watch, optional
        Hears of progress and of better plans that passed the check.
    start : Plan, optional
        An earlier plan to begin with. What of it does not hold any more is dropped, with a note.
    known_bound_mills, known_bound_by, known_unmet_gpus : optional
        A bound that was proven earlier for this very problem, by what, and for plans that leave
        at most so many firm GPUs unmet. Not used if `start` leaves more of them unmet.
    engine : {"auto", "local", "ray", "inline"}
        Who runs the planner's tasks.
    memory_limit_mib : int, optional
        Memory that one worker of the engine may hold for itself.

    Raises
    ------
    EngineError
        The engine cannot be made or cannot go on.
    """
    began = time.monotonic()
    topology = Topology(problem.site)
    compiled = compile_problem(problem, topology)
    scorer, note = backends.select(backend)
    evaluator = scorer.load(compiled)
    notes = [note]
    begin = None if start is None else start_from(compiled, start)
    if begin is not None:
        notes.append(begin.note)
        if evaluator.score(begin.shards).unmet_firm_gpus > known_unmet_gpus:
            known_bound_mills = None
    compiled_s = time.monotonic() - began
    run = _Run(
        problem=problem,
        topology=topology,
        compiled=compiled,
        seed=seed,
        backend=scorer.name,
        engine=engine,
        workers=workers,
        notes=tuple(notes),
        evaluator=evaluator,
        began=began,
        compiled_s=compiled_s,
        time_limit_s=time_limit_s,
        watch=watch,
        checking=Pace(CHECK_PER_COMPILE * compiled_s),
    )
    search = planner.Search(
        compiled,
        evaluator.score,
        seed=seed,
        time_limit_s=run.left_s(),
        workers=workers,
        stopped=run.must_end,
        report=run.report,
        start=None if begin is None else begin.shards,
        known_bound_mills=known_bound_mills,
        known_bound_by=known_bound_by,
        engine=engine,
        memory_limit_mib=memory_limit_mib,
        evaluator=evaluator,
    )
    best = search.run()
    interrupted = watch is not None and watch.stopped()
    return run.solution(best, _status(best, interrupted=interrupted), search.phases_s)


@dataclass(kw_only=True)
class _Run:
    """One call of `solve`: what all its solutions share, and who hears of them."""

    problem: Problem
    topology: Topology
    compiled: Compiled
    seed: int
    backend: str
    engine: str
    workers: int
    notes: tuple[str, ...]
    evaluator: Evaluator
    began: float  # on the monotonic clock
    compiled_s: float
    time_limit_s: float
    watch: Watch | None
    checking: Pace
    told: Score | None = None  # of the last incumbent
    course: list[Point] = field(default_factory=list)

    def left_s(self) -> float:
        """Seconds left to the search: what check and watch need afterwards is taken off."""
        reserve_s = self.checking.longest_s + (self.watch.reserve_s() if self.watch else 0.0)
        reserve_s = min(reserve_s, MOST_RESERVED * self.time_limit_s)
        return self.time_limit_s - reserve_s - (time.monotonic() - self.began)

    def must_end(self) -> bool:
        """Whether the search has to return."""
        return (self.watch is not None and self.watch.stopped()) or self.left_s() <= 0

    def solution(
        self, best: planner.Best, status: str, phases_s: Mapping[str, float] = MappingProxyType({})
    ) -> Solution:
        """Return the plan by name, once check and kernels agree about it."""
        began_check = time.monotonic()
        with self.checking.timed():
            plan = to_plan(self.compiled, best.shards)
            verdict = check(self.problem, plan)
            _compare(best.score, verdict)
            _beats_no_bound(best)
        check_s = time.monotonic() - began_check
        return Solution(
            problem=self.problem,
            topology=self.topology,
            compiled=self.compiled,
            plan=plan,
            score=best.score,
            verdict=verdict,
            bound_mills=best.bound_mills,
            status=status,
            seed=self.seed,
            backend=self.backend,
            phases_s={"compile": self.compiled_s, **phases_s, "check": check_s},
            notes=(*self.notes, *self.evaluator.notes),
            least_unmet_gpus=best.least_unmet_gpus,
            engine=self.engine,
            workers=self.workers,
            bound_by=best.bound_by,
            prices=best.prices,
            gap_parts=best.gap_parts,
            course=(*self.course, self._point(best)),
        )

    def _point(self, best: planner.Best) -> Point:
        return Point(time.monotonic() - self.began, best.score.margin_mills, best.bound_mills)

    def report(self, phase: str, best: planner.Best) -> None:
        """Tell the watch where the search stands, and of a plan that is better than the last.

        A better plan is checked before it is told. It waits for a later report, or for the end of
        the search, if checks would take more than a tenth of the time, or the time for the last.
        """
        point = self._point(best)
        news = not self.course or self.course[-1][1:] != point[1:]
        if news and not best.score.violation:
            self.course.append(point)
        if self.watch is None:
            return
        progress = Progress(
            phase=phase,
            elapsed_s=point.elapsed_s,
            time_limit_s=self.time_limit_s,
            violation=best.score.violation,
            unmet_firm_gpus=best.score.unmet_firm_gpus,
            margin_mills=best.score.margin_mills,
            bound_mills=best.bound_mills,
        )
        self.watch.progress(progress)
        is_better = self.told is None or best.score < self.told
        if is_better and self.checking.due() and self.left_s() >= self.checking.longest_s:
            self.told = best.score
            self.watch.incumbent(self.solution(best, _status(best, interrupted=False)))


def _status(best: planner.Best, *, interrupted: bool) -> str:
    if best.score.violation or best.score.unmet_firm_gpus:
        return "infeasible"
    if best.is_optimal:
        return "optimal"
    return "interrupted" if interrupted else "feasible"


def _beats_no_bound(best: planner.Best) -> None:
    """Raise RuntimeError if a plan inside every limit is better than its bound: one is wrong."""
    if best.score.violation or best.bound_mills is None:
        return
    if best.score.margin_mills > best.bound_mills:
        raise RuntimeError(
            f"the plan's margin of {best.score.margin_mills} mills/h is above the proven bound of "
            f"{best.bound_mills} mills/h"
        )


def _compare(score: Score, verdict: Verdict) -> None:
    """Raise RuntimeError if check and kernels disagree about a plan.

    That is a defect of rackwatt, and no plan is better than a wrong one.
    """
    by_kernels = (score.violation, score.unmet_firm_gpus, score.margin_mills)
    by_check = (verdict.violation, verdict.unmet_firm_gpus, verdict.margin_mills)
    if by_kernels != by_check:
        raise RuntimeError(
            f"kernels and check disagree on (violation, unmet, margin): {by_kernels} != {by_check}"
        )
