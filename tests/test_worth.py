"""What limits are worth and where the gap sits, in words; every figure by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scheduler.gap_words import gap_lines, gap_records, proved_by
from scheduler.model import Plan, Problem
from scheduler.planner import GapPart, Price
from scheduler.result import result_record
from scheduler.worth import Scarce, scarce_of
from tests import build
from tests.solutions import solution


def hall() -> Problem:
    """Four UPS of 100 kW in hall H3 and two utility lines of none; racks of 16 GPUs, 32 in all."""
    upses = {f"u{n}": build.ups(f"u{n}", hall="H3") for n in range(1, 5)}
    lines = {n: build.ups(n, 900_000, kind="utility") for n in ("east", "west")}
    racks = [build.rack(name, hall="H3", feeds=("u1", "u2"), loop="loop1") for name in ("r1", "r2")]
    site = build.site(racks, power_nodes={**upses, **lines})
    return build.problem(site, [build.job("a")])


def load(subject: str, mills: float, **fields: Any) -> Price:
    default = {"kind": "load", "term": "power_normal", "state": "normal", "unit": "W"}
    values: dict[str, Any] = {**default, "units": 100_000, **fields}
    return Price(subject=subject, mills_per_unit=mills, **values)


def one(*prices: Price) -> Scarce:
    (scarce,) = scarce_of(hall(), prices)
    return scarce


def test_states_of_a_component_add_up_and_a_megawatt_is_spread_over_the_ups_of_a_hall() -> None:
    """0.1 + 0.064 = 0.164 mills a watt on one of four: a megawatt on all, 250 kW of it there.

    250,000 W x 0.164 mills = $41/h; a kilowatt of all is worth $0.041/h, x 730 h = $29.93.
    """
    scarce = one(
        load("u1", 0.1, term="power_failover", state="loss of u2"),
        load("u1", 0.064),
    )
    assert scarce.words == (
        "another 1 MW on the 4 UPS of hall H3, spread over all, is worth $41.00/h "
        "($29.93/kW-month), most of it after loss of u2"
    )
    record = scarce.record()
    assert record["usd_per_kw_month"] == pytest.approx(29.93)
    assert record["usd_per_h_per_unit"] == pytest.approx(41e-6)
    assert (record["term"], record["state"]) == ("power_failover", "loss of u2")
    assert "usd_per_gpu_h" not in record


def test_equal_prices_on_all_ups_are_the_price_of_their_group() -> None:
    scarce = one(*(load(f"u{n}", 0.05) for n in range(1, 5)))
    assert scarce.mills_per_unit == pytest.approx(0.05)
    assert scarce.components == 4


def test_slots_are_told_by_type_and_hall_and_priced_by_gpu_hour() -> None:
    """Rows of 16 slots each, 1.12 and 0 dollars: (16 x 1.12 + 0) / 32 = $0.56 a GPU-hour."""
    slots = {"kind": "slots", "term": "rack_capacity", "unit": "slots"}
    half = one(load("r1", 1_120, units=16, **slots), load("r2", 0, units=16, **slots))
    assert half.usd_per_gpu_h == pytest.approx(0.56)
    both = one(load("r1 .. r2", 1_120, units=32, **slots))
    assert both.words == ("another 100 GPU slots of h100 in hall H3 is worth $112/h ($1.12/GPU-h)")
    assert "usd_per_kw_month" not in both.record()


def test_inlets_of_a_hall_are_raised_together() -> None:
    """2e-6 + 3e-6 mills a nK: a kelvin at all inlets is worth 5,000 mills = $5/h."""
    inlet = {"term": "inlet_temperature", "unit": "nK"}
    scarce = one(load("r1", 2e-6, **inlet), load("r2", 3e-6, **inlet))
    assert scarce.words == "another 1 K at the inlets of hall H3 is worth $5.00/h"


def test_loops_and_lines_have_names_of_their_own() -> None:
    """One loop alone; one of two utility lines, of which half a megawatt is its part."""
    heat, line = scarce_of(
        hall(),
        [load("loop1", 0.2, term="cooling_loops", units=10**6), load("east", 0.1, units=900_000)],
    )
    assert heat.words == (
        "another 1 MW of heat on cooling loop loop1 is worth $200/h ($146.00/kW-month)"
    )
    assert line.words.startswith("another 1 MW on the 2 utility nodes, spread over all, ")
    assert line.mills_per_unit == pytest.approx(0.05)


def test_a_larger_loop_takes_a_larger_part() -> None:
    """Loops of 2 x 100 kW and 6 x 100 kW: three quarters of a watt go to the larger one."""
    loop1 = build.site().loops["loop1"]
    loops = {"loop1": loop1, "loop2": replace(loop1, name="loop2", units=6)}
    problem = build.problem(build.site(loops=loops), [build.job("a")])
    (scarce,) = scarce_of(problem, [load("loop2", 0.4, term="cooling_loops")])
    assert scarce.mills_per_unit == pytest.approx(0.3)


def test_limits_worth_most_come_first_and_free_ones_not_at_all() -> None:
    """The line is worth 900,000 x 0.1 mills in all, the UPS 100,000 x 0.2."""
    found = scarce_of(hall(), [load("u1", 0.2), load("east", 0.1, units=900_000), load("u2", 0)])
    assert [each.family.words for each in found] == [
        "the 2 utility nodes",
        "the 4 UPS of hall H3",
    ]
    assert found[1].components == 1
    assert scarce_of(hall(), [load("u1", 0.0), load("u2", -1.0)]) == []


def test_power_and_swing_of_a_node_are_two_limits() -> None:
    found = scarce_of(hall(), [load("u1", 0.2), load("u1", 0.1, term="power_swing")])
    assert [each.words.split(" is worth")[0] for each in found] == [
        "another 1 MW on the 4 UPS of hall H3, spread over all,",
        "another 1 MW of swing on the 4 UPS of hall H3, spread over all,",
    ]


def test_parts_of_the_gap_are_added_up_by_hall_and_largest_first() -> None:
    """2 + 1 dollars of empty slots in one hall, 4 of a tenant, 3 of a job: 10 in all."""
    records = gap_records(
        hall(),
        [
            GapPart("unused", "r1", 2_000),
            GapPart("job", "a", 3_000),
            GapPart("unused", "r2", 1_000),
            GapPart("group", "acme", 4_000),
        ],
    )
    assert records == [
        {"kind": "group", "subject": "acme", "usd_per_h": 4.0, "share": 0.4},
        {"kind": "job", "subject": "a", "usd_per_h": 3.0, "share": 0.3},
        {
            "kind": "unused",
            "subject": "GPU slots of h100 in hall H3",
            "usd_per_h": 3.0,
            "share": 0.3,
        },
    ]
    assert gap_lines(records, 2) == [
        "$4.00/h, 40 %: tenant acme: the bound counts more of it than the plan earns",
        "$3.00/h, 30 %: job a: the bound counts more of it than the plan earns",
        "$3.00/h in 1 smaller part",
    ]


def test_a_closer_proof_is_told_apart_from_parts_of_the_gap() -> None:
    """4 dollars by prices, of which a closer bound takes 3 away: still 75 % and 25 % of the 4."""
    parts = [GapPart("group", "acme", 3_000), GapPart("job", "a", 1_000)]
    records = gap_records(hall(), [*parts, GapPart("rounding", "all", -3_000)])
    assert [record["share"] for record in records] == [0.75, 0.25, -0.75]
    assert gap_lines(records, 2) == [
        "$3.00/h, 75 %: tenant acme: the bound counts more of it than the plan earns",
        "$1.00/h, 25 %: job a: the bound counts more of it than the plan earns",
        "less $3.00/h, as another proof is closer than these prices",
    ]


def test_the_result_carries_prices_gap_and_who_proved_the_bound() -> None:
    problem = hall()
    done = solution(
        problem,
        Plan({}),
        bound_mills=1_000,
        bound_by="volume",
        prices=(load("u1", 0.2), load("u2", 0.0)),
        gap_parts=(GapPart("job", "a", 1_000),),
    )
    record: dict[str, Any] = result_record(done, 1.0)
    assert record["bound_by"] == "volume"
    assert [price["subject"] for price in record["prices"]] == ["the 4 UPS of hall H3"]
    assert record["gap_parts"][0]["share"] == 1.0


def test_each_proof_has_a_clause() -> None:
    assert proved_by("volume") == " (by a linear relaxation)"
    assert proved_by("columns") == " (by Dantzig-Wolfe over exclusive tenants)"
    assert proved_by("program") == " (by an integer program over rack classes)"
    assert proved_by("exact") == " (by an exact program)"
    assert proved_by("") == ""
