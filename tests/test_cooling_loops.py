"""Heat and flow of loops against their CDUs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scheduler.model import Finding, Plan, Problem
from scheduler.terms.cooling_loops import CoolingLoops
from tests.build import contract, job, problem, rack, rack_type, site
from tests.thermal import assert_load_never_helps, assert_views_agree, compiled_rows

TERM = CoolingLoops()


def loop(**fields: Any) -> dict[str, Any]:
    """The default loop, changed."""
    return {"loop1": replace(site().loops["loop1"], **fields)}


def found(of: Problem, plan: Plan, state: str = "normal", unit: str = "W") -> Finding:
    """The one finding of a state and unit."""
    (finding,) = (f for f in TERM.explain(of, plan) if (f.state, f.unit) == (state, unit))
    return finding


def test_liquid_share_of_every_unit_and_of_idle_power() -> None:
    on = site(rack_types={"hgx": rack_type(idle_w=1_001, liquid_permille=850)})
    case = problem(on, jobs=[job("a", units=3, gpus_per_unit=8), job("b", gpus_per_unit=1)])
    plan = Plan({"a": {"r1": 2, "r2": 1}, "b": {"r2": 1}})
    # above idle: 16,000 - 1,001 = 14,999 W for 16 GPUs
    # a: 8 * 14,999 / 16 = 7,499.5 -> 7,500 W a unit; 85 % = 6,375 W; 3 units = 19,125 W
    # b: 14,999 / 16 = 937.4 -> 938 W; 85 % = 797.3 -> 798 W
    # idle: 85 % of 1,001 = 850.85 -> 851 W, two racks = 1,702 W
    finding = found(case, plan)
    assert finding.amount == 19_125 + 798 + 1_702
    assert finding.limit == 100_000  # one of two CDUs, the other is the spare
    assert finding.jobs == ("a", "b")
    assert finding.message == ""


def test_spare_units_are_kept_whole() -> None:
    # 2 units x 8 kW x 0.8 = 12.8 kW
    case = problem(site(loops=loop(unit_w=12_799)), jobs=[job("a", units=2)])
    plan = Plan({"a": {"r1": 2}})
    finding = found(case, plan)
    assert finding.violation == 1
    assert "12.8 kW" in finding.message
    assert "100.1 %" in finding.message
    # without a spare both CDUs count: 2 x 12,799 W
    unspared = replace(case, site=site(loops=loop(unit_w=12_799, spare_units=0)))
    assert found(unspared, plan).limit == 25_598
    assert found(unspared, plan).violation == 0


def test_power_actions_relieve_a_loop_that_lost_a_cdu() -> None:
    on = site(loops=loop(units=3, spare_units=0, unit_w=10_000), failure_kinds=("cdu",))
    jobs = [
        job("firm"),
        job("cap", power_action="cap"),
        job("shed", power_action="shed"),
    ]
    plan = Plan({"firm": {"r1": 1}, "cap": {"r1": 1}, "shed": {"r2": 1}})
    case = problem(on, jobs=jobs)
    # 8 kW a unit, 80 % liquid: 6,400 W each at peak; capped to 40 %: 2,560 W; shed: 0
    assert found(case, plan).amount == 3 * 6_400
    assert found(case, plan).limit == 30_000
    lost = found(case, plan, "loss of loop1")
    assert (lost.amount, lost.limit) == (6_400 + 2_560, 20_000)
    assert lost.jobs == ("firm", "cap")


def test_a_loop_that_loses_its_only_cdu_has_no_row_for_that() -> None:
    on = site(loops=loop(units=1, spare_units=0), failure_kinds=("cdu", "ups"))
    states = [f.state for f in TERM.explain(problem(on), Plan({}))]
    assert states == ["normal", "normal"]  # heat and flow
    assert len(compiled_rows(TERM, problem(on), Plan({}))) == 2


def test_design_flow_is_a_fact_of_the_site() -> None:
    on = site(loops=loop(unit_flow_mlpm=39_999))
    # two racks of 20 L/min on one CDU of 39.999 L/min (the other one is the spare)
    finding = found(problem(on), Plan({}), unit="mL/min")
    assert (finding.amount, finding.limit, finding.violation) == (40_000, 39_999, 1)
    assert "no placement can change that" in finding.message
    assert ("loop1", "normal", "mL/min", 40_000, 39_999) in compiled_rows(
        TERM, problem(on), Plan({})
    )


def test_racks_without_a_loop_and_jobs_inside_a_contract_add_nothing() -> None:
    on = site([rack("r1"), rack("air", loop=None)])
    case = problem(on, jobs=[job("inside"), job("out", tenant="o")], contracts=[contract("c")])
    plan = Plan({"inside": {"r1": 1}, "out": {"air": 1}, "c": {"r1": 1}})
    assert found(case, plan).amount == 6_400  # the reservation alone: 8 kW x 0.8
    assert found(case, plan).jobs == ("c",)


def test_applies_only_where_there_is_a_loop() -> None:
    assert TERM.applies(problem())
    assert not TERM.applies(problem(site([rack("r1", loop=None)], loops={})))


def test_views_agree() -> None:
    assert_views_agree(TERM)


def test_load_never_helps() -> None:
    assert_load_never_helps(TERM)
