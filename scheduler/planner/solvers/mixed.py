"""HiGHS: the best bounds of mixed programs of some hundred rows. For workers only.

HiGHS writes stray lines on standard output, and keeps one scheduler in the whole process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from kernels.forms import Bools
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


@dataclass(frozen=True, eq=False)
class MixedOutcome:
    """What was found; None where nothing was, or nothing can be relied on."""

    x: NDArray[np.float64] | None
    bound: int | None


def solve_mixed(_context: object, mixed: Mixed) -> MixedOutcome:
    """Maximise with HiGHS (a task for the engine)."""
    scaling = Scaling.of(mixed.arrays, mixed.integer)
    model = linear_model(mixed.arrays, integer=mixed.integer, scaling=scaling)
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(0.1, mixed.time_limit_s)),
        random_seed=mixed.seed % 2**31,
        relative_gap_tolerance=mixed.gap,
    )
    with _silent():
        try:
            result = mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
        except Exception:  # an internal error of the solver, of whatever type: nothing is known
            return MixedOutcome(None, None)
    return _outcome(mixed.arrays, result, list(model.variables()), scaling)


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


@contextmanager
def _silent() -> Iterator[None]:
    """Send what C code writes on standard output to nowhere."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
