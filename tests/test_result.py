"""The figures of result.json, by hand: racks of 16 GPUs, 16 kW observed, 20 kW nameplate."""

from __future__ import annotations

import pytest

from scheduler.model import Level, Plan
from scheduler.result import (
    gpus_of,
    idle_isolated_gpus,
    isolation_cost_mills,
    result_record,
)
from tests import build
from tests.solutions import solution


def test_power_is_shown_on_both_bases_with_the_worst_headroom() -> None:
    """Two units of 8 kW on r1; each of two UPS of 100 kW carries 8 kW: 92 % are left."""
    problem = build.problem(jobs=[build.job("a", units=2)])
    record = result_record(solution(problem, Plan({"a": {"r1": 2}})), 2.0)
    power = record["power"]
    assert isinstance(power, dict)
    assert (power["basis"], power["it_mw"]) == ("observed_peak", 0.016)
    assert (power["nameplate_mw"], power["observed_peak_mw"]) == (0.04, 0.032)
    assert power["drawable_mw"] == 0.016  # no more is asked for
    assert power["worst_headroom"] == {
        "node": "ups1",
        "state": "normal",
        "amount": 8_000,
        "limit": 100_000,
        "headroom": 92_000,
        "unit": "W",
        "share": 0.92,
    }


def test_what_takes_seconds_is_left_out_where_it_is_not_asked_for() -> None:
    done = solution(build.problem(jobs=[build.job("a")]), Plan({"a": {"r1": 1}}))
    record = result_record(done, 2.0, in_full=False)
    power = record["power"]
    assert isinstance(power, dict)
    assert (record["stranded_mw"], power["drawable_mw"]) == (None, None)


def test_gpus_by_type() -> None:
    problem = build.problem(jobs=[build.job("a"), build.job("b", units=2)])
    record = result_record(solution(problem, Plan({"a": {"r1": 1}})), 2.0)
    assert record["gpus_by_type"] == {
        "h100": {"on_site": 32, "in_service": 32, "taken": 8, "idle": 24, "waiting": 16}
    }


def test_bound_and_gap_are_null_until_they_are_known() -> None:
    problem = build.problem(jobs=[build.job("a")])
    plan = Plan({"a": {"r1": 1}})
    record = result_record(solution(problem, plan), 0.0)
    assert (record["bound_usd_per_h"], record["gap"]) == (None, None)
    margin = solution(problem, plan).score.margin_mills
    record = result_record(solution(problem, plan, bound_mills=margin * 2), 0.0)
    assert record["gap"] == pytest.approx(0.5)


def test_gpus_inside_a_contract_are_counted_once_and_spares_not_at_all() -> None:
    """Contract of 2 units, 1 placed (8 of 16 GPUs); its own job of 8 GPUs lies inside."""
    problem = build.problem(
        jobs=[build.job("inside"), build.job("free", tenant="u")],
        contracts=[build.contract("deal", units=2)],
    )
    plan = Plan({"deal": {"r1": 1}, "inside": {"r1": 1}})
    assert gpus_of(problem, plan) == (8, 24)


def test_idle_gpus_of_an_isolated_array_are_priced_at_the_mean_margin() -> None:
    """acme has array A alone: 32 GPUs, 8 used, 24 idle; 800 mills on 8 GPUs: 100 each."""
    problem = build.problem(
        jobs=[build.job("a", tenant="acme")],
        tenants=[build.tenant("acme", isolation=Level.ARRAY)],
    )
    plan = Plan({"a": {"r1": 1}})
    assert idle_isolated_gpus(problem, plan) == 24
    assert isolation_cost_mills(problem, plan, 800) == 2_400
    assert isolation_cost_mills(problem, plan, -5) == 0
    shared = build.problem(jobs=[build.job("a")])
    assert idle_isolated_gpus(shared, plan) == 0
