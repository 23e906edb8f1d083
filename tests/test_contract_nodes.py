"""Jobs inside a contract lie on what it holds."""

from __future__ import annotations

from kernels.forms import LinearLoad
from scheduler.model import Plan, Problem
from scheduler.terms.contract_nodes import ContractNodes
from tests import build
from tests.placement_cases import broken, compiled, contract_outcomes

TERM = ContractNodes()


def problem() -> Problem:
    return build.problem(
        jobs=[
            build.job("tune", units=4, gpus_per_unit=3),
            build.job("serve", units=2, gpus_per_unit=4),
            build.job("guest", tenant="u", units=2),
        ],
        contracts=[build.contract("c1", units=2), build.contract("c2", tenant="v")],
    )


def test_slots_inside_are_at_most_the_slots_held_on_the_same_rack() -> None:
    # c1 holds 8 slots on each rack. tune takes cells of 4: 2 * 4 = 8 on r1, 1 * 4 on r2.
    kept = Plan({"c1": {"r1": 1, "r2": 1}, "tune": {"r1": 2, "r2": 1}, "serve": {"r2": 1}})
    findings = list(TERM.explain(problem(), kept))
    assert [(f.subject, f.amount, f.limit) for f in findings] == [
        ("t on r1", 8, 8),
        ("t on r2", 8, 8),
    ]
    # Room on r1 is no room on r2: 4 + 2 * 4 = 12 slots where 8 are held.
    over = Plan({"c1": {"r1": 1, "r2": 1}, "tune": {"r2": 1}, "serve": {"r2": 2}})
    assert broken(TERM.explain(problem(), over)) == [("t on r2", 12, 8)]
    assert next(iter(TERM.explain(problem(), over))).jobs == ("serve", "tune")


def test_another_tenants_contract_brings_no_room() -> None:
    plan = Plan({"c2": {"r1": 1}, "tune": {"r1": 1}})
    assert broken(TERM.explain(problem(), plan)) == [("t on r1", 4, 0)]


def test_reservations_bring_capacity_and_other_jobs_nothing() -> None:
    (form,) = compiled(TERM, problem())
    assert isinstance(form, LinearLoad)
    # c1, c2, tune, serve, guest on the only rack type.
    assert form.demand[:, 0].tolist() == [-8, 0, 4, 4, 0]
    assert form.subject == ("t on r1", "t on r2")
    assert form.limit.tolist() == [0, 0]


def test_it_applies_where_a_tenant_has_both_contracts_and_jobs() -> None:
    assert TERM.applies(problem())
    apart = build.problem(jobs=[build.job("j", tenant="u")], contracts=[build.contract("c")])
    assert not TERM.applies(apart)


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
