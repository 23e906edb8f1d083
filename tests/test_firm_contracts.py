"""Firm promises, kept and unmet."""

from __future__ import annotations

import pytest

from kernels.forms import AssignmentCost
from scheduler.model import Kind, Plan, Problem, Sla
from scheduler.terms.firm_contracts import FirmContracts
from tests import build
from tests.placement_cases import compiled, contract_outcomes

TERM = FirmContracts()


def problem() -> Problem:
    sla = Sla(survives=("rack",), spare_permille=100)
    return build.problem(
        build.site([build.rack(f"r{i}") for i in range(1, 5)]),
        jobs=[build.job("j")],
        contracts=[
            build.contract("firm", units=4, sla=sla),
            build.contract("plain", units=3, gpus_per_unit=4),
            build.contract("best-effort", units=2, firm=False),
        ],
    )


@pytest.mark.parametrize(
    ("racks", "counted"),
    [
        ({}, 0),
        ({"r1": 2, "r2": 2}, 1),  # 4 placed - ceil(4 * 0.1) = 1 spare - 2 on the worst rack
        ({"r1": 2, "r2": 2, "r3": 2}, 3),  # 6 - 1 - 2
        ({"r1": 2, "r2": 2, "r3": 2, "r4": 1}, 4),  # 7 - 1 - 2
        ({"r1": 2, "r2": 2, "r3": 2, "r4": 2}, 4),  # 8 - 1 - 2 = 5, 4 are promised
    ],
)
def test_gpus_that_count_meet_the_promise(racks: dict[str, int], counted: int) -> None:
    firm, plain = TERM.explain(problem(), Plan({"firm": racks, "plain": {"r4": 3}}))
    assert firm.kind is Kind.OBLIGATION
    assert (firm.subject, firm.amount, firm.limit) == ("firm", 8 * counted, 8 * 4)
    assert firm.unmet == 8 * (4 - counted)
    assert (plain.subject, plain.amount, plain.limit, plain.unmet) == ("plain", 12, 12, 0)
    assert bool(firm.message) == (counted < 4)


def test_only_firm_contracts_oblige() -> None:
    (form,) = compiled(TERM, problem())
    assert isinstance(form, AssignmentCost)
    assert form.firm_gpus.tolist() == [8, 4, 0, 0]  # firm, plain, best-effort, j
    assert form.allowed.all()
    assert not form.value_mills.any()
    assert not form.cost_mills.any()


def test_it_applies_only_with_a_firm_contract() -> None:
    assert TERM.applies(problem())
    assert not TERM.applies(build.problem(contracts=[build.contract("c", firm=False)]))


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (False, True, False)}
