"""Term `isolation`: a tenant has the domains of its isolation level to itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import NONE, UNLIMITED, Bools, Form, GroupPresence
from scheduler.model import Finding, Kind, Plan, Problem, largest_first
from scheduler.terms.base import Terrain

Presence = Mapping[str, Mapping[str, Mapping[str, int]]]  # domain -> tenant -> job -> GPUs


@dataclass(frozen=True)
class Isolation:
    """Every domain kind that a tenant's isolation level names is the tenant's alone.

    For each kind that ``isolation_ladder[level of t]`` names, and each domain d of that kind:
    a violation of 1 for every pair of tenants present in d of which one is t.
    The ladder is data of the site. The levels ``gpu``, ``shared-host`` and ``host`` are kept by
    `rack_capacity`. Source: the ladder is a modelling choice after market practice [A, M]; that
    an array is the smallest exclusive piece of a rail-optimised fabric is derived [D].
    """

    name: ClassVar[str] = "isolation"

    def applies(self, problem: Problem) -> bool:
        """Two tenants have work, and one of them wants domains to itself."""
        return len(owners(problem)) > 1 and bool(_exclusive(problem))

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupPresence` per domain kind; groups are the tenants that have work."""
        tenants = owners(terrain.problem)
        if len(tenants) < 2:
            return
        for level, exclusive in _exclusive(terrain.problem).items():
            alone = np.array([tenant in exclusive for tenant in tenants])
            may_share = ~(alone[:, None] | alone[None, :]) | np.eye(len(tenants), dtype=bool)
            yield from tenant_presence(self.name, terrain, level, tenants, may_share)

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the tenants who share every domain that holds a tenant with a claim to it."""
        site = problem.site
        claims = {
            name: site.isolation_ladder.get(tenant.isolation, ())
            for name, tenant in problem.workload.tenants.items()
        }
        for level in dict.fromkeys(kind for kinds in claims.values() for kind in kinds):
            for domain, present in tenants_in_domains(problem, plan, level).items():
                claimants = [tenant for tenant in present if level in claims[tenant]]
                if not claimants:
                    continue
                others = len(present) - len(claimants)
                pairs = len(claimants) * (len(claimants) - 1) // 2 + len(claimants) * others
                yield sharing_finding(
                    self.name,
                    f"{level} {domain}",
                    present,
                    pairs,
                    f"{', '.join(claimants)} must have {level} {domain} alone; "
                    f"{', '.join(present)} are there",
                )


def owners(problem: Problem) -> tuple[str, ...]:
    """Return the tenants that have jobs or contracts, in file order."""
    having = {job.tenant for job in problem.jobs.values()}
    return tuple(tenant for tenant in problem.workload.tenants if tenant in having)


def tenant_presence(
    term: str, terrain: Terrain, level: str, tenants: tuple[str, ...], may_share: Bools
) -> Iterator[GroupPresence]:
    """Yield who of `tenants` may share a domain at `level`; nothing if no rack is in a domain.

    Parameters
    ----------
    may_share
        (G, G) over `tenants`, symmetric.
    """
    domain_of_rack, names = terrain.domains(level)
    if not names:
        return
    group = {tenant: g for g, tenant in enumerate(tenants)}
    yield GroupPresence(
        term=term,
        level=str(level),
        domain_of_rack=domain_of_rack,
        group_of_job=np.array([group.get(job.tenant, NONE) for job in terrain.jobs], np.int32),
        may_share=may_share,
        max_domains=np.full(len(tenants), UNLIMITED, np.int64),
        free_domains=np.full(len(tenants), UNLIMITED, np.int64),
        price_mills=np.zeros(len(tenants), np.int64),
        domain_names=names,
        group_names=tenants,
    )


def tenants_in_domains(problem: Problem, plan: Plan, level: str) -> Presence:
    """Return the tenants in every domain at `level` that holds work, and the GPUs of their jobs."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, rack, units in plan.shards():
        domain = problem.site.domain_of(problem.site.racks[rack], level)
        if domain is not None:
            job = problem.jobs[name]
            jobs = found.setdefault(domain, {}).setdefault(job.tenant, {})
            jobs[name] = jobs.get(name, 0) + units * job.gpus_per_unit
    return found


def sharing_finding(
    term: str, subject: str, present: Mapping[str, Mapping[str, int]], pairs: int, message: str
) -> Finding:
    """Return the finding that `pairs` of the tenants in a domain may not be there together."""
    gpus = {job: count for jobs in present.values() for job, count in jobs.items()}
    return Finding(
        term=term,
        kind=Kind.LIMIT,
        subject=subject,
        amount=pairs,
        limit=0,
        unit="tenant pairs",
        jobs=largest_first(gpus),
        message=message if pairs else "",
    )


def _exclusive(problem: Problem) -> dict[str, set[str]]:
    """Return the tenants with work that claim domains alone, by domain kind."""
    found: dict[str, set[str]] = {}
    for name in owners(problem):
        level = problem.workload.tenants[name].isolation
        for kind in problem.site.isolation_ladder.get(level, ()):
            found.setdefault(kind, set()).add(name)
    return found
