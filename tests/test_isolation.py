"""Tenants have the domains of their isolation level to themselves."""

from __future__ import annotations

from kernels.forms import GroupPresence
from scheduler.model import Level, Plan, Problem
from scheduler.terms.isolation import Isolation
from tests import build
from tests.placement_cases import LADDER, broken, compiled, contract_outcomes

TERM = Isolation()
SITE = build.site(
    [
        build.rack("r1", array="A1", loop="loop1"),
        build.rack("r2", array="A1", loop="loop1"),
        build.rack("r3", array="A2", loop="loop1"),
        build.rack("r4", array="A3", loop=None),
    ],
    isolation_ladder=LADDER,
)


def problem(ann: Level, bob: Level = Level.HOST, cid: Level = Level.HOST) -> Problem:
    levels = {"ann": ann, "bob": bob, "cid": cid}
    return build.problem(
        SITE,
        jobs=[build.job(f"{name}-1", tenant=name, units=2) for name in levels],
        tenants=[build.tenant(name, isolation=level) for name, level in levels.items()],
    )


def test_an_array_tenant_keeps_others_out_of_its_racks_arrays_and_loop() -> None:
    # The ladder of this site: level array means rack, array and loop alone.
    together = Plan({"ann-1": {"r1": 1}, "bob-1": {"r1": 1}, "cid-1": {"r2": 1}})
    # r1: ann-bob. A1: ann-bob, ann-cid. loop1: ann-bob, ann-cid.
    assert broken(TERM.explain(problem(Level.ARRAY), together)) == [
        ("rack r1", 1, 0),
        ("array A1", 2, 0),
        ("loop loop1", 2, 0),
    ]
    next_array = Plan({"ann-1": {"r1": 2}, "bob-1": {"r3": 1}})
    assert broken(TERM.explain(problem(Level.ARRAY), next_array)) == [("loop loop1", 1, 0)]
    apart = Plan({"ann-1": {"r1": 1, "r2": 1}, "bob-1": {"r4": 1}, "cid-1": {"r4": 1}})
    assert broken(TERM.explain(problem(Level.ARRAY), apart)) == []


def test_pairs_of_two_claimants_and_one_guest_count_once() -> None:
    plan = Plan({"ann-1": {"r1": 1}, "bob-1": {"r1": 1}, "cid-1": {"r1": 1}})
    # ann-bob, ann-cid, bob-cid.
    all_three = problem(Level.RACK, Level.RACK)
    (finding,) = [f for f in TERM.explain(all_three, plan) if f.violation]
    assert (finding.subject, finding.amount) == ("rack r1", 3)
    assert finding.jobs == ("ann-1", "bob-1", "cid-1")
    assert "ann, bob must have rack r1 alone" in finding.message


def test_hosts_are_no_domain_of_this_rule() -> None:
    assert not TERM.applies(problem(Level.HOST))
    assert compiled(TERM, problem(Level.HOST)) == []


def test_one_tenant_alone_needs_no_form() -> None:
    alone = build.problem(
        SITE,
        [build.job("j")],
        tenants=[build.tenant("t", isolation=Level.HALL), build.tenant("idle")],
    )
    assert not TERM.applies(alone)
    assert compiled(TERM, alone) == []


def test_forms_exist_only_for_kinds_that_a_tenant_claims() -> None:
    forms = [f for f in compiled(TERM, problem(Level.ARRAY)) if isinstance(f, GroupPresence)]
    assert [form.level for form in forms] == ["rack", "array", "loop"]
    for form in forms:
        assert form.may_share is not None
        assert form.group_names == ("ann", "bob", "cid")
        assert form.may_share.tolist() == [
            [True, False, False],
            [False, True, True],
            [False, True, True],
        ]
    assert forms[2].domain_of_rack.tolist() == [0, 0, 0, -1]  # r4 hangs on no loop


def test_contracts_are_the_tenants_presence_too() -> None:
    held = build.problem(
        SITE,
        jobs=[build.job("j", tenant="u")],
        contracts=[build.contract("c", tenant="v")],
        tenants=[build.tenant("v", isolation=Level.RACK)],
    )
    plan = Plan({"c": {"r1": 1}, "j": {"r1": 1}})
    assert broken(TERM.explain(held, plan)) == [("rack r1", 1, 0)]


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
