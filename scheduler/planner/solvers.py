"""The solvers: CP-SAT for exact programs, SCIP for large ones, GLOP for their relaxation.

Statuses are checked, and a bound is only ever reported if it is proven: CP-SAT's is exact in
integers; that of the relaxation is recomputed from its dual prices in exact arithmetic, so that
neither a tolerance nor a wrong status can make it too low; SCIP's is rounded up by more than its
tolerance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.sat.python import cp_model
from ortools.util.python import solve_interrupter

from kernels.forms import Ints
from scheduler.planner.program import FREE, Arrays

POLL_S = 0.05
TOLERANCE = 1e-6  # relative; above that of SCIP's limits
PRICE_SCALE = 2**20  # dual prices are rounded to multiples of 1/PRICE_SCALE

Stop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an integer solve found."""

    x: Ints | None
    objective: int | None
    bound: int | None  # no solution is better than this
    optimal: bool  # within the gap that was asked for
    infeasible: bool


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Optimum of the linear relaxation."""

    x: NDArray[np.float64]
    prices: NDArray[np.float64]  # (rows,) worth of one unit more
    bound: int


def solve_integer(
    arrays: Arrays,
    *,
    start: Ints | None,
    time_limit_s: float,
    workers: int,
    seed: int,
    stop: Stop,
    on_solution: Callable[[Ints], None] | None = None,
    on_bound: Callable[[int], None] | None = None,
    gap: float = 0.0,
    repeatable: bool = False,
) -> Outcome:
    """Maximise with CP-SAT from `start` (a hint), until the time limit, `stop` or `gap`.

    `on_solution` and `on_bound` hear of better ones at once, in the solver's thread. If
    `repeatable`, the same seed and workers give the same solution, at some cost in speed.

    Raises RuntimeError with CP-SAT's own text if the model is not valid.
    """
    model = _cp_model(arrays, start)
    fault = model.validate()
    if fault:
        raise RuntimeError(f"the integer program is not valid: {fault}")
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(0.05, time_limit_s)
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.relative_gap_limit = gap
    solver.parameters.interleave_search = repeatable
    solver.parameters.catch_sigint_signal = False
    status: list[cp_model.CpSolverStatus] = []
    callback = _Solutions(on_solution) if on_solution else None
    heard: list[int] = []

    def hear(bound: float) -> None:
        heard.append(_whole(bound) + arrays.constant)
        if on_bound is not None:
            on_bound(heard[-1])

    solver.best_bound_callback = hear
    _run_until(lambda: status.append(solver.solve(model, callback)), stop, solver.stop_search)
    return _outcome(arrays, solver, status[0], heard)


def _outcome(
    arrays: Arrays,
    solver: cp_model.CpSolver,
    status: cp_model.CpSolverStatus,
    heard: Sequence[int],
) -> Outcome:
    if status == cp_model.MODEL_INVALID:
        raise RuntimeError("the integer program is not valid")
    if status == cp_model.INFEASIBLE:
        return Outcome(None, None, None, False, True)
    if status == cp_model.UNKNOWN:
        # Out of time before any bound was proven, the answer's own bound is 0, which proves
        # nothing. So only bounds that were announced on the way count.
        known = [bound for bound in heard if abs(bound) < FREE]
        return Outcome(None, None, min(known, default=None), False, False)
    bound = _whole(solver.best_objective_bound) + arrays.constant
    x = np.array(list(solver.response_proto.solution), np.int64)
    objective = arrays.objective(x)
    if status == cp_model.OPTIMAL:
        bound = objective  # the proven optimum, in integers
    return Outcome(x, objective, bound, status == cp_model.OPTIMAL, False)


def _whole(bound: float) -> int:
    """Return CP-SAT's bound, an integer carried by a float, as the integer."""
    return int(np.floor(bound + 1e-3))


def solve_large(
    arrays: Arrays, *, start: Ints, time_limit_s: float, seed: int, stop: Stop, gap: float
) -> Outcome:
    """Maximise with SCIP from `start`, until the time limit, `stop` or the relative `gap`.

    SCIP finds good solutions sooner than CP-SAT where thousands of columns share wide rows; its
    solution is rounded to integers, and the caller follows it exactly. SCIP cannot be
    interrupted through OR-Tools 9.15, so on `stop` it is left to its time limit, unheard.
    """
    model = _linear_model(arrays, integer=True)
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

    _run_until(run, stop, None)
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


