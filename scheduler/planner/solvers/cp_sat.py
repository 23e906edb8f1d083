"""CP-SAT: exact in integers, with a bound that is proven in integers too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kernels.forms import Ints
from scheduler.planner.program import FREE, Arrays
from scheduler.planner.solvers.cp_solver import (
    CpModelProto,
    CpSolver,
    CpSolverStatus,
    fault_of,
    solution_of,
)
from scheduler.planner.solvers.running import Outcome, Stop, run_until


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
    work_limit_s: float | None = None,
) -> Outcome:
    """Maximise with CP-SAT from `start` (a hint), until the time limit, `stop` or `gap`.

    `on_solution` and `on_bound` hear of better ones at once, in the solver's thread. If
    `repeatable`, the same seed and workers give the same solution, at some cost in speed.
    `work_limit_s` limits the work in CP-SAT's own seconds, which do not depend on the machine.

    Raises RuntimeError with CP-SAT's own text if the model is not valid.
    """
    model = cp_model_of(arrays, start)
    fault = fault_of(model)
    if fault:
        raise RuntimeError(f"the integer program is not valid: {fault}")
    solver = CpSolver(workers, seed)
    solver.parameters.max_time_in_seconds = max(0.05, time_limit_s)
    solver.parameters.relative_gap_limit = gap
    solver.parameters.interleave_search = repeatable
    if work_limit_s is not None:
        solver.parameters.max_deterministic_time = work_limit_s
    status: list[CpSolverStatus] = []
    heard: list[int] = []

    def hear(bound: float) -> None:
        heard.append(_whole(bound) + arrays.constant)
        if on_bound is not None:
            on_bound(heard[-1])

    solver.on_bound, solver.on_solution = hear, on_solution
    run_until(lambda: status.append(solver.solve(model)), stop, solver.stop_search)
    return _outcome(arrays, solver, status[0], heard, exact=gap == 0.0)


def _outcome(
    arrays: Arrays,
    solver: CpSolver,
    status: CpSolverStatus,
    heard: Sequence[int],
    *,
    exact: bool,
) -> Outcome:
    if status == CpSolverStatus.MODEL_INVALID:
        raise RuntimeError("the integer program is not valid")
    if status == CpSolverStatus.INFEASIBLE:
        return Outcome(None, None, None, False, True)
    if status == CpSolverStatus.UNKNOWN:
        # Out of time before any bound was proven, the answer's own bound is 0, which proves
        # nothing. So only bounds that were announced on the way count.
        known = [bound for bound in heard if abs(bound) < FREE]
        return Outcome(None, None, min(known, default=None), False, False)
    bound = _whole(solver.response.best_objective_bound) + arrays.constant
    x = solution_of(solver.response)
    objective = arrays.objective(x)
    if status == CpSolverStatus.OPTIMAL and exact:
        bound = objective  # the proven optimum; with a gap, "optimal" only means within it
    return Outcome(x, objective, bound, status == CpSolverStatus.OPTIMAL, False)


def _whole(bound: float) -> int:
    """Return CP-SAT's bound, an integer carried by a float, as the integer."""
    return int(np.floor(bound + 1e-3))


def cp_model_of(arrays: Arrays, start: Ints | None) -> CpModelProto:
    """Return `arrays` as a model of CP-SAT, with `start` as its hint."""
    proto = CpModelProto()
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
    return proto
