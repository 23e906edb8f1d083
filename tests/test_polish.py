"""The last touch keeps what a plan is worth, and no limit gets fuller than the fullest was."""

from __future__ import annotations

import numpy as np

from benchmarks.instances import instance
from kernels.cpu import NumpyBackend
from kernels.forms import Compiled, Shards
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Problem
from scheduler.planner import starts
from scheduler.planner.placing import Placer
from scheduler.planner.polish import Polish
from scheduler.planner.state import Ground
from scheduler.topology import Topology
from tests import build


def compiled_of(problem: Problem) -> Compiled:
    return compile_problem(problem, Topology(problem.site))


def polish_of(compiled: Compiled, seed: int = 0) -> Polish:
    blocks = Placer(Ground(compiled)).block_of_rack
    return Polish(compiled, NumpyBackend().load(compiled), blocks, seed, lambda: False)


def test_two_racks_exchange_what_lies_on_them() -> None:
    """Four alike racks: r1 and r2 hang on UPS a, r3 and r4 on UPS b; both full ones are on a."""
    racks = [build.rack(f"r{n}", feeds=("a" if n < 3 else "b",)) for n in (1, 2, 3, 4)]
    nodes = {name: build.ups(name) for name in ("a", "b")}
    problem = build.problem(
        build.site(racks, power_nodes=nodes),
        [
            *(build.job(f"hot{n}", units=2) for n in (1, 2)),
            *(build.job(f"mild{n}", units=1) for n in (1, 2)),
        ],
    )
    compiled = compiled_of(problem)
    before = Shards.build(np.array([0, 1, 2, 3]), np.array([0, 1, 2, 3]), np.array([2, 2, 1, 1]))
    polish = polish_of(compiled)
    after = polish.run(before)
    assert polish.exchanged > 0
    hot_on_a = [rack < 2 for job, rack in zip(after.job, after.rack, strict=True) if job < 2]
    assert sorted(hot_on_a) == [False, True]  # one on each UPS
    assert check(problem, to_plan(compiled, after)).checked


def test_the_score_stays_and_loads_get_evener() -> None:
    evener = 0
    for seed in range(2):
        problem = instance("M", seed)
        compiled = compiled_of(problem)
        (start,) = starts.in_parts(Placer(Ground(compiled)), "density", seed)
        before = starts.build(compiled, start)
        polish = polish_of(compiled, seed)
        after = polish.run(before)
        evaluator = polish.evaluator
        assert evaluator.score(after) <= evaluator.score(before)
        old, new = (polish.evenness(polish.load(plan)) for plan in (before, after))
        assert new <= old
        evener += new < old
        assert check(problem, to_plan(compiled, after)).checked
    assert evener > 0


def test_the_same_seed_gives_the_same_plan() -> None:
    compiled = compiled_of(instance("S", 0))
    (start,) = starts.in_parts(Placer(Ground(compiled)), "density", 0)
    before = starts.build(compiled, start)
    one, other = (polish_of(compiled, 7).run(before) for _ in range(2))
    assert one.rack.tolist() == other.rack.tolist()
