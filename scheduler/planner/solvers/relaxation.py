"""The linear relaxation by GLOP, and the bound that its prices prove in exact arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt
from ortools.util.python import solve_interrupter

from scheduler.planner.program import FREE, Arrays
from scheduler.planner.solvers.linear_model import linear_model
from scheduler.planner.solvers.running import Stop, run_until

PRICE_SCALE = 2**20  # dual prices are rounded to multiples of 1/PRICE_SCALE


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


def certified_bound(arrays: Arrays, prices: NDArray[np.float64]) -> int:
    """Return an upper bound on the objective that holds for any `prices`, in exact arithmetic.

    Weak duality: ``max c x <= sum_i y_i b_i + sum_j max over x_j of (c_j - (y A)_j) x_j`` with
    prices of the right sign (Neumaier and Shcherbina, 2004). Good prices only make it tight.
    """
    scaled = [int(price) for price in np.rint(prices * PRICE_SCALE)]
    high, low = arrays.row_high.tolist(), arrays.row_low.tolist()
    total = 0
    for i, price in enumerate(scaled):
        side = high[i] if price > 0 else low[i]
        if price and abs(side) < FREE:
            total += price * side
        else:
            scaled[i] = 0
    reduced = [gain * PRICE_SCALE for gain in arrays.gain.tolist()]
    rows = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start)).tolist()
    for i, j, value in zip(rows, arrays.column.tolist(), arrays.value.tolist(), strict=True):
        if scaled[i]:
            reduced[j] -= scaled[i] * value
    bounds = zip(reduced, arrays.low.tolist(), arrays.high.tolist(), strict=True)
    total += sum(max(rest * low_j, rest * high_j) for rest, low_j, high_j in bounds)
    return int(total // PRICE_SCALE) + arrays.constant
