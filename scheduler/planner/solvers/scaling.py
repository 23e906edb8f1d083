"""Units in which a program's numbers are of moderate size, as solvers in floating point want them.

Watts of a whole site and single racks in one row ask for more digits than a float has: solvers
hold rows to within 1e-6 of whatever their unit is. All factors are powers of two, so that scaled
numbers are the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.forms import UNLIMITED, Bools
from scheduler.planner.program import Arrays

MOST = 2.0**12  # of a column that need not be whole


@dataclass(frozen=True, eq=False)
class Scaling:
    """Factors: the solver's columns are ours divided by `column`, its rows ours times `row`."""

    row: NDArray[np.float64]  # (I,)
    column: NDArray[np.float64]  # (N,)

    @staticmethod
    def none(arrays: Arrays) -> Scaling:
        """Leave everything as it is."""
        return Scaling(np.ones(arrays.num_rows), np.ones(arrays.num_columns))

    @staticmethod
    def of(arrays: Arrays, integer: Bools) -> Scaling:
        """Have columns reach `MOST` at most, unless they are `integer`, and rows begin with 1."""
        reach = np.maximum(np.abs(arrays.low), np.abs(arrays.high)).astype(np.float64)
        as_it_is = integer | (reach >= UNLIMITED)
        column = np.where(as_it_is, 1.0, _power_of_two(np.maximum(reach / MOST, 1.0)))
        largest = np.zeros(arrays.num_rows)
        of_entry = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
        np.maximum.at(largest, of_entry, np.abs(arrays.value) * column[arrays.column])
        return Scaling(1.0 / _power_of_two(np.where(largest > 0, largest, 1.0)), column)

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the solver's columns as ours."""
        return x * self.column

    def prices(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the prices of the solver's rows as those of ours."""
        return y * self.row


def _power_of_two(least: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest powers of two that are not below."""
    return np.asarray(2.0 ** np.ceil(np.log2(least)))
