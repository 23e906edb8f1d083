"""What an offer displaces, what moves, and whose revenue it is: all by hand."""

from __future__ import annotations

import pytest

from scheduler.check import check
from scheduler.model import Level, Plan, Problem, Sla
from scheduler.questions.offer.cheapest import Clearing
from scheduler.questions.offer.concentration import revenue
from scheduler.questions.offer.displaced import Loss, Move, losses, moves
from scheduler.questions.offer.frontier import Frontier
from scheduler.questions.offer.placing import Ground
from scheduler.questions.offer.repair import repaired
from scheduler.questions.offer.terms import Ladder, Terms
from scheduler.topology import Topology
from tests import build
from tests.offers import offer, solver

FREE = build.site().prices  # of the builder: 65 $/MWh at a PUE of 1.15


def pair() -> Problem:
    """Two racks of two nodes; a wide job of four units and two small ones."""
    return build.problem(
        jobs=[
            build.job("wide", units=3, min_units=1),
            build.job("small", value_mills_per_gpu_h=3_000),
        ]
    )


def test_a_loss_is_what_shrinks_with_what_it_earned() -> None:
    before = Plan({"wide": {"r1": 2, "r2": 1}, "small": {"r2": 1}})
    after = Plan({"wide": {"r1": 1}, "small": {"r1": 1}})
    found = losses(pair(), before, after, (check(pair(), before), check(pair(), after)))
    # 2 units of 8 GPUs at 1 $, less 4 kW each at 65 $/MWh and 1.15: 299 mills
    assert found == (Loss("wide", "t", 16, 2 * (8_000 - 299)),)


def test_a_move_is_what_lies_elsewhere_and_not_what_is_lost() -> None:
    before = Plan({"wide": {"r1": 2, "r2": 1}, "small": {"r2": 1}})
    after = Plan({"wide": {"r2": 2}, "small": {"r1": 1}})
    # wide leaves r1 with 2 units, one of which is lost; small leaves r2.
    assert moves(pair(), before, after, {"r1"}) == (
        Move("wide", "t", 1, 8, makes_room=True),
        Move("small", "t", 1, 8, makes_room=False),
    )
    assert moves(pair(), before, Plan({"wide": {"r1": 1}}), {"r1"}) == ()


def test_revenue_is_told_by_tenant_and_by_how_firm_it_is() -> None:
    # 8 GPUs each: 16, 24 and 40 $/h are placed; shares 0.2, 0.3, 0.5: HHI 3,800.
    contracts = [
        build.contract("a", tenant="a", take_or_pay=True, notice_days=10),
        build.contract("b", tenant="b", price_mills_per_gpu_h=3_000, notice_days=90),
        build.contract("c", tenant="c", price_mills_per_gpu_h=5_000),
        build.contract("away", tenant="b", firm=False),
    ]
    problem = build.problem(contracts=contracts)
    found = revenue(problem, Plan({"a": {"r1": 1}, "b": {"r1": 1}, "c": {"r2": 1}}))
    assert (found.total_mills, found.top_tenant, found.top_share) == (80_000, "c", 0.5)
    assert found.hhi == pytest.approx(3_800)
    assert (found.take_or_pay_mills, found.cancellable_mills, found.other_mills) == (
        16_000,
        24_000,
        40_000,
    )
    assert found.shortest_notice_days == 90
    nothing = revenue(problem, Plan({}))
    assert (nothing.total_mills, nothing.top_share, nothing.hhi) == (0, 0.0, 0.0)


def test_a_gang_counts_in_full_until_it_is_lost() -> None:
    # Per unit the gang earns 8 $/h, the others 6 and 20. Clearing one rack of the gang's three
    # loses all of it, 24; so first the rack of 6, then that of 20, and then the three.
    racks = [build.rack(f"r{n}") for n in range(5)]
    jobs = [
        build.job("gang", units=3),
        build.job("six", value_mills_per_gpu_h=750),
        build.job("twenty", value_mills_per_gpu_h=2_500),
    ]
    problem = build.problem(build.site(racks), jobs)
    plan = Plan({"gang": {"r0": 1, "r1": 1, "r2": 1}, "six": {"r3": 1}, "twenty": {"r4": 1}})
    clearing = Clearing.of(
        problem, plan, check(problem, plan), {rack: rack for rack in plan.by_rack}
    )
    order = list(clearing.order(dict.fromkeys(plan.by_rack, 2)))
    assert order == ["r3", "r4", "r0", "r1", "r2"]
    cheap = Plan({**plan.units, "twenty": {"r3": 1}})  # 26 $/h in r3: now the gang goes first
    clearing = Clearing.of(
        problem, cheap, check(problem, cheap), {rack: rack for rack in cheap.by_rack}
    )
    assert list(clearing.order(dict.fromkeys(cheap.by_rack, 2))) == ["r0", "r1", "r2", "r3"]


def test_an_offer_begins_where_least_is_lost_and_firm_contracts_stay() -> None:
    # Arrays A0 to A2 of 2 racks. The firm contract lies in A0, jobs of 9 and 5 $/GPU-h in A1, A2.
    racks = [build.rack(f"r{n}", array=f"A{n // 2}") for n in range(6)]
    jobs = [
        build.job("dear", value_mills_per_gpu_h=9_000),
        build.job("cheap", value_mills_per_gpu_h=5_000),
    ]
    problem = build.problem(build.site(racks), jobs, contracts=[build.contract("firm")])
    plan = Plan({"firm": {"r0": 1}, "dear": {"r2": 1}, "cheap": {"r4": 1}})
    ladder = Ladder(Topology(problem.site))
    asked = offer("new", Level.ARRAY, units=3, profile="flat")
    ground = Ground(problem, plan, check(problem, plan), ladder)
    frontier = Frontier(problem, ladder, Plan({"firm": {"r0": 1}}), solver())
    block = frontier.blocks(asked, [Terms.of(asked)])[Terms.of(asked)]
    start = ground.start(asked, block)
    assert start.units == {"firm": {"r0": 1}, "new": {"r4": 2, "r5": 1}, "dear": {"r2": 1}}
    assert ground.taken(asked, start) == {"r4", "r5"}


def test_a_reservation_that_lies_too_thick_is_spread() -> None:
    # One unit is promised and survives the loss of a rack: 2 units on one rack count for none.
    problem = build.problem(contracts=[build.contract("held", sla=Sla(survives=("rack",)))])
    thick = Plan({"held": {"r1": 2}})
    assert check(problem, thick).unmet_firm_gpus == 8
    assert repaired(problem, thick).units == {"held": {"r1": 1, "r2": 1}}
    met = Plan({"held": {"r2": 1, "r1": 1}})
    assert repaired(problem, met) == met
