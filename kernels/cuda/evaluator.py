"""One compiled problem on a device: the three workloads behind the `Evaluator` protocol."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from kernels import moves
from kernels.batch import MoveSets
from kernels.batch_score import score_batch
from kernels.candidates import Candidates, Destinations
from kernels.cuda.batch import BatchScore
from kernels.cuda.device import Device
from kernels.cuda.resident import Resident
from kernels.cuda.scenarios import ScenarioScore
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep import MOST_TOP, CudaSweep
from kernels.forms import Compiled, Ints, LinearLoad, Shards
from kernels.moves import Delta, Move, Workspace
from kernels.reference import headroom
from kernels.scenarios import Scenarios, ScenarioScores
from kernels.score import Score
from kernels.sweep import Sweeper


class CudaEvaluator:
    """A problem that stays on the device; plans and moves travel, and results come back."""

    notes: tuple[str, ...] = ()

    def __init__(self, compiled: Compiled, device: Device) -> None:
        self.compiled = compiled
        self.resident = Resident(device, compiled)
        self.plan = PlanScore(self.resident)

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        return self.plan.score(shards)

    def score_batch(self, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of `base` after each set, (P,) each."""
        try:
            return self._batch.score(base, move_sets)
        except ValueError:
            return score_batch(self.compiled, base, move_sets)  # says which move is wrong

    def score_scenarios(
        self, base: Shards, move_sets: MoveSets, scenarios: Scenarios
    ) -> ScenarioScores:
        """Return what `base` after each set of moves exceeds in every scenario."""
        return self._scenarios.score(base, move_sets, scenarios)

    def sweep(self, shards: Shards, candidates: Candidates, top: int = 1) -> Destinations:
        """Return the best `top` racks of every candidate."""
        if self._sweep is not None and top <= MOST_TOP and len(candidates):
            self.plan.hold(shards)
            found = self._sweep.sweep(candidates, top)
            if found is not None:
                return found
        return self._sweeper.sweep(shards, candidates, top)

    def delta(self, shards: Shards, moves_of_one: Iterable[Move]) -> Delta:
        """Return what the moves change; a few rows are nothing for a device."""
        return moves.delta(self.compiled, shards, moves_of_one)

    def start(self, shards: Shards) -> Workspace:
        """Return a workspace for moves from this plan on."""
        return Workspace(self.compiled, shards)

    def headroom(self, form: LinearLoad, shards: Shards) -> Ints:
        """Return what is left below every limit of a form, (I,)."""
        return headroom(form, shards)

    @cached_property
    def _batch(self) -> BatchScore:
        return BatchScore(self.resident, self.plan)

    @cached_property
    def _scenarios(self) -> ScenarioScore:
        return ScenarioScore(self.resident, self.plan)

    @cached_property
    def _sweep(self) -> CudaSweep | None:
        """The sweep on the device, None if the problem's racks cannot be arranged for it."""
        own = self._sweeper
        if own.layout is None:
            return None
        return CudaSweep(self.resident, self.plan, own.layout, own.types, own.ranges)

    @cached_property
    def _sweeper(self) -> Sweeper:
        return Sweeper(self.compiled)
