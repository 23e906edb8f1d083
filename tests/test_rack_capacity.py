"""Nodes of a rack, and who may share them."""

from __future__ import annotations

import pytest

from scheduler.model import Job, Level, Plan, Problem, Tenant
from scheduler.terms.base import Terrain
from scheduler.terms.rack_capacity import RackCapacity
from scheduler.topology import Topology
from tests import build
from tests.placement_cases import (
    broken,
    compiled,
    contract_outcomes,
    dense,
    violation,
)

TERM = RackCapacity()


def two_tenants(isolation: Level) -> Problem:
    jobs = [
        build.job("a", tenant="ann", units=3, gpus_per_unit=2),
        build.job("b", tenant="bob", units=3, gpus_per_unit=2),
    ]
    tenants: list[Tenant] = [
        build.tenant("ann", isolation=isolation),
        build.tenant("bob", isolation=isolation),
    ]
    return build.problem(jobs=jobs, tenants=tenants)


def nodes_used(problem: Problem, plan: Plan) -> dict[str, tuple[int, int]]:
    return {f.subject: (f.amount, f.limit) for f in TERM.explain(problem, plan)}


def test_hosts_are_shared_only_at_levels_that_allow_it() -> None:
    plan = Plan({"a": {"r1": 5}, "b": {"r1": 3}})
    # 10 + 6 = 16 slots = 2 nodes together; ceil(10 / 8) + ceil(6 / 8) = 3 apart.
    assert nodes_used(two_tenants(Level.SHARED_HOST), plan) == {"r1": (2, 2)}
    assert nodes_used(two_tenants(Level.HOST), plan) == {"r1": (3, 2)}


def test_a_shared_tenant_does_not_share_with_one_that_wants_hosts() -> None:
    jobs = [build.job(t, tenant=t, gpus_per_unit=1) for t in ("gpu", "shared", "host")]
    tenants = [
        build.tenant("gpu", isolation=Level.GPU),
        build.tenant("shared", isolation=Level.SHARED_HOST),
        build.tenant("host", isolation=Level.HOST),
    ]
    problem = build.problem(jobs=jobs, tenants=tenants)
    plan = Plan({name: {"r1": 1} for name in ("gpu", "shared", "host")})
    assert nodes_used(problem, plan) == {"r1": (2, 2)}  # {gpu, shared} and {host}


def test_a_reservation_shares_no_node_and_jobs_inside_it_take_none() -> None:
    jobs: list[Job] = [
        build.job("inside", units=4, gpus_per_unit=2),
        build.job("other", tenant="u", gpus_per_unit=1),
    ]
    contracts = [build.contract("c1", gpus_per_unit=4), build.contract("c2", gpus_per_unit=4)]
    problem = build.problem(jobs=jobs, contracts=contracts)
    plan = Plan({"c1": {"r1": 1}, "c2": {"r1": 1}, "inside": {"r1": 4}, "other": {"r2": 1}})
    # c1 and c2 hold half a node each and share none: 2 nodes. The inside job takes none.
    assert nodes_used(problem, plan) == {"r1": (2, 2), "r2": (1, 2)}
    full = Plan({**plan.units, "other": {"r1": 1}})
    assert broken(list(TERM.explain(problem, full))) == [("r1", 3, 2)]
    (finding,) = TERM.explain(problem, full)
    assert finding.jobs == ("c1", "c2", "other")


@pytest.mark.parametrize(
    ("gpus_per_unit", "units", "nodes"),
    [
        (3, 2, 1),  # a unit of 3 takes a cell of 4: 2 * 4 = 8
        (3, 3, 2),  # 12 slots
        (5, 2, 2),  # a unit of 5 takes a whole node
        (12, 1, 2),  # a unit of 12 takes two whole nodes
    ],
)
def test_units_take_cells_of_a_divisor_chain(gpus_per_unit: int, units: int, nodes: int) -> None:
    problem = build.problem(jobs=[build.job("j", units=units, gpus_per_unit=gpus_per_unit)])
    assert nodes_used(problem, Plan({"j": {"r1": units}})) == {"r1": (nodes, 2)}


def test_broken_and_drained_nodes_are_not_usable() -> None:
    site = build.site([build.rack("r1", down_nodes=1), build.rack("r2", drained=True)])
    problem = build.problem(site, [build.job("j", units=3)])
    plan = Plan({"j": {"r1": 2, "r2": 1}})
    assert nodes_used(problem, plan) == {"r1": (2, 1), "r2": (1, 0)}
    (form,) = compiled(TERM, problem)
    # One node too many on r1 and one on r2.
    assert violation(form, dense(Terrain(problem, Topology(site)), plan)) == 2


def test_explain_equals_compile() -> None:
    assert contract_outcomes(TERM) == {(False, False, False), (True, False, False)}
