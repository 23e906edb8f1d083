"""CP-SAT by its binding: models as protos, one solver for each solve.

OR-Tools' ``cp_model`` is a layer above that builds models by operators and series. We need none of
it, and it loads pandas, which takes 50 MiB and a third of a second of every process.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from ortools.sat.python.cp_model_helper import (
    CpModelProto,
    CpSatHelper,
    CpSolverResponse,
    CpSolverStatus,
    SatParameters,
    SolutionCallback,
    SolveWrapper,
)

from kernels.forms import Ints

__all__ = ["CpModelProto", "CpSolver", "CpSolverStatus", "fault_of", "solution_of"]


class CpSolver:
    """One solve: its parameters, who hears what on the way, and the response."""

    def __init__(self, num_workers: int, seed: int) -> None:
        self.parameters = SatParameters()
        self.parameters.num_workers = num_workers
        self.parameters.random_seed = seed % 2**31
        self.parameters.catch_sigint_signal = False
        self.on_solution: Callable[[Ints], None] | None = None
        self.on_bound: Callable[[float], None] | None = None
        self.response: CpSolverResponse
        self._lock = Lock()  # on the solve that runs
        self._running: SolveWrapper | None = None

    def solve(self, model: CpModelProto) -> CpSolverStatus:
        """Solve, and return the status of the response."""
        running = SolveWrapper()
        running.set_parameters(self.parameters)
        if self.on_bound is not None:
            running.add_best_bound_callback(self.on_bound)
        callback = None if self.on_solution is None else _Solutions(self.on_solution)
        if callback is not None:
            running.add_solution_callback(callback)
        with self._lock:
            self._running = running
        self.response = _untyped(running).solve(model)
        with self._lock:
            self._running = None
        if callback is not None:
            running.clear_solution_callback(callback)
        status: CpSolverStatus = self.response.status
        return status

    def stop_search(self) -> None:
        """Have the solve that runs, if any, end soon; from another thread."""
        with self._lock:
            if self._running is not None:
                self._running.stop_search()


class _Solutions(SolutionCallback):
    """Hands every better solution on."""

    def __init__(self, hand_on: Callable[[Ints], None]) -> None:
        super().__init__()
        self.hand_on = hand_on

    def OnSolutionCallback(self) -> None:
        self.hand_on(solution_of(_untyped(self).Response()))


def _untyped(binding: Any) -> Any:
    """Return what belongs to the binding, whose methods have types only in part."""
    return binding


def solution_of(response: CpSolverResponse) -> Ints:
    """Return the best solution of a response."""
    return np.array(list(response.solution), np.int64)


def fault_of(model: CpModelProto) -> str:
    """Return what is not valid in a model, in CP-SAT's words; "" if nothing."""
    return CpSatHelper.validate_model(model)
