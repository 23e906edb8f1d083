"""Writes the plans of one run to its folder: the inputs once, with the first of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.result import Record, result_record
from scheduler.write import digest_of, input_files, write_solution

if TYPE_CHECKING:
    from scheduler.model import Problem
    from scheduler.solve import Solution


class Folder:
    """The folder of one run of ``rackwatt plan``.

    Attributes
    ----------
    digest
        Tells the problem from others.
    """

    def __init__(self, path: Path, problem: Problem, started: float) -> None:
        self._path, self._started = path, started
        self._inputs = input_files(problem)
        self.digest = digest_of(self._inputs)

    def save(self, solution: Solution) -> None:
        """Write a plan on the way, if it passed the check."""
        if solution.verdict.checked:
            self.write(solution, self.record(solution, in_full=False), {})

    def record(
        self, solution: Solution, conflict: Record | None = None, *, in_full: bool = True
    ) -> Record:
        """Return what ``result.json`` says now; see `result_record`."""
        wall_s = time.monotonic() - self._started
        return result_record(solution, wall_s, conflict, self.digest, in_full=in_full)

    def write(self, solution: Solution, record: Record, unplaced: Mapping[str, str]) -> None:
        """Write all files of a plan, the inputs only if this run has not written them yet."""
        write_solution(self._path, solution, record, unplaced, self._inputs)
        self._inputs = {}
