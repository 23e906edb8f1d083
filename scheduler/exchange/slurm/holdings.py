"""Which nodes a tenant holds: those that its work takes, and the domains that are its alone."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.exchange.node_names import labels
from scheduler.exchange.node_roles import roled_nodes
from scheduler.model import Plan, Problem

_SHARED = "shared hosts"  # who shares hosts with one another has one reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Nodes that only the named tenants may use."""

    name: str  # a DNS label
    tenants: tuple[str, ...]
    nodes: tuple[str, ...]  # in the order of the site


def account_names(problem: Problem) -> dict[str, str]:
    """Return the account of every tenant: a DNS label, as Slurm's accounts are in lower case."""
    return labels([*problem.workload.tenants, _SHARED])


def holdings(problem: Problem, plan: Plan) -> tuple[Holding, ...]:
    """Return what every tenant with placed work holds, in the order of the workload file.

    These are the nodes of its contracts and jobs, and all nodes, also idle, drained and broken
    ones, of the domains that its isolation makes its own. Tenants that share hosts hold the
    nodes of their jobs together.

    Raises
    ------
    ExchangeError
        Two tenants would hold a node, or a rack has fewer nodes than the plan puts work on.
    """
    roled = roled_nodes(problem, plan)
    sharing = {
        problem.jobs[job].tenant for node in roled if node.tenant is None for job in node.jobs
    }
    together = tuple(tenant for tenant in problem.workload.tenants if tenant in sharing)
    # With nobody to share with, the nodes are the tenant's own.
    shared_by = together[0] if len(together) == 1 else _SHARED
    nodes: dict[str, list[str]] = {}
    for node in roled:
        owner = node.tenant or (shared_by if node.jobs else None)
        if owner is not None:
            nodes.setdefault(owner, []).append(node.host)
    called = account_names(problem)
    who = {tenant: (tenant,) for tenant in problem.workload.tenants} | {_SHARED: together}
    return tuple(
        Holding(name=called[owner], tenants=tenants, nodes=tuple(nodes[owner]))
        for owner, tenants in who.items()
        if owner in nodes
    )
