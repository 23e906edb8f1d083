"""The decomposition of a bound: any prices prove one, and it goes on until all agree."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest

from kernels.forms import Shards
from scheduler.planner.bound import Bounding, run
from scheduler.planner.bound.columns import AGREED, deal
from scheduler.planner.bound.deepen import Deepened, Deepening, deepen, deepening, learn
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.pricing import price, worth
from scheduler.planner.bound.trust import FLOOR, NARROWEST, Trust
from scheduler.planner.engine import make_engine
from scheduler.planner.lots import FINER
from scheduler.planner.solvers.cp_solver import CpSolver, CpSolverStatus
from scheduler.planner.solvers.mixed import Mixed, solve_mixed
from scheduler.planner.solvers.weak_duality import PRICE_SCALE
from tests.bound_cases import (
    ENGINE,
    best_plan,
    compiled_instance,
    compiled_problem,
    decomposition,
)


def test_bound_and_master_agree_in_the_end() -> None:
    part = presolve(compiled_instance(0), met_all=True).part.compiled
    columns = decomposition(part, 14, 10.0)
    columns.run(np.zeros(columns.blocks.rest.num_rows))
    assert columns.bound is not None
    solved = columns.master.solve(5.0, lambda: False)
    assert solved is not None
    value = float(columns.master.arrays().gain @ solved.x) + columns.constant
    assert value <= columns.bound * (1 + 1e-9)
    assert columns.bound - value <= 20 * AGREED * abs(columns.bound)


def test_prices_that_are_nothing_at_first_get_dear_in_a_few_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = presolve(compiled_instance(0), met_all=True).part.compiled
    monkeypatch.setattr("scheduler.planner.bound.columns.MOST_ROUNDS", 4)
    bounds = []
    for floor in (FLOOR, 0.02):
        monkeypatch.setattr("scheduler.planner.bound.trust.FLOOR", floor)
        columns = decomposition(part, 14, 20.0)
        columns.run(np.zeros(columns.blocks.rest.num_rows))
        assert columns.bound is not None
        bounds.append(columns.bound)
    assert bounds[0] < 0.98 * bounds[1]


def test_a_decomposition_goes_on_in_a_worker_where_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one round of many, another process goes on to the end, and says what it found."""
    part = presolve(compiled_instance(0), met_all=True).part.compiled
    columns, whole = decomposition(part, 14, 20.0), decomposition(part, 14, 20.0)
    nothing = np.zeros(columns.blocks.rest.num_rows)
    whole.run(nothing)
    with monkeypatch.context() as patch:
        patch.setattr("scheduler.planner.bound.columns.MOST_ROUNDS", 1)
        columns.run(nothing)
    before, known = columns.bound, len(columns.master.columns)
    assert before is not None
    assert whole.bound is not None
    task = deepening(columns, 20.0)
    assert task is not None
    with make_engine("local", None, workers=1) as engine:
        (found,) = engine.run([task], deadline=time.monotonic() + 60, stopped=lambda: False)
    assert isinstance(found, Deepened)
    learn(columns, found)
    assert columns.bound is not None
    assert len(columns.master.columns) > known
    assert columns.bound < before
    assert columns.bound <= whole.bound * 1.01
    assert columns.is_settled
    assert deepening(columns, 20.0) is None


