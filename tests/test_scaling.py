"""Programs in units that solvers can work with."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from scheduler.planner.program import FREE, Arrays
from scheduler.planner.solvers import relaxation, solve_relaxed
from scheduler.planner.solvers.linear_model import linear_model
from scheduler.planner.solvers.mixed import Mixed, solve_mixed
from scheduler.planner.solvers.scaling import MOST, Scaling

Floats = NDArray[np.float64]
WATTS = 3_000_000_007  # of the site


def site() -> Arrays:
    """Two kinds of jobs, 7 and 3 W for 20 and 10 $, 10**9 of each; a column for their load."""
    return Arrays(
        low=np.zeros(3, np.int64),
        high=np.array([10**9, 10**9, 10**10]),
        gain=np.array([20, 10, 0]),
        constant=0,
        row_low=np.array([-FREE, -FREE, -FREE]),
        row_high=np.array([0, WATTS, 2**53]),
        start=np.array([0, 3, 4, 5]),
        column=np.array([0, 1, 2, 2, 2]),
        value=np.array([7, 3, -1, 1, 1]),
    )


def factors(arrays: Arrays, integer: list[bool]) -> tuple[Floats, Floats]:
    scaling = Scaling.of(arrays, np.array(integer))
    for each in (scaling.row, scaling.column):
        assert (np.frexp(each)[0] == 0.5).all()  # powers of two
    return scaling.row, scaling.column


def test_columns_reach_no_further_and_rows_begin_with_one() -> None:
    arrays = site()
    row, column = factors(arrays, [False, False, False])
    assert (arrays.high / column <= MOST).all()
    scaled = np.abs(arrays.value) * column[arrays.column] * np.repeat(row, [3, 1, 1])
    largest = [scaled[:3].max(), *scaled[3:]]
    assert all(0.5 < each <= 1 for each in largest)


def test_what_is_whole_or_has_no_end_stays_as_it_is() -> None:
    arrays = site()
    arrays.high[2] = FREE
    _, column = factors(arrays, [True, False, False])
    assert column.tolist() == [1.0, 2.0**18, 1.0]


def test_values_and_prices_are_in_our_units() -> None:
    solved = solve_relaxed(site(), time_limit_s=10.0, stop=lambda: False)
    assert solved is not None
    # The second kind earns more for a watt; it takes all of them.
    assert solved.x == pytest.approx([7 / 7 * 1e-6, 1e9, WATTS], rel=1e-3, abs=2.0)
    assert solved.prices == pytest.approx([20 / 7, 20 / 7, 0.0], rel=1e-6)
    assert solved.bound == pytest.approx(10 * 10**9 + 20 * (WATTS - 3 * 10**9) / 7, abs=1)
    mixed = solve_mixed(None, Mixed(site(), np.array([False, True, False]), 10.0, 0))
    assert mixed.x is not None
    assert mixed.bound is not None
    assert mixed.x == pytest.approx(solved.x, abs=2.0)
    assert mixed.bound == pytest.approx(solved.bound, rel=1e-5)


def test_a_limit_that_never_binds_is_none() -> None:
    model = linear_model(site(), integer=False)
    ends = [row.upper_bound for row in model.linear_constraints()]
    assert ends == [0.0, float(WATTS), float("inf")]


def test_an_internal_error_of_a_solver_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_kwargs: object) -> None:
        raise AttributeError("what a failed solve may raise, whatever its type")

    monkeypatch.setattr(mathopt, "solve", fails)
    assert relaxation.solve_relaxed(site(), time_limit_s=1.0, stop=lambda: False) is None
    found = solve_mixed(None, Mixed(site(), np.zeros(3, bool), 1.0, 0))
    assert (found.x, found.bound) == (None, None)
