"""A program as a MathOpt model."""

from __future__ import annotations

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from kernels.forms import Bools, Ints
from scheduler.planner.program import FREE, Arrays


def linear_model(arrays: Arrays, *, integer: bool | Bools) -> mathopt.Model:
    """Return `arrays` as a model, its columns integer, all, none or each as said."""
    infinity = float("inf")

    def side(bounds: Ints, unbounded: float) -> list[float]:
        sides = np.where(np.abs(bounds) >= FREE, unbounded, bounds.astype(np.float64))
        return [float(each) for each in sides]

    proto = model_pb2.ModelProto()
    columns, rows = range(arrays.num_columns), range(arrays.num_rows)
    proto.variables.ids.extend(columns)
    proto.variables.lower_bounds.extend(arrays.low.astype(np.float64).tolist())
    proto.variables.upper_bounds.extend(arrays.high.astype(np.float64).tolist())
    proto.variables.integers.extend(np.broadcast_to(integer, arrays.num_columns).tolist())
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
