"""The planner against brute force, and its bounds against every plan."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest

from kernels.forms import AssignmentCost, Compiled, Shards
from kernels.reference import score
from kernels.score import Score
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Level, Problem, Sla
from scheduler.planner import Best, Search
from scheduler.planner.classes import Classes, alike_racks, single_racks
from scheduler.planner.construct import Builder
from scheduler.planner.lowering import lower
from scheduler.planner.solvers import certified_bound, solve_integer, solve_relaxed
from scheduler.planner.state import State
from scheduler.topology import Topology
from tests import build
from tests.enumeration import best_by_enumeration
from tests.random_problems import random_problem

# 300 in the suite. Of 1,100 more than 500 are small enough for brute force.
SEEDS = range(int(os.environ.get("RACKWATT_RANDOM_INSTANCES", "300")))


@cache
def compiled_problem(seed: int) -> tuple[Problem, Compiled]:
    problem = random_problem(seed)
    return problem, compile_problem(problem, Topology(problem.site))


def search(compiled: Compiled, seed: int = 0, time_limit_s: float = 20.0) -> Best:
    def exact_score(shards: Shards) -> Score:
        return score(compiled, shards)

    return Search(
        compiled,
        exact_score,
        seed=seed,
        time_limit_s=time_limit_s,
        workers=1,
        stopped=lambda: False,
        report=lambda _phase, _best: None,
    ).run()


@pytest.mark.parametrize("chunk", range(6))
def test_the_plan_equals_brute_force_and_the_claim_of_optimality_is_true(chunk: int) -> None:
    compared = 0
    for seed in SEEDS[chunk::6]:
        problem, compiled = compiled_problem(seed)
        best = search(compiled)
        verdict = check(problem, to_plan(compiled, best.shards))
        assert verdict.violation == best.score.violation
        assert verdict.unmet_firm_gpus == best.score.unmet_firm_gpus
        assert verdict.margin_mills == best.score.margin_mills
        optimum = best_by_enumeration(compiled, most_plans=400)
        if optimum is None:
            continue
        compared += 1
        assert best.score.key == optimum.key, f"seed {seed}"
        assert best.is_optimal or best.score.violation, f"seed {seed}: optimal but not proven"
    print(f"{compared} optima compared")
    assert compared > len(SEEDS) / 6 * 0.3


@pytest.mark.parametrize("chunk", range(3))
def test_every_relaxation_bounds_the_optimum(chunk: int) -> None:
    """With classes of any size, a solver's bound is never below the best plan."""
    for seed in SEEDS[chunk:150:3]:
        _, compiled = compiled_problem(seed)
        best = search(compiled)
        if best.score.violation or best.score.unmet_firm_gpus:
            continue
        everything = Classes(np.zeros(compiled.num_racks, np.int32))
        for classes in (single_racks(compiled), alike_racks(compiled, 3), everything):
            lowered = lower(compiled, classes)
            relaxed = solve_relaxed(lowered.arrays, time_limit_s=10, stop=lambda: False)
            assert relaxed is not None
            assert relaxed.bound >= best.score.margin_mills, (seed, classes.count)
            point = lowered.point(best.shards)
            assert lowered.units(point).sum() == best.shards.units.sum()


def test_a_plan_is_a_point_of_the_exact_program_with_the_same_margin() -> None:
    for seed in range(80):
        _, compiled = compiled_problem(seed)
        best = search(compiled)
        if best.score.violation:
            continue  # the bare site breaks a limit: no point is feasible
        lowered = lower(compiled, single_racks(compiled))
        arrays, point = lowered.arrays, lowered.point(best.shards)
        rows = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
        activity = np.zeros(arrays.num_rows, np.int64)
        np.add.at(activity, rows, arrays.value * point[arrays.column])
        assert (activity <= arrays.row_high).all()
        assert (activity >= arrays.row_low).all()
        assert arrays.objective(point) == best.score.margin_mills


def test_any_prices_give_a_valid_bound() -> None:
    """Weak duality in integers: wrong prices make the bound loose, never wrong."""
    rng = np.random.default_rng(0)
    for seed in range(30):
        _, compiled = compiled_problem(seed)
        best = search(compiled)
        if best.score.violation:
            continue
        arrays = lower(compiled, single_racks(compiled)).arrays
        prices = rng.normal(0, 1000, arrays.num_rows)
        assert certified_bound(arrays, prices) >= best.score.margin_mills


