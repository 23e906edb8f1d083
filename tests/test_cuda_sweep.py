"""The sweep on a device: near and far rows, some families at a time, one plan after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kernels.cuda.device import Buffer, Device
from kernels.cuda.evaluator import CudaEvaluator
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep import CudaSweep
from kernels.forms import AssignmentCost, Compiled, Ints
from kernels.sweep import Candidates, Destinations, Sweeper
from tests.cuda_shim.device import ShimDevice
from tests.cuda_shim.driver import dear, heavy
from tests.evaluators import NAMES, device_named
from tests.random_compiled import random_compiled, random_shards
from tests.test_sweep import columns, some_candidates

SEEDS = range(10)
CELL_RACKS = (0, 1, 2, 4, 32)  # from everything far to everything near


class Arranged:
    """One problem, arranged for sweeps with cells of a given size, on the CPU and on a device."""

    def __init__(self, compiled: Compiled, device: Device, cell_racks: int) -> None:
        self.on_cpu = Sweeper(compiled, cell_racks)
        resident = Resident(device, compiled)
        self.plan = PlanScore(resident)
        own = self.on_cpu
        assert own.layout is not None
        self.on_device = CudaSweep(resident, self.plan, own.layout, own.types, own.ranges)

    def agree(self, seed: int, top: int) -> bool:
        """Return whether both find the same for a random plan."""
        compiled = self.on_cpu.compiled
        shards = random_shards(compiled, seed)
        asked = some_candidates(compiled, shards, seed)
        self.plan.hold(shards)
        found: Destinations | None = self.on_device.sweep(asked, top)
        return found is None or columns(found) == columns(self.on_cpu.sweep(shards, asked, top))


def shim() -> ShimDevice:
    device = device_named(NAMES[1])
    assert isinstance(device, ShimDevice)
    return device


def some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a device hold the rows of one family or two, and overlaps of few candidates."""
    monkeypatch.setattr("kernels.cuda.sweep.ROW_NUMBERS", 16)
    monkeypatch.setattr("kernels.cuda.sweep.CORRECTIONS", 24)


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("few", [False, True])
def test_near_and_far_rows(monkeypatch: pytest.MonkeyPatch, name: str, few: bool) -> None:
    if few:
        some_at_a_time(monkeypatch)
    for seed in SEEDS:
        device, cell_racks = device_named(name), CELL_RACKS[seed % len(CELL_RACKS)]
        assert Arranged(random_compiled(seed), device, cell_racks).agree(seed, 1 + seed % 9)


@pytest.mark.parametrize("change", [heavy, dear])
def test_numbers_beyond_32_bits(change: Callable[[Compiled], Compiled]) -> None:
    for seed in SEEDS:
        assert Arranged(change(random_compiled(seed)), shim(), 1).agree(seed, 2)


def test_one_arrangement_serves_many_plans() -> None:
    """Nothing of a plan is left for the next one, whether it has more candidates or fewer."""
    for seed in range(2):
        arranged = Arranged(random_compiled(seed), shim(), 2)
        assert all(arranged.agree(plan, 2) for plan in range(6))


def test_candidates_alone_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = random_compiled(6)
    device = shim()
    arranged = Arranged(compiled, device, 32)
    assert arranged.agree(6, 1)
    sent: list[int] = []
    put = device.put

    def counted(array: Ints) -> Buffer:
        sent.append(array.nbytes)
        return put(array)

    monkeypatch.setattr(device, "put", counted)
    assert arranged.agree(6, 1)
    count = len(some_candidates(compiled, random_shards(compiled, 6), 6))
    assert sum(sent) <= (4 + 4 + 8 + 4) * count  # job, source, units; where families begin


def test_what_the_device_cannot_sweep_is_swept_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = random_compiled(8)
    shards = random_shards(compiled, 8)
    asked = some_candidates(compiled, shards, 8)
    forms = tuple(
        replace(form, cost_mills=form.cost_mills * 2**46)
        if isinstance(form, AssignmentCost)
        else form
        for form in compiled.forms
    )
    beyond = replace(compiled, forms=forms)
    many = 40  # racks for each candidate, more than the kernels keep
    none = Candidates(asked.job[:0], asked.source[:0], asked.units[:0])
    for problem, candidates, top in (
        (beyond, asked, 2),
        (compiled, asked, many),
        (compiled, none, 2),
    ):
        expected = Sweeper(problem).sweep(shards, candidates, top)
        found = CudaEvaluator(problem, shim()).sweep(shards, candidates, top)
        assert columns(found) == columns(expected)
    monkeypatch.setattr("kernels.sweep.layout.MOST_SIGNATURES", 0)
    expected = Sweeper(compiled).sweep(shards, asked, 2)
    assert columns(CudaEvaluator(compiled, shim()).sweep(shards, asked, 2)) == columns(expected)
