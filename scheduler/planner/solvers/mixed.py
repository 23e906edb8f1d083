"""Programs of which some columns are whole: by SCIP, for what they prove. For workers.

SCIP's bound falls soon, if at all, and is there at any time limit; that of HiGHS, which is as fast
to a proof, falls late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from kernels.forms import Bools, Ints
from scheduler.planner.program import Arrays
from scheduler.planner.solvers.linear_model import linear_model
from scheduler.planner.solvers.scaling import Scaling
from scheduler.planner.solvers.scip import TOLERANCE

GAP = 1e-5  # relative gap at which a program counts as solved


@dataclass(frozen=True, eq=False)
class Mixed:
    """A program of which some columns are integer."""

    arrays: Arrays
    integer: Bools  # (columns,)
    time_limit_s: float
    seed: int
    gap: float = GAP
    start: Ints | None = None  # a solution to begin with; without one, the bound comes first


@dataclass(frozen=True, eq=False)
class MixedOutcome:
    """What was found; None where nothing was, or nothing can be relied on."""

    x: NDArray[np.float64] | None
    bound: int | None


def solve_mixed(_context: object, mixed: Mixed) -> MixedOutcome:
    """Maximise with SCIP (a task for the engine)."""
    scaling = Scaling.of(mixed.arrays, mixed.integer)
    model = linear_model(mixed.arrays, integer=mixed.integer, scaling=scaling)
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(0.1, mixed.time_limit_s)),
        random_seed=mixed.seed % 2**31,
        threads=1,
        relative_gap_tolerance=mixed.gap,
        heuristics=mathopt.Emphasis.LOW if mixed.start is None else None,
    )
    columns = list(model.variables())
    try:
        result = mathopt.solve(
            model,
            mathopt.SolverType.GSCIP,
            params=parameters,
            model_params=mathopt.ModelSolveParameters(
                solution_hints=_hints(columns, mixed.start, scaling)
            ),
        )
    except Exception:  # an internal error of the solver, of whatever type: nothing is known
        return MixedOutcome(None, None)
    return _outcome(mixed.arrays, result, columns, scaling)


def _hints(
    columns: list[mathopt.Variable], start: Ints | None, scaling: Scaling
) -> list[mathopt.SolutionHint]:
    if start is None:
        return []
    values = (start / scaling.column).tolist()
    return [mathopt.SolutionHint(variable_values=dict(zip(columns, values, strict=True)))]


def _outcome(
    arrays: Arrays,
    result: mathopt.SolveResult,
    columns: list[mathopt.Variable],
    scaling: Scaling,
) -> MixedOutcome:
    reason = mathopt.TerminationReason
    known = {reason.OPTIMAL, reason.FEASIBLE, reason.NO_SOLUTION_FOUND}
    if result.termination.reason not in known:
        return MixedOutcome(None, None)
    proven = result.termination.objective_bounds.dual_bound
    bound = None
    if np.isfinite(proven):
        bound = int(np.ceil(proven + TOLERANCE * abs(proven))) + arrays.constant
    if not result.has_primal_feasible_solution():
        return MixedOutcome(None, bound)
    return MixedOutcome(scaling.values(np.array(result.variable_values(columns))), bound)