def test_state_never_places_what_breaks_a_limit() -> None:
    """Filling every rack to what `fit` says leaves no violation and no slack below zero."""
    rng = np.random.default_rng(1)
    for seed in range(60):
        _, compiled = compiled_problem(seed)
        empty = Shards.build(*np.zeros((3, 0), np.int64))
        bare = score(compiled, empty).violation
        state = State(compiled)
        for job in rng.permutation(compiled.num_jobs).tolist():
            fits = state.fit(job)
            for rack in rng.permutation(compiled.num_racks).tolist():
                one = state.fit_one(job, rack) if fits[rack] else 0
                assert one <= fits[rack]
                if one:
                    state.add(job, rack, one)
            if 0 < state.total[job] < compiled.units.least[job]:
                state.remove(job)
        inside = [n for n, form in enumerate(compiled.forms) if form.term == "contract_nodes"]
        if not inside:  # taking a reservation back may strand the jobs inside it
            assert score(compiled, state.shards()).violation == bare, seed


def test_same_seed_same_plan() -> None:
    _, compiled = compiled_problem(3)
    first, second = search(compiled, seed=5), search(compiled, seed=5)
    assert np.array_equal(first.shards.job, second.shards.job)
    assert np.array_equal(first.shards.rack, second.shards.rack)
    assert np.array_equal(first.shards.units, second.shards.units)


def test_firm_contracts_come_before_any_margin() -> None:
    """One node is free; a firm contract at 1 mill beats a job at 100 dollars."""
    racks = [build.rack("r1", down_nodes=1)]
    problem = build.problem(
        build.site(racks),
        jobs=[build.job("rich", value_mills_per_gpu_h=100_000)],
        contracts=[build.contract("owed", tenant="u", price_mills_per_gpu_h=1)],
    )
    compiled = compile_problem(problem, Topology(problem.site))
    best = search(compiled)
    assert to_plan(compiled, best.shards).units == {"owed": {"r1": 1}}
    assert best.is_optimal


def test_what_cannot_be_met_is_proven_unmet() -> None:
    """Three nodes are owed, two exist: 8 GPUs stay unmet, and that is proven."""
    problem = build.problem(
        build.site([build.rack("r1")]),
        contracts=[build.contract("owed", units=3)],
    )
    compiled = compile_problem(problem, Topology(problem.site))
    best = search(compiled)
    assert best.score.unmet_firm_gpus == 8
    assert best.least_unmet_gpus == 8


def test_larger_sites_are_planned_over_classes_and_followed_rack_by_rack() -> None:
    """60 racks: too many for the exact program; the gap of the class program stays small."""
    racks = [build.rack(f"r{n:02}", array=f"A{n // 10}") for n in range(60)]
    jobs = [
        build.job(f"j{n:02}", units=1 + n % 7, value_mills_per_gpu_h=900 + 13 * n)
        for n in range(50)
    ]
    exclusive = build.tenant("x", isolation=Level.ARRAY)
    problem = build.problem(
        build.site(
            racks,
            power_nodes={n: build.ups(n, 500_000) for n in ("ups1", "ups2")},
            rack_types={"hgx": build.rack_type(liquid_permille=0, flow_mlpm=0)},
        ),
        jobs,
        [exclusive],
        [build.contract("block", tenant="x", units=25)],
    )
    compiled = compile_problem(problem, Topology(problem.site))
    assert alike_racks(compiled, 20).count == 6
    best = search(compiled, time_limit_s=5)
    verdict = check(problem, to_plan(compiled, best.shards))
    assert verdict.checked
    assert best.score.unmet_firm_gpus == 0
    assert best.bound_mills is not None
    assert best.bound_mills - best.score.margin_mills <= 0.01 * best.bound_mills


