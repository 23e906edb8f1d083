"""The best column of a group at given prices, by CP-SAT: exact in integers, within a fixed effort.

A block is solved with an objective rounded up to a coarser integer scale, so CP-SAT's own bound,
proven in integers, bounds the block at these very prices, however long the search was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import Ints
from scheduler.planner.decompose import Block
from scheduler.planner.solvers.cp_sat import cp_model_of
from scheduler.planner.solvers.cp_solver import (
    CpModelProto,
    CpSolver,
    CpSolverStatus,
    solution_of,
)
from scheduler.planner.solvers.weak_duality import Exact, most_in_box, subtracted

LARGEST = 2.0**44  # what objectives may add up to: exact also where CP-SAT uses floats
EFFORT = 0.05  # deterministic time of one block: much the same work on any machine
GAP = 1e-4  # relative gap at which a block is priced well enough
LOOSE, HARDER = 0.02, 10.0  # relative gap above which a block is solved again, so much harder
SOLVED = (CpSolverStatus.OPTIMAL, CpSolverStatus.FEASIBLE)
MOST_COLUMNS = 3  # solutions of one search that are kept, the best ones


@dataclass(frozen=True, eq=False)
class Priced:
    """A block at some prices."""

    most: int  # no solution of the block is worth more; in 1/PRICE_SCALE of the objective
    solutions: tuple[Ints, ...]  # the last is the best


@dataclass(frozen=True, eq=False)
class Chunk:
    """Blocks that one task prices, one after another."""

    blocks: tuple[Block, ...]
    prices: Ints  # (C,) of the coupling rows, in 1/PRICE_SCALE
    effort: float
    seed: int


def price_chunk(_context: object, chunk: Chunk) -> list[Priced]:
    """Price every block of a chunk (a task for the engine)."""
    return [price(block, chunk.prices, chunk.effort, chunk.seed) for block in chunk.blocks]


def price(block: Block, prices: Ints, effort: float, seed: int) -> Priced:
    """Maximise ``(gain - prices @ takes) @ x`` over the block."""
    arrays = block.arrays
    rest = worth(block, prices)
    scale = _scale(rest, np.maximum(np.abs(arrays.low), np.abs(arrays.high)))
    coarse = np.array([-(-int(each) // scale) for each in rest.tolist()], np.int64)
    # Rounded up is too much only where x >= 0; what may be negative pays for its rounding apart.
    slack = int(np.minimum(arrays.low, 0).sum()) * -scale
    box = int(most_in_box(rest, arrays.low, arrays.high).sum())
    model = cp_model_of(arrays.with_gain(coarse), None)
    solver, status = _solve(model, effort, seed)
    if _is_loose(solver, status):
        solver, status = _solve(model, effort * HARDER, seed)
    if status not in SOLVED:
        return Priced(box, ())  # no status but these proves anything here
    most = int(np.floor(solver.response.best_objective_bound + 1e-3)) * scale + slack
    answer = solver.response
    found = [np.array(list(each.values), np.int64) for each in answer.additional_solutions]
    best = solution_of(answer)
    others = [x for x in found if not np.array_equal(x, best)]
    return Priced(min(most, box), (*others[: MOST_COLUMNS - 1], best))


def _solve(model: CpModelProto, effort: float, seed: int) -> tuple[CpSolver, CpSolverStatus]:
    solver = CpSolver(1, seed)
    solver.parameters.max_deterministic_time = effort
    solver.parameters.relative_gap_limit = GAP
    solver.parameters.linearization_level = 2
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.fill_additional_solutions_in_response = True
    solver.parameters.solution_pool_size = MOST_COLUMNS
    return solver, solver.solve(model)


def _is_loose(solver: CpSolver, status: CpSolverStatus) -> bool:
    """Whether a block is far from solved: a hall of many jobs may need more than all others."""
    if status not in SOLVED:
        return True
    bound = solver.response.best_objective_bound
    return bound - solver.response.objective_value > LOOSE * abs(bound)


def worth(block: Block, prices: Ints) -> Exact:
    """Return what a unit of each column of the block is worth beyond what it takes, exactly."""
    price = prices[block.coupling_row]
    return subtracted(block.arrays.gain, block.coupling_column, price, block.coupling_value)


def _scale(rest: Exact, largest: Ints) -> int:
    """Return the power of two that makes all objective values small enough."""
    size = float((np.abs(rest.astype(np.float64)) * largest).sum())
    return int(2 ** max(0, int(np.ceil(np.log2(max(size, 1.0) / LARGEST)))))
