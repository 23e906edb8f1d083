"""One body of tests for every evaluator: NumPy, the CUDA source in four thread orders, a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from kernels import reference
from kernels.backend import Evaluator
from kernels.batch import MoveSets
from kernels.batch_score import score_batch
from kernels.cuda import self_test
from kernels.cuda.device import Buffer
from kernels.cuda.evaluator import CudaEvaluator
from kernels.cuda.resident import NotHeldError, Resident
from kernels.fallback import CudaBackend
from kernels.forms import Compiled, Shards
from kernels.moves import Move
from kernels.scenarios import score_scenarios
from kernels.sweep import Sweeper
from tests.cuda_shim.device import ShimDevice
from tests.evaluators import NAMES, device_named, evaluator_named
from tests.random_compiled import random_compiled, random_moves, random_shards
from tests.test_scenarios import as_lists, random_scenarios
from tests.test_sweep import columns, some_candidates

evaluators = pytest.mark.parametrize("name", NAMES)
SEEDS = range(7)


def large_compiled() -> tuple[Compiled, Shards]:
    """Return a problem whose sizes are no multiples of a warp or a block."""
    from benchmarks.synthetic import synthetic

    return synthetic(racks=300, jobs=333, severity="tight", seed=1)


def sets_of(compiled: Compiled, base: Shards, seed: int) -> MoveSets:
    return MoveSets.build([random_moves(compiled, base, seed + p) for p in range(3)] + [[]])


@evaluators
def test_scores_equal_the_definition(name: str) -> None:
    for seed in SEEDS:
        compiled = random_compiled(seed)
        evaluator = evaluator_named(name, compiled)
        for plan in range(2):
            shards = random_shards(compiled, seed + plan)
            assert evaluator.score(shards) == reference.score(compiled, shards)


@evaluators
def test_batches_equal_those_of_numpy(name: str) -> None:
    for seed in SEEDS:
        compiled = random_compiled(seed)
        base = random_shards(compiled, seed)
        sets = sets_of(compiled, base, seed)
        found = evaluator_named(name, compiled).score_batch(base, sets)
        expected = score_batch(compiled, base, sets)
        assert [each.tolist() for each in found] == [each.tolist() for each in expected]


@evaluators
def test_scenarios_equal_those_of_numpy(name: str) -> None:
    for seed in SEEDS:
        compiled = random_compiled(seed)
        base = random_shards(compiled, seed)
        sets, scenarios = sets_of(compiled, base, seed), random_scenarios(compiled, seed)
        found = evaluator_named(name, compiled).score_scenarios(base, sets, scenarios)
        assert as_lists(found) == as_lists(score_scenarios(compiled, base, sets, scenarios))


@evaluators
@pytest.mark.parametrize("top", [1, 4])
def test_sweeps_equal_those_of_numpy(name: str, top: int) -> None:
    for seed in SEEDS:
        compiled = random_compiled(seed)
        shards = random_shards(compiled, seed)
        candidates = some_candidates(compiled, shards, seed)
        found = evaluator_named(name, compiled).sweep(shards, candidates, top)
        assert columns(found) == columns(Sweeper(compiled).sweep(shards, candidates, top))


@pytest.mark.parametrize("name", NAMES[1:])
def test_moves_that_cannot_be_made_are_refused(name: str) -> None:
    compiled = random_compiled(2)
    base = Shards.build(*np.array([[0, 0, 3]], np.int64).T)
    evaluator = evaluator_named(name, compiled)
    with pytest.raises(ValueError, match="more units of job 0 from rack 0"):
        evaluator.score_batch(base, MoveSets.build([[], [Move(0, 0, 1, 4)]]))


def test_a_base_plan_stays_on_the_device_until_another_comes() -> None:
    device = device_named(NAMES[1])
    assert isinstance(device, ShimDevice)
    compiled = random_compiled(6)
    one, other = random_shards(compiled, 6), random_shards(compiled, 7)
    evaluator = CudaEvaluator(compiled, device)
    launches = []
    for base in (one, one, other, one):
        before = device.launches
        found = evaluator.score_batch(base, sets_of(compiled, base, 6))
        expected = score_batch(compiled, base, sets_of(compiled, base, 6))
        assert [each.tolist() for each in found] == [each.tolist() for each in expected]
        launches.append(device.launches - before)
    assert launches[1] < launches[0] == launches[3]


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_device_that_works_passes_its_test(name: str) -> None:
    assert self_test.passes(device_named(name))


def test_the_self_test_breaks_limits_of_every_form() -> None:
    compiled = self_test.problem()
    shards = Shards.build(*np.array([[0, 0, 3], [0, 1, 2], [1, 1, 1], [2, 0, 4]], np.int64).T)
    score = reference.score(compiled, shards)
    assert all(each.violation for each in score.by_term.values())
    assert score.unmet_firm_gpus


class FailingDevice(ShimDevice):
    """A device that is lost at one of its launches."""

    def __init__(self, error: Exception, launches: int) -> None:
        super().__init__()
        self.error, self.left = error, launches

    def launch(
        self,
        kernel: str,
        blocks: int,
        threads: int,
        arguments: Sequence[Buffer | int],
        shared_bytes: int = 0,
    ) -> None:
        """Run a kernel, or fail."""
        self.left -= 1
        if self.left < 0:
            raise self.error
        super().launch(kernel, blocks, threads, arguments, shared_bytes)


@pytest.mark.parametrize(
    "error", [RuntimeError("cudaErrorDevicesUnavailable\nmore"), MemoryError("out of memory")]
)
@pytest.mark.parametrize("launches", [0, 3, 25])
def test_a_run_goes_on_when_the_device_is_lost(error: Exception, launches: int) -> None:
    device_named(NAMES[1])
    compiled = random_compiled(6)
    shards = random_shards(compiled, 6)
    candidates = some_candidates(compiled, shards, 6)
    sets, scenarios = sets_of(compiled, shards, 6), random_scenarios(compiled, 6)
    evaluator: Evaluator = CudaBackend(FailingDevice(error, launches)).load(compiled)
    questions: list[Callable[[Evaluator], Any]] = [
        lambda who: who.score(shards),
        lambda who: [each.tolist() for each in who.score_batch(shards, sets)],
        lambda who: as_lists(who.score_scenarios(shards, sets, scenarios)),
        lambda who: columns(who.sweep(shards, candidates, 2)),
    ]
    cpu = evaluator_named("cpu", compiled)
    for ask in questions:
        assert ask(evaluator) == ask(cpu)
    (note,) = evaluator.notes
    assert (
        note == f"the GPU failed ({str(error).splitlines()[0]}); the CPU went on, nothing is lost"
    )


def test_a_problem_that_the_device_cannot_hold_runs_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = device_named(NAMES[1])
    monkeypatch.setattr("kernels.cuda.resident.MOST_PAIRS", 0)
    compiled = random_compiled(6)
    with pytest.raises(NotHeldError, match="more than 0"):
        Resident(device, compiled)
    shards = random_shards(compiled, 6)
    evaluator = CudaBackend(device).load(compiled)
    assert evaluator.score(shards) == reference.score(compiled, shards)
    assert "pairs of groups and domains" in evaluator.notes[0]


@pytest.mark.parametrize("order", [0, 2])
def test_sizes_that_fill_no_warp_or_block(order: int) -> None:
    device_named(NAMES[1])
    compiled, shards = large_compiled()
    evaluator = CudaEvaluator(compiled, ShimDevice(order))
    cpu = evaluator_named("cpu", compiled)
    assert evaluator.score(shards) == reference.score(compiled, shards)
    candidates = Sweeper(compiled)  # arranged once for both
    asked = some_candidates(compiled, shards, 1).take(slice(0, None, 7))
    assert candidates.layout is not None
    assert columns(evaluator.sweep(shards, asked, 3)) == columns(cpu.sweep(shards, asked, 3))
    sets = sets_of(compiled, shards, 1)
    batch = [each.tolist() for each in evaluator.score_batch(shards, sets)]
    assert batch == [each.tolist() for each in cpu.score_batch(shards, sets)]
