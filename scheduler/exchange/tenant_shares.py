"""What the plan gives to every tenant, in GPUs, as pods ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.exchange.node_roles import has_own_nodes
from scheduler.model import Job, Plan, Problem
from scheduler.model.units import ceil_div


@dataclass(frozen=True, slots=True)
class PodShape:
    """How the units of a job become pods: all pods of a job are alike."""

    pods_per_unit: int
    gpus_per_pod: int
    mixed: bool = False  # the plan puts the job on nodes of several sizes

    @property
    def gpus_per_unit(self) -> int:
        """GPUs that the pods of one unit ask for: never less than the unit needs."""
        return self.pods_per_unit * self.gpus_per_pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one tenant holds."""

    tenant: str
    own_nodes: bool  # nobody else's work may run on them
    gpus: Mapping[str, int] = field(default_factory=dict)  # by GPU type

    @property
    def total(self) -> int:
        """GPUs of all types."""
        return sum(self.gpus.values())


def pod_shape(problem: Problem, plan: Plan, job: Job) -> PodShape:
    """Return the pods of one unit of a placed job: as few as its smallest node allows.

    ``pods = ceil(gpus_per_unit / node)``, each of ``ceil(gpus_per_unit / pods)`` GPUs.
    """
    site = problem.site
    sizes = {site.type_of(site.racks[rack]).gpus_per_node for rack in plan.units[job.name]}
    pods = ceil_div(job.gpus_per_unit, min(sizes))
    return PodShape(pods, ceil_div(job.gpus_per_unit, pods), mixed=len(sizes) > 1)


def tenant_shares(problem: Problem, plan: Plan) -> tuple[Share, ...]:
    """Return the share of every tenant that has jobs or contracts, in file order.

    Jobs inside a contract use what the contract holds and add nothing.
    """
    gpus: dict[str, dict[str, int]] = {job.tenant: {} for job in problem.jobs.values()}
    for name, racks in plan.units.items():
        job = problem.jobs[name]
        if problem.is_inside_contract(job):
            continue
        asked = pod_shape(problem, plan, job).gpus_per_unit
        held = gpus[job.tenant]
        for rack, units in racks.items():
            gpu_type = problem.site.type_of(problem.site.racks[rack]).gpu_type
            held[gpu_type] = held.get(gpu_type, 0) + units * asked
    return tuple(
        Share(
            tenant=tenant,
            own_nodes=has_own_nodes(problem, tenant),
            gpus=dict(sorted(gpus[tenant].items())),
        )
        for tenant in problem.workload.tenants
        if tenant in gpus
    )
