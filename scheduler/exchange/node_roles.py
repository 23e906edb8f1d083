"""What the plan makes of every node: whose it is, idle, drained or broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.node_names import node_names
from scheduler.model import Level, Plan, Problem, Rack, Site
from scheduler.node_packing import pack_nodes


class Role(StrEnum):
    """What a node is there for."""

    PLANNED = "planned"  # the plan puts work here
    IDLE = "idle"  # could take work, but nobody has checked power and heat for it
    DRAINED = "drained"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoledNode:
    """One node under its host name."""

    host: str
    rack: Rack
    number: int  # counted from 0 in the rack
    role: Role
    tenant: str | None = None  # who has the node alone, by the plan or by isolation
    jobs: tuple[str, ...] = ()  # what the plan puts there, by name


def roled_nodes(problem: Problem, plan: Plan) -> tuple[RoledNode, ...]:
    """Return every node of the site, drained and broken ones too, in the order of the site.

    A node belongs to the tenant whose work the plan puts there, unless the tenant shares hosts.
    The other nodes of a domain that a tenant has alone belong to it as well.

    Raises
    ------
    ExchangeError
        The plan puts more on a rack than its nodes hold, or work of a tenant into a domain that
        another one must have alone.
    """
    alone, mistakes = _exclusive_racks(problem, plan)
    names = node_names(problem.site)
    packed = pack_nodes(problem, plan)
    found: list[RoledNode] = []
    for rack in problem.site.racks.values():
        work: dict[int, list[str]] = {}
        for use in packed.get(rack.name, ()):
            work.setdefault(use.node, []).append(use.job)
        usable = problem.site.usable_nodes(rack)
        if work and max(work) >= usable:
            mistakes.append(f"rack {rack.name}: expected work for {usable} nodes, got more")
        for number, host in enumerate(names.hosts[rack.name]):
            jobs = tuple(work.get(number, ()))
            owner = _owner(problem, jobs) if jobs else alone.get(rack.name)
            role = _role(problem.site, rack, number, jobs)
            node = RoledNode(
                host=host, rack=rack, number=number, role=role, tenant=owner, jobs=jobs
            )
            found.append(node)
    if mistakes:
        raise ExchangeError(mistakes)
    return tuple(found)


def has_own_nodes(problem: Problem, tenant: str) -> bool:
    """Whether nobody else's work may run on the nodes of `tenant`."""
    isolation = problem.workload.tenants[tenant].isolation
    shares = isolation in (Level.GPU, Level.SHARED_HOST)
    return not shares or tenant in problem.workload.contract_of_tenant


def _owner(problem: Problem, jobs: tuple[str, ...]) -> str | None:
    tenant = problem.jobs[jobs[0]].tenant
    return tenant if has_own_nodes(problem, tenant) else None


def _role(site: Site, rack: Rack, number: int, jobs: tuple[str, ...]) -> Role:
    if rack.drained:
        return Role.DRAINED
    if number >= site.usable_nodes(rack):
        return Role.BROKEN
    return Role.PLANNED if jobs else Role.IDLE


def _exclusive_racks(problem: Problem, plan: Plan) -> tuple[dict[str, str], list[str]]:
    """Return the racks that lie in a domain of one tenant alone; and where two tenants meet."""
    owner: dict[str, str] = {}
    mistakes = []
    for kind, domains in _domains(problem).items():
        for domain, racks in domains.items():
            tenants = {problem.jobs[job].tenant for r in racks for job in plan.by_rack.get(r, ())}
            claimants = [t for t in sorted(tenants) if kind in _claims(problem, t)]
            if claimants and len(tenants) > 1:
                others = ", ".join(sorted(tenants - {claimants[0]}))
                mistakes.append(f"{kind} {domain}: expected {claimants[0]} alone, got {others}")
            elif claimants:
                owner |= dict.fromkeys(racks, claimants[0])
    return owner, mistakes


def _claims(problem: Problem, tenant: str) -> tuple[str, ...]:
    isolation = problem.workload.tenants[tenant].isolation
    return problem.site.isolation_ladder.get(isolation, ())


def _domains(problem: Problem) -> Mapping[str, Mapping[str, list[str]]]:
    """Return the racks of every domain of a kind that some tenant has alone."""
    found: dict[str, dict[str, list[str]]] = {}
    for kind in _kinds(problem):
        for rack in problem.site.racks.values():
            domain = problem.site.domain_of(rack, kind)
            if domain is not None:
                found.setdefault(kind, {}).setdefault(domain, []).append(rack.name)
    return found


def _kinds(problem: Problem) -> Iterator[str]:
    yield from dict.fromkeys(
        kind for tenant in problem.workload.tenants for kind in _claims(problem, tenant)
    )
