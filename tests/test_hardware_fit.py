"""Units lie only where they fit."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from kernels.forms import AssignmentCost
from scheduler.model import Level, Plan
from scheduler.terms.hardware_fit import HardwareFit, obstacle
from tests import build
from tests.placement_cases import TYPES, broken, compiled, contract_outcomes, random_problem

TERM = HardwareFit()
SITE = build.site(
    [
        build.rack("hgx", array="A1"),
        build.rack("hgx-down", array="A1", down_nodes=2),
        build.rack("hgx-drained", array="A1", drained=True),
        build.rack("nvl", type="nvl", array="A2", hall="H2"),
    ],
    rack_types=TYPES,
)


@pytest.mark.parametrize(
    ("fields", "racks"),
    [
        ({}, {"hgx"}),
        ({"gpu_types": ("gb200",)}, {"nvl"}),
        ({"gpu_types": ("h100", "gb200")}, {"hgx", "nvl"}),
        ({"gpu_types": ("h100", "gb200"), "within": ("A2",)}, {"nvl"}),
        ({"gpu_types": ("h100", "gb200"), "within": ("H", "H2")}, {"hgx", "nvl"}),
        ({"within": ("hgx-down",)}, set()),
        ({"gpu_types": ("h100", "gb200"), "gpus_per_unit": 12}, {"hgx", "nvl"}),  # 16 and 12 slots
        ({"gpu_types": ("h100", "gb200"), "gpus_per_unit": 13}, {"hgx"}),  # 16 slots > 12 GPUs
        # NVLink joins 8 GPUs of an HGX node, and the whole rack of the other type.
        (
            {"gpu_types": ("h100", "gb200"), "gpus_per_unit": 12, "required": Level.NVLINK},
            {"nvl"},
        ),
        ({"gpus_per_unit": 8, "required": Level.NVLINK}, {"hgx"}),
    ],
)
def test_racks_that_suit_a_job(fields: dict[str, Any], racks: set[str]) -> None:
    problem = build.problem(SITE, [build.job("j", **fields)])
    (form,) = compiled(TERM, problem)
    assert isinstance(form, AssignmentCost)
    allowed = form.allowed[0, form.kind_of_rack]
    assert {name for name, fits in zip(SITE.racks, allowed, strict=True) if fits} == racks
    plan = Plan({"j": dict.fromkeys(SITE.racks, 2)})
    wrong = 2 * (4 - len(racks))  # 2 units on each of the other racks
    assert broken(TERM.explain(problem, plan)) == ([("j", wrong, 0)] if wrong else [])


def test_racks_that_suit_the_same_jobs_are_one_kind() -> None:
    (form,) = compiled(TERM, build.problem(SITE, [build.job("j", within=("A1",))]))
    assert isinstance(form, AssignmentCost)
    hgx, down, drained, nvl = form.kind_of_rack.tolist()
    assert down == drained
    assert len({hgx, down, nvl}) == 3
    assert not form.cost_mills.any()


def test_a_misplaced_unit_is_named_with_its_reason() -> None:
    problem = build.problem(SITE, [build.job("j", units=3)])
    (finding,) = TERM.explain(problem, Plan({"j": {"hgx": 1, "nvl": 2}}))
    assert finding.amount == 2
    assert finding.message == "2 units on nvl: has gb200, allowed are h100"


def test_obstacles_in_words_agree_with_the_model() -> None:
    seen = set()
    for seed in range(60):
        problem = random_problem(Random(seed))
        for job in problem.jobs.values():
            for rack in problem.site.racks.values():
                why = obstacle(problem, job, rack)
                assert (why == "") == problem.allows(job, rack), (seed, job, rack, why)
                seen.add(why.split(" ")[0])
    # Fits, type, drained, all down, outside, too large for the rack, for the NVLink domain.
    assert seen == {"", "has", "is", "all", "holds", "joins"}


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
