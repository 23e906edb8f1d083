"""Term `conflicts`: tenants that must not meet stay apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from kernels.forms import Form
from scheduler.model import Finding, Level, Plan, Problem
from scheduler.terms.base import Terrain
from scheduler.terms.isolation import (
    owners,
    sharing_finding,
    tenant_presence,
    tenants_in_domains,
)


@dataclass(frozen=True)
class Conflicts:
    """Two tenants in conflict share no domain at the level of their conflict.

    For each level and each domain d of it: a violation of 1 for every conflicting pair of tenants
    that is present in d. A conflict that one tenant states holds for both.
    Source: modelling choice [A].
    """

    name: ClassVar[str] = "conflicts"

    def applies(self, problem: Problem) -> bool:
        """Two tenants with work are in conflict."""
        return bool(_pairs(problem))

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupPresence` per level; groups are the tenants in conflict at it."""
        for level, pairs in _pairs(terrain.problem).items():
            tenants = tuple(sorted({tenant for pair in pairs for tenant in pair}))
            group = {tenant: g for g, tenant in enumerate(tenants)}
            may_share = np.ones((len(tenants), len(tenants)), bool)
            for one, other in pairs:
                may_share[group[one], group[other]] = may_share[group[other], group[one]] = False
            yield from tenant_presence(self.name, terrain, level, tenants, may_share)

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the conflicting pairs in every domain that holds one side of a conflict."""
        foes: dict[Level, dict[str, set[str]]] = {}
        for name, tenant in problem.workload.tenants.items():
            for conflict in tenant.conflicts:
                if conflict.tenant != name:
                    at_level = foes.setdefault(conflict.level, {})
                    at_level.setdefault(name, set()).add(conflict.tenant)
                    at_level.setdefault(conflict.tenant, set()).add(name)
        for level, of_tenant in foes.items():
            for domain, present in tenants_in_domains(problem, plan, level).items():
                if not any(tenant in of_tenant for tenant in present):
                    continue
                together = [
                    (one, other)
                    for one, other in combinations(sorted(present), 2)
                    if other in of_tenant.get(one, ())
                ]
                met = {tenant for pair in together for tenant in pair}
                yield sharing_finding(
                    self.name,
                    f"{level} {domain}",
                    {tenant: jobs for tenant, jobs in present.items() if tenant in met},
                    len(together),
                    f"{level} {domain} holds tenants in conflict: "
                    + ", ".join(" and ".join(pair) for pair in together),
                )


def _pairs(problem: Problem) -> dict[Level, set[tuple[str, str]]]:
    """Return the conflicting pairs of tenants with work, in order of name, by level."""
    having = set(owners(problem))
    found: dict[Level, set[tuple[str, str]]] = {}
    for name in having:
        for conflict in problem.workload.tenants[name].conflicts:
            if conflict.tenant in having and conflict.tenant != name:
                pair = (min(name, conflict.tenant), max(name, conflict.tenant))
                found.setdefault(conflict.level, set()).add(pair)
    return {level: found[level] for level in Level if level in found}
