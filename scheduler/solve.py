"""The whole pipeline in one function."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from kernels import backend as backends
from kernels.backend import BackendName
from kernels.forms import Compiled
from kernels.score import Score
from scheduler import planner
from scheduler.check import Verdict, check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Plan, Problem
from scheduler.topology import Topology


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
) -> Solution:
    """Plan `problem`: find a plan, bound what any plan can reach, and check the plan.

    Parameters
    ----------
    problem : Problem
        Site, workload and, on a live site, the running plan.
    seed : int
        The same seed gives the same search.
    time_limit_s : float
        Wall clock for the whole pipeline.
    workers : int
        Threads of the solver.
    backend : {"auto", "cpu", "cuda"}
        Which kernels score plans.
    watch : Watch, optional
        Hears of progress and of every better plan that passed the check.
    """
    began = time.monotonic()
    topology = Topology(problem.site)
    compiled = compile_problem(problem, topology)
    scorer, note = backends.select(backend)
    compiled_s = time.monotonic() - began
    seen: list[Score] = []

    def solution(best: planner.Best, status: str, phases_s: Mapping[str, float]) -> Solution:
        plan = to_plan(compiled, best.shards)
        return Solution(
            problem,
            topology,
            compiled,
            plan,
            best.score,
            check(problem, plan),
            best.bound_mills,
            status,
            seed,
            scorer.name,
            {"compile": compiled_s, **phases_s},
            (note,),
        )

    def report(phase: str, best: planner.Best) -> None:
        if watch is None:
            return
        watch.progress(
            Progress(
                phase,
                time.monotonic() - began,
                time_limit_s,
                best.score.violation,
                best.score.unmet_firm_gpus,
                best.score.margin_mills,
                best.bound_mills,
            )
        )
        if not seen or best.score < seen[-1]:
            seen.append(best.score)
            watch.incumbent(solution(best, _status(best, False), {}))

    search = planner.Search(
        compiled,
        scorer.load(compiled).score,
        seed=seed,
        time_limit_s=time_limit_s - compiled_s,
        workers=workers,
        stopped=watch.stopped if watch else lambda: False,
        report=report,
    )
    best = search.run()
    interrupted = watch is not None and watch.stopped()
    began_check = time.monotonic()
    result = solution(best, _status(best, interrupted), search.phases_s)
    return _confirmed(result, time.monotonic() - began_check)


def _status(best: planner.Best, interrupted: bool) -> str:
    if best.score.violation or best.score.unmet_firm_gpus:
        return "infeasible"
    if best.is_optimal:
        return "optimal"
    return "interrupted" if interrupted else "feasible"


def _confirmed(solution: Solution, check_s: float) -> Solution:
    """Return the solution if check and kernels agree about it.

    Raises RuntimeError otherwise: that is a defect of rackwatt, and no plan is better than a
    wrong one.
    """
    score, verdict = solution.score, solution.verdict
    by_kernels = (score.violation, score.unmet_firm_gpus, score.margin_mills)
    by_check = (verdict.violation, verdict.unmet_firm_gpus, verdict.margin_mills)
    if by_kernels != by_check:
        raise RuntimeError(
            f"kernels and check disagree on (violation, unmet, margin): {by_kernels} != {by_check}"
        )
    return replace(solution, phases_s={**solution.phases_s, "check": check_s})
