"""Coolant return temperature of loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scheduler.model import Finding, Plan, Problem, Weather
from scheduler.terms.return_temperature import ReturnTemperature
from tests.build import job, problem, rack, rack_type, site
from tests.thermal import assert_load_never_helps, assert_views_agree, compiled_rows

TERM = ReturnTemperature()
HOT = Weather(name="hot", dry_bulb_mc=36_000, wet_bulb_mc=28_000)
MILD = Weather(name="mild", dry_bulb_mc=20_000, wet_bulb_mc=12_000)


def loop(**fields: Any) -> dict[str, Any]:
    """The default loop, changed."""
    return {"loop1": replace(site().loops["loop1"], **fields)}


def findings(of: Problem, plan: Plan) -> dict[str, Finding]:
    """Findings by state."""
    return {f.state: f for f in TERM.explain(of, plan)}


def test_limit_is_what_the_design_flow_carries_up_to_the_return_limit() -> None:
    case = problem(site(), jobs=[job("a", units=3)])
    found = findings(case, Plan({"a": {"r1": 2, "r2": 1}}))
    # design flow 2 x 20 L/min; (60 - 30) K * 40,000 mL/min / 15,200 = 78,947.4 W
    # heat 3 x 8 kW x 0.8 = 19,200 W
    assert list(found) == ["design"]
    assert (found["design"].amount, found["design"].limit) == (19_200, 78_947)
    assert found["design"].jobs == ("a",)


def test_the_hottest_day_binds_and_the_message_names_temperatures() -> None:
    on = site([rack("r1")], loops=loop(return_limit_mc=43_000), weather=(MILD, HOT))
    case = problem(on, jobs=[job("a", units=2)])
    found = findings(case, Plan({"a": {"r1": 2}}))
    # hot: wet bulb 28 + 4 + 4 = 36 C; (43 - 36) K * 20,000 / 15,200 = 9,210.5 W
    # heat 2 x 6,400 = 12,800 W warms 20 L/min by 12,800 * 15,200 / 20,000 = 9,728 mK: 45.7 C
    assert list(found) == ["hot"]
    assert (found["hot"].amount, found["hot"].limit) == (12_800, 9_210)
    assert "45.7 °C" in found["hot"].message
    assert "43.0 °C" in found["hot"].message
    assert "139.0 %" in found["hot"].message  # 12,800 / 9,210


def test_a_lost_cdu_takes_flow_and_power_actions_take_heat() -> None:
    on = site(loops=loop(unit_flow_mlpm=15_200), failure_kinds=("cdu",), weather=(MILD,))
    case = problem(on, jobs=[job("a", power_action="cap")])
    found = findings(case, Plan({"a": {"r1": 1}}))
    # all CDUs: min(40,000, 2 x 15,200) = 30,400 mL/min; 30 K: 60,000 W against 6,400 W
    assert (found["mild"].amount, found["mild"].limit) == (6_400, 60_000)
    # one CDU: 15,200 mL/min; 30 K: 30,000 W against the capped 8,000 * 0.4 * 0.8 = 2,560 W
    lost = found["loss of loop1 on mild"]
    assert (lost.amount, lost.limit) == (2_560, 30_000)


def test_a_loop_without_flow_carries_no_heat() -> None:
    on = site(rack_types={"hgx": rack_type(flow_mlpm=0)})
    found = findings(problem(on, jobs=[job("a")]), Plan({"a": {"r1": 1}}))
    assert found["design"].violation == 6_400
    assert found["design"].message


def test_a_supply_above_the_return_limit_breaks_the_empty_site() -> None:
    # (29 - 30) K * 40,000 / 15,200 = -2,631.6 W, rounded down
    case = problem(site(loops=loop(return_limit_mc=29_000)))
    found = findings(case, Plan({}))
    assert (found["design"].limit, found["design"].violation) == (-2_632, 2_632)
    assert compiled_rows(TERM, case, Plan({})) == [("loop1", "design", "W", 0, -2_632)]


def test_the_only_cdu_has_no_row_for_its_loss() -> None:
    on = site(loops=loop(units=1, spare_units=0), failure_kinds=("cdu",))
    assert list(findings(problem(on), Plan({}))) == ["design"]


def test_applies_only_where_there_is_a_loop() -> None:
    assert TERM.applies(problem())
    assert not TERM.applies(problem(site([rack("r1", loop=None)], loops={})))


def test_views_agree() -> None:
    assert_views_agree(TERM)


def test_load_never_helps() -> None:
    assert_load_never_helps(TERM)
