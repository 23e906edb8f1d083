"""Not too much of a job in one domain."""

from __future__ import annotations

from kernels.forms import UNLIMITED, GroupCount
from scheduler.model import Level, Plan
from scheduler.terms.spread import Spread
from tests import build
from tests.placement_cases import broken, compiled, contract_outcomes, members

TERM = Spread()
SITE = build.site(
    [build.rack("r1", array="A1"), build.rack("r2", array="A1"), build.rack("r3", array="A2")]
)
PROBLEM = build.problem(
    SITE,
    [
        build.job("web", units=5, spread_level=Level.ARRAY, spread_max_units=2),
        build.job("batch", units=5),
        build.job("store", units=3, spread_level=Level.RACK, spread_max_units=1),
    ],
)


def test_units_above_the_limit_of_a_domain_are_violations() -> None:
    # web: 2 + 2 = 4 units in A1 are 2 too many, 1 in A2 is fine. batch may lie anywhere.
    plan = Plan({"web": {"r1": 2, "r2": 2, "r3": 1}, "batch": {"r1": 5}, "store": {"r1": 1}})
    findings = list(TERM.explain(PROBLEM, plan))
    assert [(f.subject, f.amount, f.limit, f.unit) for f in findings] == [
        ("web", 4, 2, "units in array A1"),
        ("web", 1, 2, "units in array A2"),
        ("store", 1, 1, "units in rack r1"),
    ]
    assert broken(findings) == [("web", 4, 2)]


def test_each_level_is_a_form_over_its_own_domains() -> None:
    forms = [form for form in compiled(TERM, PROBLEM) if isinstance(form, GroupCount)]
    assert [(form.level, form.group_names, form.domain_names) for form in forms] == [
        ("rack", ("store",), ("r1", "r2", "r3")),
        ("array", ("web",), ("A1", "A2")),
    ]
    assert members(forms[1]) == [[0, 1], [2]]
    assert forms[1].limit.tolist() == [2]
    assert forms[1].limit[0] < UNLIMITED
    assert not forms[1].survives.any()


def test_it_applies_only_where_a_job_asks() -> None:
    assert TERM.applies(PROBLEM)
    assert not TERM.applies(build.problem(SITE, [build.job("j", spread_level=Level.RACK)]))


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
