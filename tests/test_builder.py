"""How the builder lays out what keeps domains to itself, by hand: racks of 2 nodes, 8 kW a node."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kernels.forms import Shards
from kernels.reference import score
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Level, Plan, PowerNode, Problem
from scheduler.planner.classes import alike_racks
from scheduler.planner.construct import Builder
from scheduler.planner.first_plans import FirstPlans
from scheduler.planner.placing import Placer
from scheduler.planner.starts import ORDERS, by_profit, in_parts
from scheduler.planner.starts import build as build_start
from scheduler.planner.state import Ground, State
from scheduler.topology import Topology
from tests import build

PAIR = build.problem(jobs=[build.job("a"), build.job("b")])
ARRAYS = {name: (f"{name}1", f"{name}2") for name in "ABCDEF"}


def site_of(arrays: str, feed_of_array: dict[str, str], rating_w: dict[str, int]) -> Problem:
    """Two racks an array, each array on one feed; acme has the arrays that it uses to itself."""
    racks = [
        build.rack(rack, array=array, feeds=(feed_of_array[array],))
        for array in arrays
        for rack in ARRAYS[array]
    ]
    feeds = {name: PowerNode(name=name, kind="ups", rating_w=w) for name, w in rating_w.items()}
    return build.problem(
        build.site(racks, power_nodes=feeds),
        [build.job("other", tenant="other")],
        [build.tenant("acme", isolation=Level.ARRAY)],
        [build.contract("block", tenant="acme", units=8)],
    )


def placed(problem: Problem, *, even: bool = False) -> Plan:
    compiled = compile_problem(problem, Topology(problem.site))
    builder = Builder(compiled, alike_racks(compiled, 16), even=even)
    state = State(compiled)
    assert builder.place(state, compiled.job_names.index("block"))
    return to_plan(compiled, state.shards())


def started(problem: Problem, *, even: bool) -> Plan:
    """Return the whole first plan of a start."""
    compiled = compile_problem(problem, Topology(problem.site))
    (start,) = in_parts(Placer(Ground(compiled)), "worth", 0)
    return to_plan(compiled, build_start(compiled, replace(start, even=even, steps=0)))


def arrays_of(plan: Plan) -> dict[str, int]:
    """Return the units of the contract in every array that it uses."""
    units = plan.units["block"]
    found = {name: sum(units.get(rack, 0) for rack in racks) for name, racks in ARRAYS.items()}
    return {name: number for name, number in found.items() if number}


def test_a_domain_that_can_not_be_filled_is_passed_over() -> None:
    """Each rack of A could be full, but not both: 16 kW feed 2 of 4 nodes."""
    watts = {"a": 16_000, "b": 100_000, "c": 100_000}
    plan = placed(site_of("ABC", {"A": "a", "B": "b", "C": "c"}, watts))
    assert arrays_of(plan) == {"B": 4, "C": 4}


def test_it_is_filled_in_part_where_nothing_else_is_left() -> None:
    watts = {"a": 16_000, "b": 100_000, "c": 16_000}
    problem = site_of("ABC", {"A": "a", "B": "b", "C": "c"}, watts)
    assert arrays_of(placed(problem)) == {"A": 2, "B": 4, "C": 2}


@pytest.mark.parametrize(
    ("even", "found"), [(False, {"A": 4, "B": 4}), (True, {"A": 4, "D": 4})], ids=["filled", "even"]
)
def test_evenly_over_feeds_or_one_after_the_other(even: bool, found: dict[str, int]) -> None:
    """Two feeds of 70 kW, each with three arrays of 32 kW; two arrays are needed."""
    feeds = dict.fromkeys("ABC", "one") | dict.fromkeys("DEF", "two")
    problem = site_of("ABCDEF", feeds, {"one": 70_000, "two": 70_000})
    assert arrays_of(placed(problem, even=even)) == found
    assert arrays_of(started(problem, even=even)) == found


def test_plans_of_both_kinds_are_among_the_first_and_those_built_anew() -> None:
    compiled = compile_problem(PAIR, Topology(PAIR.site))
    placer, profit = Placer(Ground(compiled)), np.ones(compiled.num_jobs)
    first = {start.even for order in ORDERS for start in in_parts(placer, order, 0)}
    anew = {start.even for n in range(4) for start in by_profit(placer, n, 0, profit)}
    assert first == anew == {False, True}


def test_the_time_of_a_build_is_that_of_the_workers() -> None:
    """What a better plan needs to be checked must not keep the next ones from being built."""
    compiled = compile_problem(PAIR, Topology(PAIR.site))
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    engine = SimpleNamespace(workers=1, run=lambda tasks, **_: [nothing for _ in tasks])
    course = SimpleNamespace(
        deadline=lambda: 0.0,
        tick=lambda: False,
        score=lambda shards: score(compiled, shards),
        offer=lambda _: time.sleep(0.2),
    )
    placer = Placer(Ground(compiled))
    make: Any = FirstPlans
    plans = make(course, engine, placer, 0, by_steps=False)
    plans._build([in_parts(placer, "worth", 0)])
    assert 0 < plans.build_s < 0.1
