"""The linear relaxation by GLOP, and the bound that its prices prove in exact arithmetic."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt
from ortools.util.python import solve_interrupter

from scheduler.planner.program import Arrays
from scheduler.planner.solvers.linear_model import linear_model
from scheduler.planner.solvers.running import Stop, run_until
from scheduler.planner.solvers.scaling import Scaling
from scheduler.planner.solvers.weak_duality import certified_bound

TROUBLE = {
    mathopt.TerminationReason.IMPRECISE,
    mathopt.TerminationReason.NUMERICAL_ERROR,
    mathopt.TerminationReason.OTHER_ERROR,
}


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Optimum of the linear relaxation."""

    x: NDArray[np.float64]
    prices: NDArray[np.float64]  # (rows,) worth of one unit more
    bound: int


def solve_relaxed(arrays: Arrays, *, time_limit_s: float, stop: Stop) -> Relaxed | None:
    """Solve the linear relaxation; None if it was not solved to optimality.

    GLOP is fastest; where it ends in numerical trouble, HiGHS tries.
    """
    deadline = time.monotonic() + time_limit_s
    scaling = Scaling.of(arrays, np.zeros(arrays.num_columns, bool))
    model = linear_model(arrays, integer=False, scaling=scaling)
    result = _solve(model, mathopt.SolverType.GLOP, time_limit_s, stop)
    if result is not None and result.termination.reason in TROUBLE:
        result = _solve(model, mathopt.SolverType.HIGHS, deadline - time.monotonic(), stop)
    if result is None or result.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return None
    x = scaling.values(np.array(result.variable_values(list(model.variables()))))
    prices = scaling.prices(np.array(result.dual_values(list(model.linear_constraints()))))
    return Relaxed(x, prices, certified_bound(arrays, prices))


def _solve(
    model: mathopt.Model, solver: mathopt.SolverType, time_limit_s: float, stop: Stop
) -> mathopt.SolveResult | None:
    """Solve in a thread; None if it was left to its time limit, as HiGHS cannot be interrupted."""
    interrupter = solve_interrupter.SolveInterrupter()
    can_end = solver == mathopt.SolverType.GLOP
    parameters = mathopt.SolveParameters(time_limit=timedelta(seconds=max(0.1, time_limit_s)))
    found: list[mathopt.SolveResult] = []

    def run() -> None:
        # What a solver calls an internal error comes as whatever exception; it is no answer.
        with suppress(Exception):
            found.append(
                mathopt.solve(
                    model, solver, params=parameters, interrupter=interrupter if can_end else None
                )
            )

    run_until(run, stop, interrupter.interrupt if can_end else None)
    return found[0] if found else None
