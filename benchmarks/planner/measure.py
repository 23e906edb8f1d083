"""One run in this process: solve, check the final plan independently, and say how it went."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable

from benchmarks.baselines import BASELINES, Task
from benchmarks.machine import machine
from benchmarks.planner.cases import OURS, Record, problem_of
from kernels.cpu import NumpyBackend
from scheduler.check import Verdict, check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Plan, Problem
from scheduler.planner import Price
from scheduler.result import gpus_of, peak_rss_mib, versions
from scheduler.solve import Progress, Solution, solve
from scheduler.topology import Topology

Point = tuple[float, float, float | None]  # seconds, margin and bound in $/h


class Anytime:
    """Writes down how margin and bound got better. Nobody stops the search."""

    def __init__(self) -> None:
        self.curve: list[Point] = []

    def progress(self, progress: Progress) -> None:
        """Add a point where something has changed; a plan outside a limit is none."""
        if progress.violation:
            return
        bound = None if progress.bound_mills is None else progress.bound_mills / 1000
        margin = progress.margin_mills / 1000
        if not self.curve or self.curve[-1][1:] != (margin, bound):
            self.curve.append((round(progress.elapsed_s, 3), margin, bound))

    def incumbent(self, solution: Solution) -> None:
        """Plans are checked by `solve`; their figures come with the progress."""

    def stopped(self) -> bool:
        """Never."""
        return False

    def reserve_s(self) -> float:
        """Nothing comes after."""
        return 0.0


def measure(case: Record) -> Record:
    """Run a case and return its record."""
    problem = problem_of(case)
    ours = case["solver"] == OURS
    found, plan = (_plan_ours if ours else _plan_baseline)(problem, case)
    verdict = check(problem, plan)
    placed_gpus, requested_gpus = gpus_of(problem, plan)
    return {
        **case,
        **found,
        **_figures_of(verdict),
        "placed_gpus": placed_gpus,
        "requested_gpus": requested_gpus,
        "peak_rss_mib": round(peak_rss_mib(), 1),
        "machine": machine(),
        "versions": versions(),
    }


def _figures_of(verdict: Verdict) -> Record:
    return {
        "checked": verdict.checked,
        "violation": verdict.violation,
        "unmet_firm_gpus": verdict.unmet_firm_gpus,
        "margin_usd_per_h": verdict.margin_mills / 1000,
    }


def _plan_ours(problem: Problem, case: Record) -> tuple[Record, Plan]:
    watch, began = Anytime(), time.monotonic()
    solution = solve(
        problem,
        seed=case["seed"],
        time_limit_s=case["time_limit_s"],
        workers=case["workers"],
        backend="cpu",
        watch=watch,
    )
    wall_s = time.monotonic() - began
    bound = None if solution.bound_mills is None else solution.bound_mills / 1000
    last = (round(wall_s, 3), solution.score.margin_mills / 1000, bound)
    found = {
        "status": solution.status,
        "bound_usd_per_h": bound,
        "bound_by": None if bound is None else str(getattr(solution, "bound_by", OURS)),
        "wall_s": round(wall_s, 3),
        "phases_s": {phase: round(seconds, 3) for phase, seconds in solution.phases_s.items()},
        "scarce": scarce_resource(solution.prices),
        "note": "",
        "curve": [*watch.curve, last],
    }
    return found, solution.plan


def _plan_baseline(problem: Problem, case: Record) -> tuple[Record, Plan]:
    """Run a baseline on the same forms; compiling them counts as its time as well."""
    began = time.monotonic()
    compiled = compile_problem(problem, Topology(problem.site))
    task = Task(
        compiled,
        NumpyBackend().load(compiled).score,
        case["time_limit_s"],
        case["seed"],
        case["workers"],
        began,
    )
    compile_s = task.elapsed_s
    note = BASELINES[case["solver"]](task)
    plan = Plan({}) if task.best is None else to_plan(compiled, task.best)
    wall_s = task.elapsed_s
    bound = None if task.bound_mills is None else task.bound_mills / 1000
    found = {
        "status": _status(task),
        "bound_usd_per_h": bound,
        "bound_by": None if bound is None else case["solver"],
        "wall_s": round(wall_s, 3),
        "phases_s": {"compile": round(compile_s, 3), "plan": round(wall_s - compile_s, 3)},
        "scarce": None,
        "note": note,
        "curve": [(seconds, margin / 1000, None) for seconds, margin in task.curve],
    }
    return found, plan


def _status(task: Task) -> str:
    score = task.best_score
    if score is None or score.violation or score.unmet_firm_gpus:
        return "infeasible"
    proven = task.bound_mills is not None and score.margin_mills >= task.bound_mills
    return "optimal" if proven else "feasible"


def scarce_resource(prices: Iterable[Price]) -> str | None:
    """Return the term whose limits are worth most together, None where nothing is scarce."""
    worth: Counter[str] = Counter()
    for price in prices:
        name = "slots" if price.kind == "slots" else price.term
        worth[name] += round(price.mills_per_unit * price.units)
    return max(worth, key=worth.__getitem__, default=None)


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
