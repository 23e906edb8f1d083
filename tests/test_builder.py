"""How the builder lays out what keeps domains to itself, by hand: racks of 2 nodes, 8 kW a node."""

from __future__ import annotations

import pytest

from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Level, Plan, PowerNode, Problem
from scheduler.planner.classes import alike_racks
from scheduler.planner.construct import Builder
from scheduler.planner.state import State
from scheduler.topology import Topology
from tests import build

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
