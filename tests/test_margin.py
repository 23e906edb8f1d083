"""Revenue, energy and moves."""

from __future__ import annotations

import pytest

from kernels.forms import AssignmentCost
from scheduler.model import BaseLoad, Plan, Prices, Problem, Sla
from scheduler.terms.margin import Margin
from tests import build
from tests.placement_cases import compiled, contract_outcomes

TERM = Margin()
# 100 dollars a MWh at PUE 1.2: 120 mills for a kWh of IT energy.
PRICES = Prices(energy_mills_per_mwh=100_000, pue_permille=1_200, move_mills_per_gpu=50)


def problem(current: Plan | None = None) -> Problem:
    return build.problem(
        build.site(prices=PRICES),
        jobs=[
            build.job("j", tenant="u", units=4),
            build.job("inside", value_mills_per_gpu_h=0),
        ],
        contracts=[build.contract("c", units=2, sla=Sla(spare_permille=500))],
        current=current,
    )


def net(given: Problem, plan: Plan) -> dict[str, int]:
    return {finding.subject: finding.amount for finding in TERM.explain(given, plan)}


def test_revenue_less_energy() -> None:
    # j: 2 units of 8 GPUs at 1000 mills = 16,000. Mean power of a unit: 8 GPUs * 1 kW * 0.5
    # = 4 kW = 480 mills an hour, 960 for both.
    assert net(problem(), Plan({"j": {"r1": 1, "r2": 1}})) == {"idle power": 0, "j": 15_040}


def test_spare_units_of_a_contract_draw_power_and_earn_nothing() -> None:
    # ceil(2 * 0.5) = 1 spare. 3 units placed, 2 count: 2 * 8 * 2000 = 32,000.
    # Mean power of a unit: 8 * 1 kW * 0.7 = 5.6 kW = 672 mills; three of them 2016.
    assert net(problem(), Plan({"c": {"r1": 2, "r2": 1}}))["c"] == 32_000 - 2_016
    assert net(problem(), Plan({"c": {"r1": 2}}))["c"] == 16_000 - 2 * 672


def test_a_job_inside_a_contract_draws_nothing_of_its_own() -> None:
    assert net(problem(), Plan({"inside": {"r1": 1}}))["inside"] == 0


def test_idle_racks_and_base_loads_are_always_paid() -> None:
    idle = {"hgx": build.rack_type(idle_w=1_003)}
    loads = (BaseLoad(name="switches", hall="H", feeds=("ups1",), power_w=500),)
    given = build.problem(build.site(prices=PRICES, rack_types=idle, base_loads=loads))
    # (2 * 1003 + 500) W * 1.2 * 100 dollars / MWh = 300.72 mills, rounded up once.
    assert net(given, Plan({})) == {"idle power": -301}
    (form,) = compiled(TERM, given)
    assert isinstance(form, AssignmentCost)
    assert form.base_mills == 301


def test_energy_of_a_unit_is_rounded_up() -> None:
    # 1 GPU of 16 kW / 16 at 0.5 = 500 W; at 65 dollars and PUE 1.15: 37.375 mills.
    given = build.problem(build.site(), [build.job("j", units=2, gpus_per_unit=1)])
    assert net(given, Plan({"j": {"r1": 2}}))["j"] == 2 * 1_000 - 2 * 38
    (form,) = compiled(TERM, given)
    assert isinstance(form, AssignmentCost)
    assert form.cost_mills.tolist() == [[38]]


@pytest.mark.parametrize(
    ("racks", "moved"),
    [
        ({"r1": 2, "r2": 1}, 0),
        ({"r1": 1, "r2": 1}, 1),
        ({"r2": 3}, 2),
        ({}, 3),
    ],
)
def test_units_that_leave_the_rack_where_they_run_cost_a_move(
    racks: dict[str, int], moved: int
) -> None:
    current = Plan({"j": {"r1": 2, "r2": 1, "gone": 5}, "ended": {"r1": 1}})
    stayed = sum(racks.values()) * (8 * 1_000 - 480)
    # 8 GPUs * 50 mills for each unit that moves.
    expected = stayed - moved * 8 * 50
    assert net(problem(current), Plan({"j": racks}))["j"] == expected
    (form,) = compiled(TERM, problem(current))
    assert isinstance(form, AssignmentCost)
    # Reservations come first: c, j, inside.
    assert form.home_job.tolist() == [1, 1]
    assert form.home_rack.tolist() == [0, 1]
    assert form.home_units.tolist() == [2, 1]
    assert form.move_mills.tolist() == [400, 400]


def test_free_moves_need_no_home() -> None:
    given = build.problem(
        build.site(prices=Prices()), [build.job("j")], current=Plan({"j": {"r1": 1}})
    )
    (form,) = compiled(TERM, given)
    assert isinstance(form, AssignmentCost)
    assert form.home_job.size == form.move_mills.size == 0


def test_explain_equals_compile() -> None:
    seen = contract_outcomes(TERM, seeds=300)
    assert (False, False, True) in seen
    assert not any(breaks or unmet for breaks, unmet, _ in seen)
