"""The largest block: by hand on the tiny site, by trying every plan on random ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.model import Level, Offer, Plan, Problem
from scheduler.model.levels import ISOLATION_LEVELS
from scheduler.model.units import part
from scheduler.questions.offer.block import Block, promised, trimmed
from scheduler.questions.offer.clearing import in_cleared_domains
from scheduler.questions.offer.domain_bound import most_units_by_domains
from scheduler.questions.offer.frontier import Frontier
from scheduler.questions.offer.joined import joined, obligations, resized, units_on
from scheduler.questions.offer.terms import Ladder, Terms, isolation_series, redundancy_series
from scheduler.topology import Topology
from tests import build
from tests.enumeration import best_by_enumeration
from tests.offers import offer, solver, tiny, tiny_offer
from tests.random_problems import random_problem

MOST_PLANS = 500
SEEDS = (19, 30, 34, 39, 43, 44, 54, 60, 62, 67, 69, 74, 94, 105, 117, 132)


def ladder_of(problem: Problem) -> Ladder:
    return Ladder(Topology(problem.site))


def frontier_of(problem: Problem, seconds: float = 300.0) -> Frontier:
    owed = solver().solve(obligations(problem), 60.0)
    assert owed.verdict.checked
    assert owed.verdict.unmet_firm_gpus == 0
    return Frontier(problem, ladder_of(problem), owed.plan, solver(seconds))


def sizes(problem: Problem, asked: Offer, series: list[Terms]) -> dict[str, tuple[int, int]]:
    """GPUs found and at most, by level and redundancy; every plan is checked again."""
    found = {}
    for block in frontier_of(problem).blocks(asked, series).values():
        confirm(problem, asked, block)
        label = f"{block.terms.isolation} {block.terms.redundancy}"
        per_unit = asked.contract.gpus_per_unit
        found[label] = (block.units * per_unit, block.bound_units * per_unit)
    return found


def confirm(problem: Problem, asked: Offer, block: Block) -> None:
    """The block's plan keeps every limit and meets the block and all firm contracts."""
    terms = block.terms
    sla = replace(asked.contract.sla, survives=terms.survives, spare_permille=terms.spare_permille)
    tenant = replace(asked.tenant, isolation=terms.isolation)
    contract = replace(asked.contract, units=block.units, sla=sla)
    sized = (replace(asked, tenant=tenant, contract=contract),) if block.units else ()
    verdict = check(joined(obligations(problem), sized), block.plan)
    assert verdict.checked
    assert verdict.unmet_firm_gpus == 0
    assert block.units <= block.bound_units


def test_the_frontier_of_the_tiny_site_is_the_one_by_hand() -> None:
    # acme holds an array of 32 GPUs (40 kW). Of the other two arrays the loop's 90 kW leave
    # 90 / 0.8 - 24 - 32 = 56.5 kW above idle, but a UPS does not: with y kW in each of both,
    # loss of UPS2 puts 40 + y / 2 + 3 <= 60 on UPS1, so y <= 34, 26 kW above idle, 6 nodes of
    # 4 GPUs: 24 in each array, 48 in all. The loss of a rack takes 8 of them, that of an
    # array half. There is one pod, hall and site, and acme lies in it.
    asked = tiny_offer(isolation=Level.ARRAY, survives=("rack",))
    ladder = ladder_of(tiny())
    assert sizes(tiny(), asked, isolation_series(asked, ladder)) == {
        "host any one rack": (40, 40),
        "rack any one rack": (40, 40),
        "array any one rack": (40, 40),
        "pod any one rack": (0, 0),
        "hall any one rack": (0, 0),
        "site any one rack": (0, 0),
    }
    assert sizes(tiny(), asked, redundancy_series(asked, ladder)) == {
        "array no loss": (48, 48),
        "array any one rack": (40, 40),
        "array any one busway, cdu, ups": (48, 48),
        "array any one array": (24, 24),
    }


def test_spares_are_held_back_from_what_counts() -> None:
    # 48 GPUs are 12 nodes: 10 promised ones and a fifth of them, 2, as spares.
    asked = tiny_offer(isolation=Level.ARRAY, spare=200)
    found = sizes(tiny(), asked, [Terms.of(asked)])
    assert found == {"array no loss; 20 % spare": (40, 40)}


@given(st.integers(0, 10_000), st.integers(0, 1000))
def test_a_promise_is_the_largest_that_leaves_room_for_its_spares(counted: int, spare: int) -> None:
    units = promised(counted, spare)
    assert units + part(units, spare) <= counted
    assert units + 1 + part(units + 1, spare) > counted


def largest_by_enumeration(problem: Problem, asked: Offer) -> int | None:
    """Try every plan of every size; None if there are too many, or no firm contract can be met."""
    for units in range(sum(units_on(problem, asked).values()), -1, -1):
        sized = (resized(asked, units),) if units else ()
        owed = joined(obligations(problem), sized)
        if not owed.jobs:
            return 0 if check(owed, Plan({})).checked else None
        best = best_by_enumeration(
            compile_problem(owed, Topology(owed.site)), most_plans=MOST_PLANS
        )
        if best is None:
            return None
        if best.violation == 0 and best.unmet_firm_gpus == 0:
            return units
    return None


