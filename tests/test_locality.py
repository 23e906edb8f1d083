"""One domain where it is required, a price for further ones where it is preferred."""

from __future__ import annotations

from typing import Any

import pytest

from kernels.forms import UNLIMITED, GroupPresence
from scheduler.model import Kind, Level, Plan, Problem
from scheduler.terms.locality import Locality
from tests import build
from tests.placement_cases import TYPES, broken, compiled, contract_outcomes

TERM = Locality()
# 16 GPUs a rack: 32 in A1, 16 in A2, 16 in A3; A4 has 12 GPUs of another type.
SITE = build.site(
    [
        build.rack("r1", array="A1", pod="P1"),
        build.rack("r2", array="A1", pod="P1"),
        build.rack("r3", array="A2", pod="P1"),
        build.rack("r4", array="A3", pod="P2"),
        build.rack("n1", type="nvl", array="A4", pod="P2"),
    ],
    rack_types=TYPES,
)


def problem(**fields: Any) -> Problem:
    return build.problem(SITE, [build.job("j", units=5, **fields)])


@pytest.mark.parametrize(
    ("level", "racks", "domains"),
    [
        (Level.NVLINK, ("r1",), 1),
        (Level.NVLINK, ("r1", "r2"), 2),
        (Level.RACK, ("r1", "r2", "r3"), 3),
        (Level.ARRAY, ("r1", "r2"), 1),
        (Level.ARRAY, ("r1", "r3", "r4"), 3),
        (Level.POD, ("r1", "r3"), 1),
        (Level.HALL, ("r1", "r4"), 1),
    ],
)
def test_each_domain_beyond_the_first_breaks_a_requirement(
    level: Level, racks: tuple[str, ...], domains: int
) -> None:
    (finding,) = TERM.explain(problem(required=level), Plan({"j": dict.fromkeys(racks, 1)}))
    assert (finding.amount, finding.limit) == (domains, 1)
    assert finding.violation == domains - 1


def test_the_whole_site_is_no_requirement() -> None:
    assert not TERM.applies(problem(required=Level.SITE))
    assert compiled(TERM, problem(required=Level.SITE)) == []


@pytest.mark.parametrize(
    ("fields", "level", "racks", "cost_mills"),
    [
        # 5 * 8 GPUs * 1000 mills * 33 / 1000 = 1320 mills for each array beyond
        # ceil(40 / 32) = 2.
        ({}, Level.ARRAY, ("r1", "r2"), 0),
        ({}, Level.ARRAY, ("r1", "r3"), 0),
        ({}, Level.ARRAY, ("r1", "r3", "r4"), 1320),
        # ceil(40 / 16) = 3 racks are free.
        ({}, Level.RACK, ("r1", "r2", "r3"), 0),
        ({}, Level.RACK, ("r1", "r2", "r3", "r4"), 1320),
        # All 48 GPUs of P1 hold the job.
        ({}, Level.POD, ("r1", "r4"), 1320),
        # 12 GPUs of the other type in its only array: ceil(40 / 12) = 4 are free.
        ({"gpu_types": ("gb200",)}, Level.ARRAY, ("n1",), 0),
        # P2 holds 16 + 12 = 28, P1 48 GPUs of both types.
        ({"gpu_types": ("h100", "gb200")}, Level.POD, ("r1", "n1"), 1320),
        # ceil(40 * 1001 * 33 / 1000) = ceil(1321.32)
        ({"value_mills_per_gpu_h": 1001}, Level.POD, ("r1", "r4"), 1322),
    ],
)
def test_each_domain_beyond_the_fewest_costs(
    fields: dict[str, Any], level: Level, racks: tuple[str, ...], cost_mills: int
) -> None:
    given = problem(preferred=level, slowdown_permille=33, **fields)
    (finding,) = TERM.explain(given, Plan({"j": dict.fromkeys(racks, 1)}))
    assert finding.kind is Kind.MONEY
    assert finding.amount == -cost_mills


def test_a_drained_rack_holds_nothing() -> None:
    racks = [build.rack("r1", array="A1"), build.rack("r2", array="A1", drained=True)]
    given = build.problem(
        build.site([*racks, build.rack("r3", array="A2")]),
        [build.job("j", units=3, preferred=Level.ARRAY, slowdown_permille=10)],
    )
    # 24 GPUs, 16 usable in each array: two arrays are the fewest.
    (form,) = compiled(TERM, given)
    assert isinstance(form, GroupPresence)
    assert form.free_domains.tolist() == [2]
    (finding,) = TERM.explain(given, Plan({"j": {"r1": 2, "r3": 1}}))
    assert finding.amount == 0


def test_required_and_preferred_of_one_level_are_one_form() -> None:
    given = build.problem(
        SITE,
        [
            build.job("free"),
            build.job("must", required=Level.NVLINK),
            build.job("likes", preferred=Level.RACK, slowdown_permille=100),
            build.job("both", required=Level.POD, preferred=Level.RACK, slowdown_permille=100),
            build.job("indifferent", preferred=Level.POD, slowdown_permille=0),
        ],
    )
    forms = [form for form in compiled(TERM, given) if isinstance(form, GroupPresence)]
    assert [(form.level, form.group_names) for form in forms] == [
        ("rack", ("must", "likes", "both")),
        ("pod", ("both",)),
    ]
    assert forms[0].max_domains.tolist() == [1, UNLIMITED, UNLIMITED]
    assert forms[0].price_mills.tolist() == [0, 800, 800]  # 8 GPUs * 1000 * 0.1
    assert forms[1].max_domains.tolist() == [1]
    assert forms[0].group_of_job.tolist() == [-1, 0, 1, 2, -1]


def test_a_job_without_value_pays_nothing() -> None:
    worthless = problem(preferred=Level.RACK, slowdown_permille=100, value_mills_per_gpu_h=0)
    assert not TERM.applies(worthless)
    assert list(TERM.explain(worthless, Plan({"j": {"r1": 1, "r4": 1}}))) == []


def test_a_reservation_keeps_its_required_level() -> None:
    given = build.problem(SITE, contracts=[build.contract("c", units=4, required=Level.ARRAY)])
    assert broken(TERM.explain(given, Plan({"c": {"r1": 2, "r3": 2}}))) == [("c", 2, 1)]


def test_explain_equals_compile() -> None:
    seen = contract_outcomes(TERM)
    assert {breaks for breaks, _, _ in seen} == {True, False}
    assert {costs for _, _, costs in seen} == {True, False}
