"""Chains of moves: they bring in what had no room, and never break or lose anything."""

from __future__ import annotations

import numpy as np

from kernels.backend import Evaluator
from kernels.cpu import NumpyBackend
from kernels.forms import Compiled, Shards
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Job, Problem
from scheduler.planner import starts
from scheduler.planner.chains import Chains
from scheduler.planner.placing import Placer
from scheduler.planner.state import Ground
from scheduler.topology import Topology
from tests import build
from tests.random_problems import random_problem


def compiled_with(problem: Problem) -> tuple[Compiled, Evaluator]:
    compiled = compile_problem(problem, Topology(problem.site))
    return compiled, NumpyBackend().load(compiled)


def plan_of(compiled: Compiled, placed: dict[str, tuple[str, int]]) -> Shards:
    rows = [
        (compiled.job_names.index(job), compiled.rack_names.index(rack), units)
        for job, (rack, units) in placed.items()
    ]
    return Shards.build(*np.array(rows, np.int64).T)


def named(compiled: Compiled, shards: Shards) -> dict[str, tuple[str, int]]:
    return {
        compiled.job_names[job]: (compiled.rack_names[rack], units)
        for job, rack, units in zip(
            shards.job.tolist(), shards.rack.tolist(), shards.units.tolist(), strict=True
        )
    }


def chained(problem: Problem, placed: dict[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    compiled, evaluator = compiled_with(problem)
    found = Chains(compiled, evaluator, lambda: False).run(plan_of(compiled, placed))
    assert check(problem, to_plan(compiled, found)).checked
    return named(compiled, found)


def two_types(jobs: list[Job]) -> Problem:
    """Rack r1 with two H100 nodes, rack r2 with two H200 nodes."""
    types = {
        "hgx": build.rack_type(liquid_permille=0),
        "new": build.rack_type("new", gpu_type="h200", liquid_permille=0),
    }
    racks = [build.rack("r1"), build.rack("r2", type="new")]
    return build.problem(build.site(racks, rack_types=types), jobs)


def test_a_job_goes_on_to_let_in_one_that_fits_nowhere_else() -> None:
    """`old` needs both H100 nodes, where `any` lies, which an H200 rack takes as well."""
    problem = two_types(
        [build.job("old", units=2), build.job("any", units=2, gpu_types=("h100", "h200"))]
    )
    assert chained(problem, {"any": ("r1", 2)}) == {"old": ("r1", 2), "any": ("r2", 2)}


def test_a_job_goes_out_for_one_that_is_worth_more_and_stays_for_one_that_is_not() -> None:
    for value, stays in ((1500, False), (900, True)):
        problem = two_types(
            [build.job("new", units=2, value_mills_per_gpu_h=value), build.job("old", units=2)]
        )
        kept = "old" if stays else "new"
        assert chained(problem, {"old": ("r1", 2)}) == {kept: ("r1", 2)}


def test_two_small_jobs_make_room_for_one_large() -> None:
    problem = two_types(
        [
            build.job("large", units=2, value_mills_per_gpu_h=1500),
            build.job("a"),
            build.job("b"),
        ]
    )
    found = chained(problem, {"a": ("r1", 1), "b": ("r1", 1)})
    assert found == {"large": ("r1", 2)}


def test_chains_never_lose_and_never_break_anything() -> None:
    gained = 0
    for seed in range(60):
        problem = random_problem(seed)
        compiled, evaluator = compiled_with(problem)
        (start,) = starts.in_parts(Placer(Ground(compiled)), "density", seed)
        before = starts.build(compiled, start)
        after = Chains(compiled, evaluator, lambda: False).run(before)
        worse, better = evaluator.score(before), evaluator.score(after)
        assert better <= worse
        assert better.violation <= worse.violation  # some sites are broken without any work
        assert check(problem, to_plan(compiled, after)).violation == better.violation
        gained += better < worse
    assert gained > 0


def test_a_stop_leaves_the_plan_as_it_is() -> None:
    problem = two_types([build.job("old")])
    compiled, evaluator = compiled_with(problem)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    assert len(Chains(compiled, evaluator, lambda: True).run(nothing).job) == 0
