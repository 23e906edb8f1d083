"""The linear relaxation by GLOP, and the bound that its prices prove in exact arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt
from ortools.util.python import solve_interrupter

from scheduler.planner.program import Arrays
from scheduler.planner.solvers.linear_model import linear_model
from scheduler.planner.solvers.running import Stop, run_until
from scheduler.planner.solvers.weak_duality import certified_bound


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Optimum of the linear relaxation."""

    x: NDArray[np.float64]
    prices: NDArray[np.float64]  # (rows,) worth of one unit more
    bound: int


def solve_relaxed(arrays: Arrays, *, time_limit_s: float, stop: Stop) -> Relaxed | None:
    """Solve the linear relaxation with GLOP; None if it was not solved to optimality."""
    interrupter = solve_interrupter.SolveInterrupter()
    found: list[mathopt.SolveResult] = []
    model = linear_model(arrays, integer=False)
    parameters = mathopt.SolveParameters(time_limit=timedelta(seconds=max(0.1, time_limit_s)))

    def run() -> None:
        found.append(
            mathopt.solve(
                model, mathopt.SolverType.GLOP, params=parameters, interrupter=interrupter
            )
        )

    run_until(run, stop, interrupter.interrupt)
    result = found[0]
    if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return None
    x = np.array(result.variable_values(list(model.variables())))
    prices = np.array(result.dual_values(list(model.linear_constraints())))
    return Relaxed(x, prices, certified_bound(arrays, prices))
