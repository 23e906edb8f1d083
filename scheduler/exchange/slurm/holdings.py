"""Which nodes a tenant holds: those that its work takes, and the domains that are its alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scheduler.exchange.node_names import NodeNames, labels
from scheduler.model import Plan, Problem
from scheduler.node_packing import host_group, pack_nodes

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


def holdings(problem: Problem, plan: Plan, names: NodeNames) -> tuple[Holding, ...]:
    """Return what every tenant with placed work holds, in the order of the workload file.

    These are the nodes of its contracts and jobs, and all nodes, also idle, drained and broken
    ones, of the domains that its isolation makes its own. Tenants that share hosts hold the
    nodes of their jobs together.

    Raises
    ------
    ValueError
        Two tenants would hold a node: the plan breaks their isolation.
    """
    order = {host: i for i, host in enumerate(names.place)}
    called = account_names(problem)
    holder: dict[str, str] = {}
    tenants: dict[str, dict[str, None]] = {}
    for owner, tenant, host in _held(problem, plan, names):
        other = holder.setdefault(host, owner)
        if other != owner:
            raise ValueError(f"node {host}: both {other} and {owner} would hold it")
        tenants.setdefault(owner, {})[tenant] = None
    nodes: dict[str, list[str]] = {}
    for host in sorted(holder, key=order.__getitem__):
        nodes.setdefault(holder[host], []).append(host)
    return tuple(
        Holding(name=called[owner], tenants=tuple(tenants[owner]), nodes=tuple(nodes[owner]))
        for owner in [*problem.workload.tenants, _SHARED]
        if owner in nodes
    )


def _held(problem: Problem, plan: Plan, names: NodeNames) -> Iterator[tuple[str, str, str]]:
    """Yield who holds a node, for which tenant, and the node's name; a node may come often."""
    site = problem.site
    sharing = {
        problem.jobs[name].tenant
        for name, _rack, _units in plan.shards()
        if (host_group(problem, problem.jobs[name]) or ("",))[0] == "hosts"
    }
    present: dict[str, dict[str, None]] = {}
    for rack, uses in pack_nodes(problem, plan).items():
        for use in uses:
            job = problem.jobs[use.job]
            group = host_group(problem, job)
            shared = group is not None and group[0] == "hosts" and len(sharing) > 1
            owner = _SHARED if shared else job.tenant
            present.setdefault(job.tenant, {})[rack] = None
            yield owner, job.tenant, names.hosts[rack][use.node]
    for tenant, racks in present.items():
        isolation = problem.workload.tenants[tenant].isolation
        for kind in site.isolation_ladder.get(isolation, ()):
            alone = {site.domain_of(site.racks[rack], kind) for rack in racks} - {None}
            for each in site.racks.values():
                if site.domain_of(each, kind) in alone:
                    yield from ((tenant, tenant, host) for host in names.hosts[each.name])
