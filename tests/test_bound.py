"""No plan is better than its bound: volume, columns, program; at any prices, of any status."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from random import Random
from typing import Any

import numpy as np
import pytest
from ortools.math_opt.python import mathopt

from benchmarks.baselines import BASELINES, Task
from benchmarks.instances import instance
from kernels.forms import NONE, AssignmentCost, Compiled, GroupPresence, Shards
from kernels.reference import score
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.planner import Best, Search
from scheduler.planner.bound import Bounded, Bounding, bound, run
from scheduler.planner.bound.columns import AGREED, Decomposition, deal
from scheduler.planner.bound.deepen import Deepened, Deepening, deepen, deepening, learn
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.outline import Outline, in_blocks
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.pricing import price, worth
from scheduler.planner.bound.resolution import choose_classes
from scheduler.planner.bound.trust import FLOOR, NARROWEST, Trust
from scheduler.planner.engine import make_engine
from scheduler.planner.lots import FINER, can_merge, make_lots
from scheduler.planner.program import Program
from scheduler.planner.restrict import joined, restrict, without
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.cp_solver import CpSolver, CpSolverStatus
from scheduler.planner.solvers.mixed import Mixed, solve_mixed
from scheduler.planner.solvers.weak_duality import PRICE_SCALE, certified_bound
from scheduler.topology import Topology
from tests.random_problems import random_plan, random_problem

ENGINE = make_engine("inline", None, workers=1)


@cache
def compiled_problem(seed: int) -> Compiled:
    problem = random_problem(seed)
    return compile_problem(problem, Topology(problem.site))


@cache
def compiled_instance(seed: int) -> Compiled:
    problem = instance("S", seed)
    return compile_problem(problem, Topology(problem.site))


@cache
def best_plan(seed: int) -> Best:
    """The optimum, mostly: these problems are tiny."""
    return search(compiled_problem(seed), 10.0)


def search(compiled: Compiled, time_limit_s: float) -> Best:
    return Search(
        compiled,
        lambda shards: score(compiled, shards),
        seed=0,
        time_limit_s=time_limit_s,
        workers=1,
        stopped=lambda: False,
        report=lambda _phase, _best: None,
    ).run()


def bounded(compiled: Compiled, best: Best, time_limit_s: float = 5.0) -> Bounded:
    return bound(
        compiled,
        best=best.shards,
        met_all=best.score.unmet_firm_gpus == 0,
        engine=ENGINE,
        time_limit_s=time_limit_s,
        seed=0,
        stopped=lambda: False,
    )


def decomposition(compiled: Compiled, most_classes: int, time_limit_s: float) -> Decomposition:
    block_of_job, _ = blocks_of_jobs(compiled)
    outline = Outline.of(compiled, in_blocks(block_of_job), most_classes, 0)
    return Decomposition(
        outline.cut(block_of_job),
        outline.lowered.arrays.constant,
        ENGINE,
        time.monotonic() + time_limit_s,
        lambda: False,
        0,
    )


# ---- bounds against plans


@pytest.mark.parametrize("chunk", range(4))
def test_every_bound_holds_and_the_gap_is_split_to_the_last_mill(chunk: int) -> None:
    kinds: set[str] = set()
    with_groups = 0
    for seed in range(chunk, 64, 4):
        compiled, best = compiled_problem(seed), best_plan(seed)
        if best.score.violation:
            continue
        found = bounded(compiled, best)
        kinds |= set(found.bounds)
        with_groups += bool(len(blocks_of_jobs(compiled)[1]))
        for by, mills in found.bounds.items():
            assert mills >= best.score.margin_mills, f"seed {seed}: {by}"
        assert found.proof.bound_mills == min(found.bounds.values())
        parts = found.gap_parts(best.shards)
        gap = found.proof.bound_mills - best.score.margin_mills
        assert sum(part.mills for part in parts) == gap
    assert kinds == {"volume", "columns", "program"}
    assert with_groups > 2


@pytest.mark.parametrize("seed", range(2))
def test_bounds_of_an_instance_hold_and_tighten(seed: int) -> None:
    compiled = compiled_instance(seed)
    best = search(compiled, 2.0)
    found = bounded(compiled, best, 4.0)
    margin, bounds = best.score.margin_mills, found.bounds
    assert margin <= bounds["program"] < bounds["columns"] <= bounds["volume"]
    profit = found.profit
    assert profit is not None
    placed = np.isin(np.arange(compiled.num_jobs), best.shards.job)
    assert profit[placed].mean() > profit[~placed].mean()  # prices know which work is worth more
    assert len(found.proof.prices) > 3
    for shards in (best.shards, Shards.build(*np.zeros((3, 0), np.int64))):
        gap = found.proof.bound_mills - score(compiled, shards).margin_mills
        parts = found.gap_parts(shards)
        assert sum(part.mills for part in parts) == gap
        assert {part.kind for part in parts} <= {"unused", "group", "job", "rounding"}
        assert all(part.mills >= 0 for part in parts if part.kind != "rounding")


@pytest.mark.parametrize("seed", range(4))
def test_no_plan_of_a_baseline_beats_a_bound(seed: int) -> None:
    compiled = compiled_instance(seed)
    task = Task(compiled, lambda shards: score(compiled, shards), time_limit_s=5.0)
    BASELINES["first-fit"](task)
    assert task.best is not None
    assert task.best_score is not None
    found = bounded(compiled, Best(task.best, task.best_score), 1.5)
    assert task.best_score.violation == 0
    assert min(found.bounds.values()) >= task.best_score.margin_mills > 0


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


def test_without_time_there_is_a_bound_all_the_same() -> None:
    compiled, best = compiled_problem(3), best_plan(3)
    found = bounded(compiled, best, 0.0)
    assert found.proof.bound_mills >= best.score.margin_mills


def test_the_same_seed_gives_the_same_bound() -> None:
    columns = [decomposition(compiled_instance(1), 14, 30.0) for _ in range(2)]
    for each in columns:
        prices = np.full(each.blocks.rest.num_rows, 0.01)
        assert each._ask(prices) is not None
    totals = [each.best.total if each.best else each.master.columns[0].gain for each in columns]
    assert totals[0] == totals[1]


# ---- parts


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


def test_certified_bounds_are_exact_also_beyond_64_bits() -> None:
    program = Program()
    columns = program.columns(2, high=2**40, gain=[2**40, 1])
    program.entries(program.rows(1, high=2**50), columns, [2**30, 1])
    arrays = program.finish()
    # max 2^40 a + b with 2^30 a + b <= 2^50: at price 2^10 exactly 2^60
    assert certified_bound(arrays, np.array([2.0**10])) == 2**60
    assert certified_bound(arrays, np.array([0.0])) == 2**80 + 2**40


def test_classes_tell_large_exclusive_domains_apart_first() -> None:
    compiled = presolve(compiled_instance(0), met_all=True).part.compiled
    kept = [f for f in compiled.forms if isinstance(f, GroupPresence) and f.may_share is not None]
    largest = min(kept, key=lambda form: form.num_domains)
    few = choose_classes(compiled, 14)
    for members in few.members:
        assert len(np.unique(largest.domain_of_rack[members])) == 1
    assert few.count <= 14


# ---- statuses


def lying(reason: mathopt.TerminationReason) -> Any:
    """A solver that ends with `reason` and a bound of 0."""
    bounds = mathopt.ObjectiveBounds(primal_bound=0.0, dual_bound=0.0)
    termination = mathopt.Termination(reason=reason, objective_bounds=bounds)
    return lambda *_args, **_options: mathopt.SolveResult(
        termination=termination,
        solve_stats=mathopt.SolveStats(solve_time=timedelta()),
    )


@pytest.mark.parametrize(
    ("reason", "bound"),
    [
        (mathopt.TerminationReason.OTHER_ERROR, None),
        (mathopt.TerminationReason.NUMERICAL_ERROR, None),
        (mathopt.TerminationReason.IMPRECISE, None),
        (mathopt.TerminationReason.UNBOUNDED, None),
        (mathopt.TerminationReason.NO_SOLUTION_FOUND, 0),  # out of time: its bound counts
    ],
)
def test_a_status_that_proves_nothing_is_not_used(
    monkeypatch: pytest.MonkeyPatch, reason: mathopt.TerminationReason, bound: int | None
) -> None:
    program = Program()
    program.entries(program.rows(1, high=1), program.columns(2, gain=[1, 2]), 1)
    mixed = Mixed(program.finish(), np.ones(2, bool), 1.0, 0)
    honest = solve_mixed(None, mixed).bound
    assert honest in (2, 3)  # 2 is the optimum, and a tolerance is rounded up
    monkeypatch.setattr(mathopt, "solve", lying(reason))
    assert solve_mixed(None, mixed).bound == bound


def test_a_failed_program_leaves_the_other_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, best = compiled_problem(5), best_plan(5)
    monkeypatch.setattr(mathopt, "solve", lying(mathopt.TerminationReason.OTHER_ERROR))
    found = bounded(compiled, best)
    assert "program" not in found.bounds
    assert found.proof.bound_mills >= best.score.margin_mills


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


# ---- what bounds are built on


def test_every_plan_is_a_plan_of_the_lots_with_at_least_its_margin() -> None:
    merged = 0
    for seed in range(150):
        problem, compiled = random_problem(seed), compiled_problem(seed)
        rng = Random(seed)
        whole = np.array([rng.random() < 0.3 for _ in range(compiled.num_jobs)], bool)
        lots = make_lots(compiled, whole)
        merged += int((lots.job_of_lot == NONE).sum())
        assert (can_merge(compiled)[lots.job_of_lot[lots.of_job] == NONE]).all()
        plans = [best_plan(seed).shards] if seed < 80 else []
        plans += [to_shards(compiled, random_plan(problem, rng)) for _ in range(5)]
        for shards in plans:
            own = score(compiled, shards)
            if own.violation:
                continue
            of_lots = score(lots.compiled, lots.plan(shards))
            assert of_lots.violation == 0, f"seed {seed}"
            assert of_lots.margin_mills >= own.margin_mills * FINER, f"seed {seed}"
    assert merged > 30


def test_what_is_fixed_and_a_part_add_up_to_the_whole() -> None:
    compared = 0
    for seed in range(150):
        problem, compiled = random_problem(seed), compiled_problem(seed)
        rng = Random(seed)
        if seed < 80:
            shards = best_plan(seed).shards
        else:
            shards = to_shards(compiled, random_plan(problem, rng))
        own = score(compiled, shards)
        if own.violation:
            continue
        stays = np.array([rng.random() < 0.5 for _ in range(compiled.num_jobs)], bool)
        stays &= ~_is_special(compiled)
        fixed, moves = without(shards, ~stays), without(shards, stays)
        part = restrict(
            compiled, np.flatnonzero(~stays), np.arange(compiled.num_racks), fixed, relaxed=True
        )
        assert joined(fixed, part.to_whole(part.to_part(moves))).units.sum() == shards.units.sum()
        of_part = score(part.compiled, part.to_part(moves))
        assert of_part.violation == 0, f"seed {seed}"
        assert of_part.margin_mills >= own.margin_mills, f"seed {seed}"
        if not _has_prices_or_homes(compiled):
            assert of_part.margin_mills == own.margin_mills, f"seed {seed}"
            compared += 1
    assert compared > 12


def _is_special(compiled: Compiled) -> np.ndarray:
    """Jobs of which fewer units may count than are placed."""
    units = compiled.units
    special = (units.held_back > 0) | (units.counted_most < units.most)
    for form in compiled.forms:
        special = special | getattr(form, "survives", np.zeros(compiled.num_jobs, bool))
    return np.asarray(special)


def _has_prices_or_homes(compiled: Compiled) -> bool:
    return any(
        (isinstance(form, GroupPresence) and form.price_mills.any())
        or (isinstance(form, AssignmentCost) and len(form.home_job))
        for form in compiled.forms
    )


def test_presolve_fixes_firm_jobs_without_a_choice() -> None:
    compiled = compiled_instance(0)
    done = presolve(compiled, met_all=True)
    firm = sum(form.firm_gpus for form in compiled.forms if isinstance(form, AssignmentCost))
    assert sorted(set(done.fixed.job.tolist())) == np.flatnonzero(np.asarray(firm) > 0).tolist()
    assert len(presolve(compiled, met_all=False).fixed.job) == 0


def test_a_relaxation_in_numerical_trouble_is_solved_by_another_solver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = Program()
    program.entries(program.rows(1, high=3), program.columns(2, high=2, gain=[1, 2]), 1)
    arrays, solve = program.finish(), mathopt.solve
    trouble = lying(mathopt.TerminationReason.IMPRECISE)

    def glop_fails(model: Any, solver: Any, **options: Any) -> Any:
        chosen = trouble if solver == mathopt.SolverType.GLOP else solve
        return chosen(model, solver, **options)

    monkeypatch.setattr(mathopt, "solve", glop_fails)
    relaxed = solve_relaxed(arrays, time_limit_s=5.0, stop=lambda: False)
    assert relaxed is not None
    assert relaxed.bound == 5
    assert replace(relaxed, bound=0).x.sum() == pytest.approx(3.0)
