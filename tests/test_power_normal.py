"""Power in the normal state."""

from __future__ import annotations

import pytest

from scheduler.model import BaseLoad, Plan
from scheduler.terms.power_normal import PowerNormal
from tests import build
from tests.power_cases import (
    SEEDS,
    assert_compile_equals_explain,
    compiled,
    findings,
    loads,
    node,
    nodes,
    random_case,
)

TERM = PowerNormal()


def test_a_rack_splits_its_load_over_two_feeds() -> None:
    # r1 carries 2 units x 8 GPUs = 16 kW, r2 one unit = 8 kW: (16 + 8) / 2 = 12 kW a UPS.
    problem = build.problem(jobs=[build.job("a", units=2), build.job("b")])
    found = findings(TERM, problem, Plan({"a": {"r1": 2}, "b": {"r2": 1}}))
    assert {key[0]: finding.amount for key, finding in found.items()} == {
        "ups1": 12_000,
        "ups2": 12_000,
    }
    assert found["ups1", "normal"].limit == 100_000
    assert found["ups1", "normal"].unit == "W"
    assert found["ups1", "normal"].jobs == ("a", "b")
    assert not found["ups1", "normal"].message


def test_idle_racks_and_base_loads_count() -> None:
    # 2 racks x 1 kW idle / 2 + 3 kW of switches on ups1 alone; dynamic range 16 - 1 = 15 kW.
    # One node of 8 of 16 GPUs: 8 / 16 * 15 kW = 7.5 kW, half of it on each UPS.
    site = build.site(
        rack_types={"hgx": build.rack_type(idle_w=1_000)},
        base_loads=(BaseLoad(name="switches", hall="H", feeds=("ups1",), power_w=3_000),),
    )
    problem = build.problem(site, jobs=[build.job("a")])
    found = findings(TERM, problem, Plan({"a": {"r1": 1}}))
    assert found["ups1", "normal"].amount == 1_000 + 3_000 + 3_750
    assert found["ups2", "normal"].amount == 1_000 + 3_750
    (form,) = compiled(TERM, problem)
    assert form.scale == 2
    assert list(form.base) == [2 * 4_000, 2 * 1_000]


def test_load_adds_up_over_a_tree_of_three_levels() -> None:
    # r1 hangs on b1 alone, r2 on b1 and b2. b1 splits over u1 and u2, b2 hangs on u2.
    # r1 16 kW, r2 8 kW: b1 = 16 + 4 = 20, b2 = 4; u1 = 10, u2 = 10 + 4 = 14, grid = 24 kW.
    site = build.site(
        [build.rack("r1", feeds=("b1",)), build.rack("r2", feeds=("b1", "b2"))],
        power_nodes=nodes(
            node("grid", kind="utility", rating_w=23_999),
            node("u1", "grid"),
            node("u2", "grid"),
            node("b1", "u1", "u2"),
            node("b2", "u2"),
        ),
    )
    problem = build.problem(site, jobs=[build.job("a", units=3)])
    plan = Plan({"a": {"r1": 2, "r2": 1}})
    found = findings(TERM, problem, plan)
    amounts = {subject: finding.amount for (subject, _), finding in found.items()}
    assert amounts == {"grid": 24_000, "u1": 10_000, "u2": 14_000, "b1": 20_000, "b2": 4_000}
    assert [key[0] for key, finding in found.items() if finding.violation] == ["grid"]
    assert found["grid", "normal"].violation == 1
    assert_compile_equals_explain(TERM, problem, plan)


def test_a_transfer_switch_loads_its_first_parent_only() -> None:
    site = build.site(
        [build.rack("r1", feeds=("sts",))],
        power_nodes=nodes(node("u1"), node("u2"), node("sts", "u2", "u1", mode="transfer")),
    )
    problem = build.problem(site, jobs=[build.job("a")])
    found = findings(TERM, problem, Plan({"a": {"r1": 1}}))
    assert (found["u1", "normal"].amount, found["u2", "normal"].amount) == (0, 8_000)


def test_a_broken_limit_is_told_with_amount_share_and_limit() -> None:
    # 2 533 / 2 500 = 1.0132: the share is rounded up to 101.4 %, never down to 100.0 %.
    rack_type = build.rack_type(observed_peak_w=2_533_000)
    site = build.site(
        [build.rack("r1", feeds=("ups1",))],
        rack_types={"hgx": rack_type},
        power_nodes=nodes(node("ups1", rating_w=2_500_000)),
    )
    problem = build.problem(site, jobs=[build.job("a", units=2)])
    finding = findings(TERM, problem, Plan({"a": {"r1": 2}}))["ups1", "normal"]
    assert finding.violation == 33_000
    assert finding.message == "feed ups1 carries 2,533.0 kW, 101.4 % of its 2,500.0 kW"


def test_a_finding_names_the_five_largest_jobs_in_order() -> None:
    jobs = [build.job(f"j{gpus}", gpus_per_unit=gpus) for gpus in (1, 2, 3, 4, 5, 6)]
    problem = build.problem(jobs=jobs)
    plan = Plan({job.name: {"r1": 1} for job in jobs})
    finding = findings(TERM, problem, plan)["ups1", "normal"]
    assert finding.jobs == ("j6", "j5", "j4", "j3", "j2")


def test_a_job_inside_a_contract_draws_nothing_of_its_own() -> None:
    problem = build.problem(
        jobs=[build.job("inner", tenant="c")], contracts=[build.contract("deal", tenant="c")]
    )
    plan = Plan({"deal": {"r1": 1}, "inner": {"r1": 1}})
    finding = findings(TERM, problem, plan)["ups1", "normal"]
    assert finding.amount == 4_000  # the reservation's 8 kW over two UPS
    assert finding.jobs == ("deal",)


def test_thirds_are_exact() -> None:
    # A rack on three feeds: 8 kW / 3 = 2 666.67 W, told as 2 667 W, kept by a limit of 2 667 W.
    ups = [node(f"u{i}", rating_w=2_667 - i) for i in range(3)]
    site = build.site([build.rack("r1", feeds=("u0", "u1", "u2"))], power_nodes=nodes(*ups))
    problem = build.problem(site, jobs=[build.job("a")])
    plan = Plan({"a": {"r1": 1}})
    found = findings(TERM, problem, plan)
    assert [finding.amount for finding in found.values()] == [2_667, 2_667, 2_667]
    assert [finding.violation for finding in found.values()] == [0, 1, 2]
    (form,) = compiled(TERM, problem)
    assert form.scale == 3
    assert loads(form, problem, plan) == [8_000, 8_000, 8_000]
    assert_compile_equals_explain(TERM, problem, plan)


@pytest.mark.parametrize("seed", SEEDS)
def test_compile_equals_explain(seed: int) -> None:
    problem, plan = random_case(seed)
    assert_compile_equals_explain(TERM, problem, plan)
    assert len(findings(TERM, problem, plan)) == len(problem.site.power_nodes)


def test_applies_where_there_is_power() -> None:
    assert TERM.applies(build.problem())
    assert not TERM.applies(build.problem(build.site(power_nodes={})))