def random_offer(problem: Problem, seed: int) -> Offer:
    rng = Random(seed)
    types = tuple(dict.fromkeys(each.gpu_type for each in problem.site.rack_types.values()))
    return offer(
        "offered",
        rng.choice(ISOLATION_LEVELS),
        gpus_per_unit=8,
        gpu_types=types,
        profile="flat",
        survives=rng.choice(((), (), ("rack",), ("array",))),
        spare=rng.choice((0, 0, 500)),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_no_plan_of_a_random_site_holds_a_larger_block(seed: int) -> None:
    problem = random_problem(seed)
    asked = random_offer(problem, seed)
    largest = largest_by_enumeration(problem, asked)
    assert largest is not None
    (block,) = frontier_of(problem).blocks(asked, [Terms.of(asked)]).values()
    confirm(problem, asked, block)
    assert (block.units, block.bound_units) == (largest, largest)
    room = most_units_by_domains(problem, asked, ladder_of(problem))
    assert largest <= promised(room, asked.contract.sla.spare_permille)


def halls(count: int, racks: int) -> Problem:
    """Halls of one array each, with firm contracts of one node in the first racks of all."""
    made = [
        build.rack(f"h{h}r{r}", hall=f"H{h}", pod=f"P{h}", array=f"A{h}", feeds=(), loop=None)
        for h in range(count)
        for r in range(racks)
    ]
    site = build.site(
        made,
        power_nodes={"ups": build.ups("ups", 10**9)},
        loops={},
        halls={f"H{h}": replace(build.site().halls["H"], name=f"H{h}") for h in range(count)},
    )
    fed = {name: replace(rack, feeds=("ups",)) for name, rack in site.racks.items()}
    contracts = [build.contract(f"c{h}", tenant=f"t{h}") for h in range(count)]
    return build.problem(replace(site, racks=fed), contracts=contracts)


def test_a_block_of_whole_halls_has_firm_contracts_moved_together() -> None:
    # 4 halls of 4 nodes, a contract of one node in each: all four fit into one hall.
    problem = halls(4, 2)
    owed = Plan({f"c{h}": {f"h{h}r0": 1} for h in range(4)})
    asked = offer("whole", Level.HALL, profile="flat")
    assert most_units_by_domains(problem, asked, ladder_of(problem)) == 3 * 4
    plan = in_cleared_domains(
        problem,
        asked,
        ladder_of(problem),
        owed,
        best_units=0,
        bound_units=12,
        solver=solver(),
        time_limit_s=10.0,
    )
    assert plan is not None
    assert plan.placed_units("whole") == 12
    verdict = check(joined(obligations(problem), (resized(asked, 12),)), plan)
    assert verdict.checked
    assert verdict.unmet_firm_gpus == 0


def test_a_hall_that_a_firm_contract_cannot_leave_is_not_cleared() -> None:
    # Hall H0 alone has the GPU type that c0 asks for, and the least in use.
    problem = halls(3, 2)
    other = {
        name: replace(rack, type="alone")
        for name, rack in problem.site.racks.items()
        if rack.hall == "H0"
    }
    types = {**problem.site.rack_types, "alone": build.rack_type("alone", gpu_type="a100")}
    site = replace(problem.site, rack_types=types, racks={**problem.site.racks, **other})
    contracts = {**problem.workload.contracts}
    contracts["c0"] = replace(contracts["c0"], gpu_types=("a100",))
    problem = replace(problem, site=site, workload=replace(problem.workload, contracts=contracts))
    asked = offer("whole", Level.HALL, profile="flat", gpu_types=("h100", "a100"))
    plan = in_cleared_domains(
        problem,
        asked,
        ladder_of(problem),
        Plan({"c0": {"h0r0": 1}, "c1": {"h1r0": 1}, "c2": {"h2r0": 2}}),
        best_units=0,
        bound_units=4,
        solver=solver(),
        time_limit_s=30.0,
    )
    assert plan is not None
    assert set(plan.units["whole"]) == {"h1r0", "h1r1"}


def test_what_is_too_much_goes_from_where_a_loss_takes_most() -> None:
    # Held may be 2 * 2 units: of 3 + 2 the third in r1 goes, so that a loss leaves 2.
    asked = offer("new", survives=("rack",), units=2)
    problem = joined(build.problem(), (asked,))
    plan = trimmed(problem, Plan({"new": {"r1": 3, "r2": 2}}), "new")
    assert plan.units == {"new": {"r1": 2, "r2": 2}}
    assert trimmed(problem, Plan({"other": {"r1": 1}}), "new").units == {"other": {"r1": 1}}


def test_an_elastic_contract_may_be_placed_in_part_and_another_may_not() -> None:
    asked = build.contract("c", units=3, firm=False)
    whole = build.problem(contracts=[asked])
    part_of_it = build.problem(contracts=[replace(asked, elastic=True)])
    plan = Plan({"c": {"r1": 2}})
    assert (whole.jobs["c"].min_units, part_of_it.jobs["c"].min_units) == (3, 1)
    assert not check(whole, plan).checked
    assert check(part_of_it, plan).checked


def test_a_plan_at_stricter_terms_is_lent_to_looser_ones() -> None:
    # Two racks of two nodes hold 4 units, of which 2 survive; without survival 2 may be held.
    problem = build.problem()
    asked = offer(profile="flat")
    frontier = Frontier(problem, ladder_of(problem), Plan({}), solver())
    strict = Block(Terms(Level.HOST, ("rack",)), 2, 2, Plan({"new": {"r1": 2, "r2": 2}}), "exact")
    loose = Block(Terms(Level.HOST), 1, 4, Plan({"new": {"r1": 1}}), "exact")
    lent = frontier._lent(asked, loose, [strict, loose])
    assert (lent.units, lent.plan.placed_units("new")) == (2, 2)
    confirm(problem, asked, lent)
    assert frontier._lent(asked, strict, [strict, loose]) == strict