def test_survival_takes_whole_racks_also_over_classes() -> None:
    """Four racks of 4 nodes; 6 nodes are owed also after the loss of any rack, on racks alone.

    Two racks are not enough (4 nodes are left), three are: of two jobs of a rack each, one fits.
    Over one class of all racks the program must say the same: not both, and not none.
    """
    racks = [build.rack(f"r{n}") for n in range(4)]
    problem = build.problem(
        build.site(racks, rack_types={"hgx": build.rack_type(nodes=4, liquid_permille=0)}),
        [build.job("j1", units=4, value_mills_per_gpu_h=900), build.job("j2", units=4)],
        [build.tenant("x", isolation=Level.RACK)],
        [build.contract("owed", tenant="x", units=6, sla=Sla(survives=("rack",)))],
    )
    compiled = compile_problem(problem, Topology(problem.site))
    best = search(compiled)
    assert best.is_optimal
    assert best.score.unmet_firm_gpus == 0
    assert {compiled.job_names[j] for j in best.shards.job.tolist()} == {"owed", "j2"}
    lowered = lower(compiled, Classes(np.zeros(4, np.int32)))
    columns = np.flatnonzero(lowered.firm)
    arrays = lowered.arrays.with_row(columns, lowered.firm[columns], 48)
    outcome = solve_integer(
        arrays, start=None, time_limit_s=10, workers=1, seed=0, stop=lambda: False
    )
    assert outcome.optimal
    assert outcome.objective is not None
    # a class may spread the units evenly over all racks, which saves at most one unit's energy
    energy_mills = unit_energy_mills(compiled, "owed")
    assert 0 <= outcome.objective - best.score.margin_mills <= energy_mills


def test_what_survives_a_rack_may_lie_in_one_array_that_it_keeps() -> None:
    """Beside it another block must survive the loss of an array: of three, it takes the other two.

    A rule for that one must not bind the first over one class of all racks.
    """
    racks = [build.rack(f"r{n}", array="ABC"[n // 2]) for n in range(6)]
    problem = build.problem(
        build.site(racks),
        tenants=[build.tenant(name, isolation=Level.ARRAY) for name in ("x", "y")],
        contracts=[
            build.contract("narrow", tenant="x", units=2, sla=Sla(survives=("rack",))),
            build.contract("wide", tenant="y", units=2, sla=Sla(survives=("array",))),
        ],
    )
    compiled = compile_problem(problem, Topology(problem.site))
    best = search(compiled)
    assert best.score.unmet_firm_gpus == 0
    lowered = lower(compiled, Classes(np.zeros(6, np.int32)))
    columns = np.flatnonzero(lowered.firm)
    arrays = lowered.arrays.with_row(columns, lowered.firm[columns], 2 * 16)
    outcome = solve_integer(
        arrays, start=None, time_limit_s=10, workers=1, seed=0, stop=lambda: False
    )
    assert outcome.objective is not None
    assert outcome.objective >= best.score.margin_mills


def test_construction_puts_what_must_survive_on_other_racks_though_the_first_has_room() -> None:
    """A rack takes the 4 units that are owed and 4 more, but its loss would take all of them."""
    racks = [build.rack(f"r{n}") for n in range(2)]
    problem = build.problem(
        build.site(racks, rack_types={"hgx": build.rack_type(nodes=8, liquid_permille=0)}),
        [],
        [build.tenant("x", isolation=Level.RACK)],
        [build.contract("owed", tenant="x", units=4, sla=Sla(survives=("rack",)))],
    )
    compiled = compile_problem(problem, Topology(problem.site))
    builder = Builder(compiled, single_racks(compiled))
    state = builder.build(np.array([0]), lambda: False)
    assert state.placed[0] == {0: 4, 1: 4}
    assert builder.counted(state, 0) == 4
    assert check(problem, to_plan(compiled, state.shards())).unmet_firm_gpus == 0


def unit_energy_mills(compiled: Compiled, job: str) -> int:
    """Energy of one unit of `job`, mills per hour."""
    costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
    return sum(int(form.cost_mills[compiled.job_names.index(job)].max()) for form in costs)


def test_a_job_that_must_lie_in_one_domain_fits_nowhere_else_once_it_is_there() -> None:
    racks = [build.rack("r1", array="A"), build.rack("r2", array="A"), build.rack("r3", array="B")]
    jobs = [build.job("whole", units=4, required=Level.ARRAY), build.job("free", units=4)]
    problem = build.problem(build.site(racks), jobs)
    state = State(compile_problem(problem, Topology(problem.site)))
    assert state.fit(0).tolist() == [2, 2, 2]
    state.add(0, 0, 1)
    assert state.fit(0).tolist() == [1, 2, 0]
    assert [state.fit_one(0, rack) for rack in range(3)] == [1, 2, 0]
    assert state.fit(1).tolist() == [1, 2, 2]


def test_an_invalid_program_is_reported_with_the_solvers_words() -> None:
    _, compiled = compiled_problem(0)
    arrays = lower(compiled, single_racks(compiled)).arrays
    arrays.high[:] = -1  # low 0 above high: no solver may run this
    with pytest.raises(RuntimeError, match="not valid"):
        solve_integer(arrays, start=None, time_limit_s=1, workers=1, seed=0, stop=lambda: False)
