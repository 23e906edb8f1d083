"""One GPU type under a synchronous job."""

from __future__ import annotations

from typing import Any

import pytest

from kernels.forms import GroupPresence
from scheduler.model import Plan
from scheduler.terms.gpu_type import GpuType
from tests import build
from tests.placement_cases import TYPES, broken, compiled, contract_outcomes

TERM = GpuType()
SITE = build.site(
    [
        build.rack("r1"),
        build.rack("r2"),
        build.rack("n1", type="nvl"),
        build.rack("o1", type="odd"),
    ],
    rack_types=TYPES,
)
MIXED = {"profile": "sync", "gpu_types": ("h100", "gb200", "h200"), "units": 4}


@pytest.mark.parametrize(
    ("racks", "types"),
    [(("r1", "r2"), 1), (("r1", "n1"), 2), (("r1", "r2", "n1", "o1"), 3)],
)
def test_every_type_beyond_the_first_is_a_violation(racks: tuple[str, ...], types: int) -> None:
    problem = build.problem(SITE, [build.job("j", **MIXED)])
    plan = Plan({"j": dict.fromkeys(racks, 1)})
    (finding,) = TERM.explain(problem, plan)
    assert (finding.amount, finding.limit, finding.violation) == (types, 1, types - 1)


@pytest.mark.parametrize("fields", [{"profile": "flat"}, {"gpu_types": ("h100",)}])
def test_only_synchronous_jobs_with_a_choice_are_bound(fields: dict[str, Any]) -> None:
    problem = build.problem(SITE, [build.job("j", **{**MIXED, **fields})])
    assert not TERM.applies(problem)
    assert broken(TERM.explain(problem, Plan({"j": {"r1": 1, "n1": 1}}))) == []


def test_a_site_of_one_type_needs_no_form() -> None:
    assert not TERM.applies(build.problem(jobs=[build.job("j", **MIXED)]))


def test_domains_are_gpu_types() -> None:
    (form,) = compiled(TERM, build.problem(SITE, [build.job("i"), build.job("j", **MIXED)]))
    assert isinstance(form, GroupPresence)
    r1, r2, n1, o1 = form.domain_of_rack.tolist()
    assert r1 == r2
    assert len({r1, n1, o1}) == 3
    assert form.group_of_job.tolist() == [-1, 0]
    assert form.group_names == ("j",)


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