def solve_relaxed(arrays: Arrays, *, time_limit_s: float, stop: Stop) -> Relaxed | None:
    """Solve the linear relaxation with GLOP; None if it was not solved to optimality."""
    interrupter = solve_interrupter.SolveInterrupter()
    found: list[mathopt.SolveResult] = []
    model = _linear_model(arrays, integer=False)
    parameters = mathopt.SolveParameters(time_limit=timedelta(seconds=max(0.1, time_limit_s)))

    def run() -> None:
        found.append(
            mathopt.solve(
                model, mathopt.SolverType.GLOP, params=parameters, interrupter=interrupter
            )
        )

    _run_until(run, stop, interrupter.interrupt)
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


def with_gain(arrays: Arrays, gain: Ints, constant: int = 0) -> Arrays:
    """Return the same program with another objective."""
    return replace(arrays, gain=gain, constant=constant)


def with_row(arrays: Arrays, columns: Ints, values: Ints, low: int) -> Arrays:
    """Return the program with one more row: ``values @ x[columns] >= low``."""
    kept = values != 0
    return replace(
        arrays,
        row_low=np.append(arrays.row_low, low),
        row_high=np.append(arrays.row_high, FREE),
        start=np.append(arrays.start, arrays.start[-1] + kept.sum()),
        column=np.append(arrays.column, columns[kept]),
        value=np.append(arrays.value, values[kept]),
    )


class _Solutions(cp_model.CpSolverSolutionCallback):
    """Hands every better solution on."""

    def __init__(self, on_solution: Callable[[Ints], None]) -> None:
        super().__init__()
        self.hand_on = on_solution

    def on_solution_callback(self) -> None:
        self.hand_on(np.array(list(self.response_proto.solution), np.int64))


def _run_until(run: Callable[[], None], stop: Stop, interrupt: Callable[[], None] | None) -> None:
    """Run in a thread, so that this one stays free to see `stop` and signals.

    What cannot be interrupted is abandoned: the thread ends by itself or with the process.
    """
    failure: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # raised again below, in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_S)
        if stop():
            if interrupt is None:
                return
            interrupt()
    if failure:
        raise failure[0]


def _cp_model(arrays: Arrays, start: Ints | None) -> cp_model.CpModel:
    model = cp_model.CpModel()
    proto = model.proto
    for low, high in zip(arrays.low.tolist(), arrays.high.tolist(), strict=True):
        proto.variables.add().domain.extend([low, high])
    begin, column, value = arrays.start.tolist(), arrays.column.tolist(), arrays.value.tolist()
    row_low, row_high = arrays.row_low.tolist(), arrays.row_high.tolist()
    for i in range(arrays.num_rows):
        if begin[i] < begin[i + 1]:
            row = proto.constraints.add().linear
            row.vars.extend(column[begin[i] : begin[i + 1]])
            row.coeffs.extend(value[begin[i] : begin[i + 1]])
            row.domain.extend([row_low[i], row_high[i]])
    gains = np.flatnonzero(arrays.gain)
    proto.objective.vars.extend(gains.tolist())
    proto.objective.coeffs.extend((-arrays.gain[gains]).tolist())
    proto.objective.scaling_factor = -1.0
    if start is not None:
        proto.solution_hint.vars.extend(range(arrays.num_columns))
        proto.solution_hint.values.extend(start.tolist())
    return model


def _linear_model(arrays: Arrays, *, integer: bool) -> mathopt.Model:
    infinity = float("inf")

    def side(bounds: Ints, unbounded: float) -> list[float]:
        sides = np.where(np.abs(bounds) >= FREE, unbounded, bounds.astype(np.float64))
        return [float(each) for each in sides]

    proto = model_pb2.ModelProto()
    columns, rows = range(arrays.num_columns), range(arrays.num_rows)
    proto.variables.ids.extend(columns)
    proto.variables.lower_bounds.extend(arrays.low.astype(np.float64).tolist())
    proto.variables.upper_bounds.extend(arrays.high.astype(np.float64).tolist())
    proto.variables.integers.extend([integer] * arrays.num_columns)
    proto.linear_constraints.ids.extend(rows)
    proto.linear_constraints.lower_bounds.extend(side(arrays.row_low, -infinity))
    proto.linear_constraints.upper_bounds.extend(side(arrays.row_high, infinity))
    matrix = proto.linear_constraint_matrix
    matrix.row_ids.extend(np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start)).tolist())
    matrix.column_ids.extend(arrays.column.tolist())
    matrix.coefficients.extend(arrays.value.astype(np.float64).tolist())
    gains = np.flatnonzero(arrays.gain)
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(gains.tolist())
    proto.objective.linear_coefficients.values.extend(
        arrays.gain[gains].astype(np.float64).tolist()
    )
    return mathopt.Model.from_model_proto(proto)
