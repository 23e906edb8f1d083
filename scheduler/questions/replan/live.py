"""A running plan that is changed step by step; the kernels score every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kernels import backend as backends
from kernels.backend import Evaluator
from kernels.forms import NONE, Compiled
from kernels.moves import Delta
from kernels.moves import Move as IndexedMove
from kernels.reference import counted as counted_units
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Job, Plan, Problem
from scheduler.questions.moves import Move, applied, moves_between
from scheduler.topology import Topology


@dataclass(frozen=True)
class Ground:
    """A problem compiled once. Totals are not the kernels' matter here: see `Live.is_whole`."""

    problem: Problem

    @cached_property
    def compiled(self) -> Compiled:
        """The arrays; any number of units up to the most of a job counts as allowed."""
        compiled = compile_problem(self.problem, Topology(self.problem.site))
        least = np.minimum(compiled.units.least, 1)
        return replace(compiled, units=replace(compiled.units, least=least))

    @cached_property
    def evaluator(self) -> Evaluator:
        """The kernels."""
        return backends.select("cpu")[0].load(self.compiled)

    @cached_property
    def jobs(self) -> Mapping[str, int]:
        """Job names to numbers."""
        return {name: j for j, name in enumerate(self.compiled.job_names)}

    @cached_property
    def racks(self) -> Mapping[str, int]:
        """Rack names to numbers."""
        return {name: r for r, name in enumerate(self.compiled.rack_names)}

    def indexed(self, moves: Iterable[Move]) -> Iterator[IndexedMove]:
        """Yield moves by number."""
        for move in moves:
            source = NONE if move.source is None else self.racks[move.source]
            target = NONE if move.target is None else self.racks[move.target]
            yield IndexedMove(self.jobs[move.job], source, target, move.units)


class Live:
    """A plan in the hands of `replan`."""

    def __init__(self, ground: Ground, plan: Plan) -> None:
        self.ground, self.plan = ground, plan
        self._workspace = ground.evaluator.start(to_shards(ground.compiled, plan))

    @property
    def key(self) -> tuple[int, int, int]:
        """What plans are ordered by, smallest first: see `kernels.score.Score.key`."""
        space = self._workspace
        return space.violation, space.unmet_firm_gpus, -space.margin_mills

    @property
    def violation(self) -> int:
        """Sum of what is above a limit."""
        return self._workspace.violation

    def delta(self, moves: Iterable[Move]) -> Delta:
        """Return what the moves, taken as one, would change."""
        return self._workspace.delta(self.ground.indexed(moves))

    def commit(self, moves: Iterable[Move]) -> None:
        """Carry out the moves."""
        moves = tuple(moves)
        self._workspace.commit(self.ground.indexed(moves))
        self.plan = applied(self.plan, moves)

    def become(self, plan: Plan) -> None:
        """Carry out whatever turns the plan into another."""
        self.commit(moves_between(self.plan, plan))

    def lacking(self, job: Job) -> int:
        """Return the units that `job` still asks for; of a contract those that do not count yet."""
        placed = self.plan.placed_units(job.name)
        if job.promised_units is None:
            return max(0, job.units - placed)
        counted = counted_units(self.ground.compiled, self._workspace.shards)
        missing = job.promised_units - int(counted[self.ground.jobs[job.name]])
        least = job.min_units - placed
        return min(max(missing, least, 0), job.units - placed) if missing > 0 else 0

    def is_whole(self, job: str) -> bool:
        """Whether a job has none of its units or as many as it needs at least."""
        placed, record = self.plan.placed_units(job), self.ground.problem.jobs[job]
        return placed == 0 or record.min_units <= placed <= record.units