@pytest.mark.parametrize("most_classes", [run.LEAST_CLASSES, run.MOST_CLASSES])
def test_the_decomposition_goes_on_before_the_mixed_program(
    most_classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer where classes are many; the mixed program ends soon."""
    monkeypatch.setattr(run, "PROGRAM_PLACEMENTS", -1)
    monkeypatch.setattr(run, "MOST_CLASSES", most_classes)
    monkeypatch.setattr("scheduler.planner.bound.columns.MOST_ROUNDS", 1)
    compiled = compiled_instance(2)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    bounding = Bounding(compiled, nothing, True, ENGINE, 10.0, 0, lambda: False)
    bounding.begin()
    before = dict(bounding.known)
    task = bounding.next(10.0)
    assert task is not None
    assert task.function is deepen
    monkeypatch.setattr("scheduler.planner.bound.columns.MOST_ROUNDS", 200)
    assert isinstance(task.payload, Deepening)
    few = bounding.found.outline.lowered.classes.count <= run.LEAST_CLASSES
    assert few == (most_classes == run.LEAST_CLASSES)
    assert task.payload.limit_s == pytest.approx(3.0 if few else 6.0)
    bounding.take(deepen(None, task.payload))
    assert bounding.known["columns"] < before["columns"]
    task = bounding.next(10.0)
    assert task is not None
    assert task.function is solve_mixed
    assert isinstance(task.payload, Mixed)
    assert task.payload.time_limit_s == pytest.approx(3.0)


def test_a_narrow_box_around_the_prices_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    part = presolve(compiled_instance(0), met_all=True).part.compiled
    monkeypatch.setattr("scheduler.planner.bound.columns.AGREED", 0.02)
    monkeypatch.setattr("scheduler.planner.bound.trust.FLOOR", 0.02)
    bounds = []
    for may_widen in (True, False):
        narrow = partial(Trust, width=NARROWEST)
        monkeypatch.setattr("scheduler.planner.bound.columns.Trust", narrow)
        if not may_widen:
            monkeypatch.setattr(Trust, "widen", lambda _self: False)
        columns = decomposition(part, 14, 10.0)
        columns.run(np.zeros(columns.blocks.rest.num_rows))
        assert columns.bound is not None
        bounds.append(columns.bound)
    assert bounds[0] < 0.98 * bounds[1]


def test_any_prices_give_a_bound() -> None:
    rng = np.random.default_rng(0)
    asked_of = 0
    for seed in range(60):
        compiled, best = compiled_problem(seed), best_plan(seed)
        if best.score.violation or best.score.unmet_firm_gpus:
            continue
        columns = decomposition(compiled, 4, 60.0)
        for size in (0.0, 1.0, 1e4):
            prices = rng.normal(0.0, 1.0, columns.blocks.rest.num_rows) * size
            asked = columns._ask(prices)
            assert asked is not None
            mills = (asked.total // PRICE_SCALE + columns.constant) // FINER
            assert mills >= best.score.margin_mills, f"seed {seed}, prices of {size}"
        asked_of += len(columns.blocks.blocks) > 0
    assert asked_of > 3


def test_blocks_are_dealt_evenly_and_once() -> None:
    columns = decomposition(compiled_instance(0), 14, 10.0)
    hands = deal(columns.blocks.blocks, 2)
    assert sorted(n for hand in hands for n in hand) == list(range(len(columns.blocks.blocks)))


def test_a_block_is_never_worth_more_than_it_was_priced_at() -> None:
    rng = np.random.default_rng(1)
    columns = decomposition(presolve(compiled_instance(0), met_all=True).part.compiled, 14, 10.0)
    for block in columns.blocks.blocks:
        prices = np.rint(rng.uniform(0, 50, len(columns.blocks.coupling)) * PRICE_SCALE)
        answer = price(block, prices.astype(np.int64), 0.02, 0)
        for x in answer.solutions:
            assert int((worth(block, prices.astype(np.int64)) * x).sum()) <= answer.most


def test_pricing_out_of_time_proves_the_box_only(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = decomposition(compiled_instance(0), 14, 10.0)
    block = columns.blocks.blocks[0]
    prices = np.zeros(len(columns.blocks.coupling), np.int64)
    monkeypatch.setattr(CpSolver, "solve", lambda *_: CpSolverStatus.UNKNOWN)
    answer = price(block, prices, 0.01, 0)
    best_of_each = np.maximum(
        block.arrays.gain * block.arrays.low, block.arrays.gain * block.arrays.high
    )
    assert answer.solutions == ()
    assert answer.most == int(best_of_each.sum()) * PRICE_SCALE
