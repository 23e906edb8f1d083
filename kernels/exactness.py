"""Whether every sum of a compiled problem stays an integer that float64 holds exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.forms import AssignmentCost, Compiled, Ints, LinearLoad

EXACT = 2**53  # every integer below it is a float64


class RangeError(ValueError):
    """A sum of the compiled problem could leave the integers that float64 holds exactly."""


def check_range(compiled: Compiled) -> None:
    """Raise if any sum could reach 2^53, where float64 stops holding every integer.

    A row is safe if ``|base| + max_r weight[i, r] * sum_j most[j] * max_k |demand[j, k]| < 2^53``;
    money is safe if the sum over jobs of ``most * (|value| + |cost|)`` and of all moves is.

    Raises
    ------
    RangeError
        Names the term, the unit and the row.
    """
    most = compiled.units.most
    for form in compiled.forms:
        if isinstance(form, LinearLoad):
            demand = _largest(form.demand) @ most.astype(np.float64)
            weight = np.zeros(form.rows.num_rows)
            np.maximum.at(weight, form.rows.row, np.abs(form.rows.weight).astype(np.float64))
            bound = weight * demand + np.abs(form.base)
            if len(bound) and bound.max() >= EXACT:
                row = int(bound.argmax())
                where = f"{form.subject[row]} ({form.state[row]})"
                raise RangeError(
                    f"{form.term}: {where}: expected a largest sum below 2^53, "
                    f"got {bound[row]:.3g} {form.unit} x {form.scale}"
                )
        elif isinstance(form, AssignmentCost):
            per_unit = _largest(form.cost_mills) + np.abs(form.value_mills)
            moves = (form.move_mills.astype(np.float64) * form.home_units).sum()
            total = per_unit @ most.astype(np.float64) + moves + abs(form.base_mills)
            if total >= EXACT:
                raise RangeError(
                    f"{form.term}: expected a largest sum below 2^53, got {total:.3g} mills/h"
                )


def _largest(demand: Ints) -> NDArray[np.float64]:
    """Return the largest amount of every row, (J,)."""
    largest: NDArray[np.float64] = np.abs(demand).max(axis=1, initial=0).astype(np.float64)
    return largest
