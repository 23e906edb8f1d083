"""SCIP: good solutions of wide programs, soon."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from ortools.math_opt.python import mathopt

from kernels.forms import Ints
from scheduler.planner.program import Arrays
from scheduler.planner.solvers.linear_model import linear_model
from scheduler.planner.solvers.running import Outcome, Stop, run_until

TOLERANCE = 1e-6  # relative; above that of SCIP's limits


def solve_large(
    arrays: Arrays, *, start: Ints, time_limit_s: float, seed: int, stop: Stop, gap: float
) -> Outcome:
    """Maximise with SCIP from `start`, until the time limit, `stop` or the relative `gap`.

    SCIP finds good solutions sooner than CP-SAT where thousands of columns share wide rows; its
    solution is rounded to integers, and the caller follows it exactly. SCIP cannot be
    interrupted through OR-Tools 9.15, so on `stop` it is left to its time limit, unheard.
    """
    model = linear_model(arrays, integer=True)
    columns = list(model.variables())
    hint = mathopt.SolutionHint(
        variable_values={c: float(v) for c, v in zip(columns, start.tolist(), strict=True)}
    )
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(0.1, time_limit_s)),
        random_seed=seed % 2**31,
        threads=1,
        relative_gap_tolerance=gap,
    )
    found: list[mathopt.SolveResult] = []

    def run() -> None:
        found.append(
            mathopt.solve(
                model,
                mathopt.SolverType.GSCIP,
                params=parameters,
                model_params=mathopt.ModelSolveParameters(solution_hints=[hint]),
            )
        )

    run_until(run, stop, None)
    if not found:
        return Outcome(None, None, None, False, False)
    return _large_outcome(arrays, found[0], columns)


def _large_outcome(
    arrays: Arrays, result: mathopt.SolveResult, columns: list[mathopt.Variable]
) -> Outcome:
    reason = mathopt.TerminationReason
    if result.termination.reason == reason.INFEASIBLE:
        return Outcome(None, None, None, False, True)
    known = {reason.OPTIMAL, reason.FEASIBLE, reason.NO_SOLUTION_FOUND}
    if result.termination.reason not in known:
        return Outcome(None, None, None, False, False)  # an error proves nothing
    proven = result.termination.objective_bounds.dual_bound
    bound = None
    if np.isfinite(proven):
        bound = int(np.ceil(proven + TOLERANCE * abs(proven))) + arrays.constant
    if not result.has_primal_feasible_solution():
        return Outcome(None, None, bound, False, False)
    x = np.rint(np.array(result.variable_values(columns))).astype(np.int64)
    solved = result.termination.reason == reason.OPTIMAL
    return Outcome(x, arrays.objective(x), bound, solved, False)
