"""The CUDA backend as a run sees it: where the device fails, the CPU goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kernels.batch import MoveSets
from kernels.candidates import Candidates, Destinations
from kernels.cpu import NumpyEvaluator
from kernels.cuda.device import Device
from kernels.cuda.evaluator import CudaEvaluator
from kernels.cuda.resident import NotHeldError
from kernels.exactness import check_range
from kernels.forms import Compiled, Ints, LinearLoad, Shards
from kernels.moves import Delta, Move, Workspace
from kernels.scenarios import Scenarios, ScenarioScores
from kernels.score import Score

T = TypeVar("T")

# What CUDA and CuPy raise: lost devices and failed launches, memory, what cannot be loaded.
DEVICE_ERRORS = (RuntimeError, MemoryError, OSError, ImportError, NotHeldError)


class CudaBackend:
    """A device that passed its test."""

    name = "cuda"

    def __init__(self, device: Device) -> None:
        self.device = device

    def load(self, compiled: Compiled) -> FallbackEvaluator:
        """Check that all sums stay exact and take the problem in."""
        check_range(compiled)
        return FallbackEvaluator(compiled, self.device)


class FallbackEvaluator:
    """Asks the device, and the CPU from the first failure on: the answers are the same."""

    def __init__(self, compiled: Compiled, device: Device) -> None:
        self.notes: tuple[str, ...] = ()
        self._cpu = NumpyEvaluator(compiled)
        self._cuda: CudaEvaluator | None = None
        try:
            self._cuda = CudaEvaluator(compiled, device)
        except DEVICE_ERRORS as error:
            self._give_up(error)

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        return self._ask(lambda who: who.score(shards))

    def score_batch(self, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of `base` after each set, (P,) each."""
        return self._ask(lambda who: who.score_batch(base, move_sets))

    def score_scenarios(
        self, base: Shards, move_sets: MoveSets, scenarios: Scenarios
    ) -> ScenarioScores:
        """Return what `base` after each set of moves exceeds in every scenario."""
        return self._ask(lambda who: who.score_scenarios(base, move_sets, scenarios))

    def sweep(self, shards: Shards, candidates: Candidates, top: int = 1) -> Destinations:
        """Return the best `top` racks of every candidate."""
        return self._ask(lambda who: who.sweep(shards, candidates, top))

    def delta(self, shards: Shards, moves_of_one: Iterable[Move]) -> Delta:
        """Return what the moves change."""
        return self._cpu.delta(shards, moves_of_one)

    def start(self, shards: Shards) -> Workspace:
        """Return a workspace for moves from this plan on."""
        return self._cpu.start(shards)

    def headroom(self, form: LinearLoad, shards: Shards) -> Ints:
        """Return what is left below every limit of a form, (I,)."""
        return self._cpu.headroom(form, shards)

    def _ask(self, question: Callable[[CudaEvaluator | NumpyEvaluator], T]) -> T:
        if self._cuda is not None:
            try:
                return question(self._cuda)
            except DEVICE_ERRORS as error:
                self._give_up(error)
        return question(self._cpu)

    def _give_up(self, error: Exception) -> None:
        self._cuda = None
        self.notes = (f"the GPU failed ({first_line(error)}); the CPU went on, nothing is lost",)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its type."""
    return next(iter(str(error).splitlines()), type(error).__name__)
