"""A bound of the planner is proven: also when the solver has no time for anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels.forms import Ints
from scheduler.planner.program import Arrays, Program
from scheduler.planner.solvers import solve_integer
from scheduler.planner.solvers.cp_solver import CpSolver, CpSolverStatus


def knapsack() -> Arrays:
    """Maximise 3 a + 2 b - 100 with a + b <= 4, both 0 to 3: 3 * 3 + 2 * 1 - 100 = -89."""
    program = Program(constant=-100)
    columns = program.columns(2, high=3, gain=[3, 2])
    rows = program.rows(1, high=4)
    program.entries(rows, columns, [1, 1])
    return program.finish()


def outcome_of(arrays: Arrays) -> Any:
    return solve_integer(
        arrays, start=None, time_limit_s=5, workers=1, seed=0, stop=lambda: False, repeatable=True
    )


def test_the_optimum_is_its_own_bound() -> None:
    outcome = outcome_of(knapsack())
    assert (outcome.optimal, outcome.objective, outcome.bound) == (True, -89, -89)


def test_better_solutions_and_bounds_are_heard_on_the_way() -> None:
    rng = np.random.default_rng(0)
    program = Program()
    columns = program.columns(60, high=1, gain=rng.integers(20, 60, 60))
    for row in program.rows(5, high=500).tolist():
        program.entries(np.full(60, row), columns, rng.integers(10, 60, 60))
    arrays = program.finish()
    solutions: list[Ints] = []
    bounds: list[int] = []
    outcome = solve_integer(
        arrays,
        start=None,
        time_limit_s=10.0,
        workers=1,
        seed=0,
        stop=lambda: False,
        on_solution=solutions.append,
        on_bound=bounds.append,
    )
    assert outcome.optimal
    assert outcome.x is not None
    assert np.array_equal(solutions[-1], outcome.x)
    assert bounds
    assert min(bounds) >= arrays.objective(outcome.x)


def test_a_solver_out_of_time_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = CpSolver.solve

    def at_once(solver: CpSolver, *arguments: Any) -> CpSolverStatus:
        solver.parameters.max_time_in_seconds = 0.0
        return whole(solver, *arguments)

    monkeypatch.setattr(CpSolver, "solve", at_once)
    outcome = outcome_of(knapsack())
    assert outcome.x is None
    assert outcome.bound is None  # and not 0 - 100, which is less than the optimum of -89
    assert not outcome.infeasible


def test_a_solve_that_stops_within_a_gap_does_not_prove_an_optimum() -> None:
    """CP-SAT calls it optimal; the bound must still hold for the true optimum."""
    rng = np.random.default_rng(0)
    program = Program()
    columns = program.columns(60, high=1, gain=rng.integers(50, 100, 60))
    for _ in range(5):
        weights = rng.integers(10, 60, 60)
        program.entries(program.rows(1, high=int(weights.sum()) // 3), columns, weights)
    arrays = program.finish()

    def solve(gap: float) -> Any:
        return solve_integer(
            arrays,
            start=np.zeros(60, np.int64),
            time_limit_s=20,
            workers=1,
            seed=0,
            stop=lambda: False,
            gap=gap,
        )

    loose, exact = solve(0.5), solve(0.002)
    assert loose.objective < exact.objective
    assert loose.bound >= exact.objective
