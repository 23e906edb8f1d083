"""Tenants in conflict stay apart."""

from __future__ import annotations

from kernels.forms import GroupPresence
from scheduler.model import Conflict, Level, Plan, Problem
from scheduler.terms.conflicts import Conflicts
from tests import build
from tests.placement_cases import broken, compiled, contract_outcomes

TERM = Conflicts()
SITE = build.site(
    [build.rack("r1", array="A1"), build.rack("r2", array="A1"), build.rack("r3", array="A2")]
)


def problem(*conflicts: Conflict, of: str = "ann") -> Problem:
    return build.problem(
        SITE,
        jobs=[build.job(name, tenant=name) for name in ("ann", "bob", "cid")],
        tenants=[build.tenant(of, conflicts=conflicts)],
    )


ARRAY_FOES = Conflict(tenant="bob", level=Level.ARRAY)


def test_foes_may_not_share_the_array() -> None:
    same_array = Plan({"ann": {"r1": 1}, "bob": {"r2": 1}, "cid": {"r1": 1}})
    (finding,) = [f for f in TERM.explain(problem(ARRAY_FOES), same_array) if f.violation]
    assert (finding.subject, finding.amount, finding.jobs) == ("array A1", 1, ("ann", "bob"))
    other_array = Plan({"ann": {"r1": 1}, "bob": {"r3": 1}})
    assert broken(TERM.explain(problem(ARRAY_FOES), other_array)) == []


def test_a_conflict_holds_for_both_sides_and_counts_once() -> None:
    mutual = problem(ARRAY_FOES, Conflict(tenant="ann", level=Level.ARRAY))
    stated_by_bob = problem(Conflict(tenant="ann", level=Level.ARRAY), of="bob")
    plan = Plan({"ann": {"r1": 1}, "bob": {"r2": 1}})
    assert broken(TERM.explain(mutual, plan)) == [("array A1", 1, 0)]
    assert broken(TERM.explain(stated_by_bob, plan)) == [("array A1", 1, 0)]
    (one,), (other,) = compiled(TERM, mutual), compiled(TERM, stated_by_bob)
    assert isinstance(one, GroupPresence)
    assert isinstance(other, GroupPresence)
    assert one.may_share is not None
    assert other.may_share is not None
    assert one.may_share.tolist() == other.may_share.tolist() == [[True, False], [False, True]]


def test_each_level_is_a_form_and_bystanders_are_not_concerned() -> None:
    forms = compiled(TERM, problem(ARRAY_FOES, Conflict(tenant="cid", level=Level.RACK)))
    presences = [form for form in forms if isinstance(form, GroupPresence)]
    assert [(form.level, form.group_names) for form in presences] == [
        ("rack", ("ann", "cid")),
        ("array", ("ann", "bob")),
    ]
    assert [form.group_of_job.tolist() for form in presences] == [[0, -1, 1], [0, 1, -1]]


def test_a_foe_without_work_is_no_conflict() -> None:
    alone = build.problem(
        SITE,
        [build.job("ann", tenant="ann")],
        tenants=[build.tenant("ann", conflicts=(ARRAY_FOES,)), build.tenant("bob")],
    )
    assert not TERM.applies(alone)


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
