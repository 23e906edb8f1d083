"""The CPU backend: NumPy, the definition for one plan and the fast paths for many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from kernels import moves, reference, scenarios
from kernels.batch import MoveSets
from kernels.batch_score import BatchScorer
from kernels.candidates import Candidates, Destinations
from kernels.exactness import check_range
from kernels.forms import Compiled, Ints, LinearLoad, Shards
from kernels.moves import Delta, Move, Workspace
from kernels.score import Score
from kernels.sweep import Sweeper


class NumpyEvaluator:
    """A compiled problem in NumPy; what does not depend on a plan is worked out once."""

    notes: tuple[str, ...] = ()

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self._scorer: BatchScorer | None = None

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        return reference.score(self.compiled, shards)

    def score_batch(self, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of `base` after each set, (P,) each."""
        if self._scorer is None or self._scorer.base is not base:
            self._scorer = BatchScorer(self.compiled, base, self._sweeper.table)
        return self._scorer.score(move_sets)

    def score_scenarios(
        self, base: Shards, move_sets: MoveSets, sampled: scenarios.Scenarios
    ) -> scenarios.ScenarioScores:
        """Return what `base` after each set of moves exceeds in every scenario."""
        return scenarios.score_scenarios(self.compiled, base, move_sets, sampled)

    def sweep(self, shards: Shards, candidates: Candidates, top: int = 1) -> Destinations:
        """Return the best `top` racks of every candidate."""
        return self._sweeper.sweep(shards, candidates, top)

    def delta(self, shards: Shards, moves_of_one: Iterable[Move]) -> Delta:
        """Return what the moves change."""
        return moves.delta(self.compiled, shards, moves_of_one)

    def start(self, shards: Shards) -> Workspace:
        """Return a workspace for moves from this plan on."""
        return Workspace(self.compiled, shards)

    def headroom(self, form: LinearLoad, shards: Shards) -> Ints:
        """Return what is left below every limit of a form, (I,)."""
        return reference.headroom(form, shards)

    @cached_property
    def _sweeper(self) -> Sweeper:
        return Sweeper(self.compiled)


@dataclass(frozen=True)
class NumpyBackend:
    """The CPU."""

    name: str = "cpu"

    def load(self, compiled: Compiled) -> NumpyEvaluator:
        """Check that all sums stay exact and take the problem in."""
        check_range(compiled)
        return NumpyEvaluator(compiled)
