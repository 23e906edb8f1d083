"""No plan is better than its bound: volume, columns, program; at any prices, of any status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from ortools.math_opt.python import mathopt

from benchmarks.baselines import BASELINES, Task
from kernels.forms import NONE, AssignmentCost, Compiled, GroupPresence, Shards
from kernels.reference import score
from scheduler.evaluate import to_shards
from scheduler.planner import Best
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.resolution import choose_classes
from scheduler.planner.lots import FINER, can_merge, make_lots
from scheduler.planner.program import Program
from scheduler.planner.restrict import joined, restrict, without
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.mixed import Mixed, solve_mixed
from scheduler.planner.solvers.weak_duality import certified_bound
from tests.bound_cases import (
    best_plan,
    bounded,
    compiled_instance,
    compiled_problem,
    decomposition,
    search,
)
from tests.random_problems import random_plan, random_problem


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
