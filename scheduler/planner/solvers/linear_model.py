"""A program as a MathOpt model."""

from __future__ import annotations

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from kernels.forms import UNLIMITED, Bools, Ints
from scheduler.planner.program import Arrays
from scheduler.planner.solvers.scaling import Scaling


def linear_model(
    arrays: Arrays, *, integer: bool | Bools, scaling: Scaling | None = None
) -> mathopt.Model:
    """Return `arrays` as a model, its columns integer, all, none or each as said."""
    infinity = float("inf")
    scale = Scaling.none(arrays) if scaling is None else scaling

    def side(bounds: Ints, unbounded: float) -> list[float]:
        sides = np.where(np.abs(bounds) >= UNLIMITED, unbounded, bounds * scale.row)
        return [float(each) for each in sides]

    proto = model_pb2.ModelProto()
    columns, rows = range(arrays.num_columns), range(arrays.num_rows)
    proto.variables.ids.extend(columns)
    proto.variables.lower_bounds.extend((arrays.low / scale.column).tolist())
    proto.variables.upper_bounds.extend((arrays.high / scale.column).tolist())
    proto.variables.integers.extend(np.broadcast_to(integer, arrays.num_columns).tolist())
    proto.linear_constraints.ids.extend(rows)
    proto.linear_constraints.lower_bounds.extend(side(arrays.row_low, -infinity))
    proto.linear_constraints.upper_bounds.extend(side(arrays.row_high, infinity))
    matrix = proto.linear_constraint_matrix
    row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
    matrix.row_ids.extend(row.tolist())
    matrix.column_ids.extend(arrays.column.tolist())
    value = arrays.value * scale.row[row] * scale.column[arrays.column]
    matrix.coefficients.extend(value.tolist())
    gains = np.flatnonzero(arrays.gain)
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(gains.tolist())
    proto.objective.linear_coefficients.values.extend(
        (arrays.gain[gains] * scale.column[gains]).tolist()
    )
    return mathopt.Model.from_model_proto(proto)
