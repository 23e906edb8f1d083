"""A problem: one site, one workload and, on a live site, the plan that runs now.

The arithmetic that several rules need (how many GPUs a unit takes, what it draws) stands here,
in plain integers over named objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from scheduler.model.levels import Level
from scheduler.model.plan import Plan
from scheduler.model.site import Rack, RackType, Site
from scheduler.model.units import PERMILLE, ceil_div, part
from scheduler.model.workload import Contract, Job, PowerProfile, Tenant, Workload


@dataclass(frozen=True)
class Problem:
    """What is to be planned. Immutable."""

    site: Site
    workload: Workload
    current: Plan | None = None

    @cached_property
    def jobs(self) -> Mapping[str, Job]:
        """All that is placed, by name: reservations first, then jobs in file order."""
        reservations = {c.name: self._reservation(c) for c in self.workload.contracts.values()}
        return {**reservations, **self.workload.jobs}

    def tenant_of(self, job: Job) -> Tenant:
        """Return the tenant that owns `job`."""
        return self.workload.tenants[job.tenant]

    def profile_of(self, job: Job) -> PowerProfile:
        """Return the power profile of `job`."""
        return self.workload.profiles[job.profile]

    def is_inside_contract(self, job: Job) -> bool:
        """Whether `job` runs inside a reservation of its own tenant.

        Such a job takes nodes that the reservation already holds, powers and cools.
        """
        return job.contract is None and job.tenant in self.workload.contract_of_tenant

    def allows(self, job: Job, rack: Rack) -> bool:
        """Whether hardware and place fit: GPU type, unit size, drain, `within`, NVLink reach."""
        rack_type = self.site.type_of(rack)
        if rack_type.gpu_type not in job.gpu_types or self.site.usable_nodes(rack) == 0:
            return False
        if job.within and not {rack.name, rack.array, rack.pod, rack.hall} & set(job.within):
            return False
        spans_hosts = job.units > 1 or job.gpus_per_unit > rack_type.gpus_per_node
        if job.required is Level.NVLINK and spans_hosts and rack_type.nvlink_domain is Level.HOST:
            return False
        return slots_per_unit(job, rack_type) <= rack_type.gpus

    def power_w(self, job: Job, rack_type: RackType, permille: int) -> int:
        """Watts above idle of one unit at `permille` of the dynamic range, rounded up.

        ``ceil(gpus_per_unit * permille * (basis_w - idle_w) / (1000 * gpus))``.
        A job inside a contract draws nothing of its own.
        """
        if self.is_inside_contract(job):
            return 0
        dynamic_w = self.site.basis_w(rack_type) - rack_type.idle_w
        return ceil_div(job.gpus_per_unit * permille * dynamic_w, PERMILLE * rack_type.gpus)

    def peak_w(self, job: Job, rack_type: RackType) -> int:
        """Peak watts above idle of one unit."""
        return self.power_w(job, rack_type, self.profile_of(job).peak_permille)

    def mean_w(self, job: Job, rack_type: RackType) -> int:
        """Mean watts above idle of one unit: what energy is paid for."""
        return self.power_w(job, rack_type, self.profile_of(job).mean_permille)

    def acted_w(self, job: Job, rack_type: RackType) -> int:
        """Watts above idle of one unit after the job's power action in a failure state."""
        return self.power_w(job, rack_type, self.acted_permille(job))

    def acted_permille(self, job: Job) -> int:
        """Thousandths of the dynamic range that are left after the job's power action."""
        profile = self.profile_of(job)
        match job.power_action:
            case "shed":
                return 0
            case "cap":
                return min(profile.cap_permille, profile.peak_permille)
        return profile.peak_permille

    def idle_w(self, rack: Rack) -> int:
        """Watts that the rack draws without any work; a drained rack still idles."""
        return self.site.type_of(rack).idle_w

    def _reservation(self, contract: Contract) -> Job:
        """Return the job that stands for `contract`: promised units, spares, room for SLA losses.

        A firm reservation may be placed in part (what is missing is an unmet obligation), an
        elastic one too, any other whole or not at all. If the SLA survives a loss that takes
        racks out, up to twice the promised units may be held, so that the promise stays after
        the loss.
        """
        promised = contract.units
        with_spares = promised + part(promised, contract.sla.spare_permille)
        most = with_spares + promised if contract.sla.survives else with_spares
        return Job(
            name=contract.name,
            tenant=contract.tenant,
            units=most,
            gpus_per_unit=contract.gpus_per_unit,
            min_units=1 if contract.firm or contract.elastic else with_spares,
            gpu_types=contract.gpu_types,
            profile=contract.profile,
            power_action=contract.power_action,
            value_mills_per_gpu_h=contract.price_mills_per_gpu_h,
            required=contract.required,
            within=contract.within,
            contract=contract.name,
            promised_units=promised,
            firm=contract.firm,
            sla=contract.sla,
        )


def slots_per_unit(job: Job, rack_type: RackType) -> int:
    """GPU slots that one unit takes on a rack of this type.

    A unit larger than a node takes whole nodes. A smaller one takes the next size of a chain of
    divisors (1, 2, 4, 8 of an 8-GPU node: buddy cells), so that units always pack into nodes
    without loss: sizes of a divisor chain fit exactly when their sum does.
    """
    return _slots(job.gpus_per_unit, rack_type.gpus_per_node)


@cache
def _slots(gpus: int, node: int) -> int:
    if gpus >= node:
        return ceil_div(gpus, node) * node
    return next(size for size in buddy_sizes(node) if size >= gpus)


@cache
def buddy_sizes(node: int) -> tuple[int, ...]:
    """Cell sizes of a node, ascending; each divides the next: ``8 -> (1, 2, 4, 8)``."""
    sizes = [node]
    while sizes[-1] > 1:
        prime = next(p for p in range(2, sizes[-1] + 1) if sizes[-1] % p == 0)
        sizes.append(sizes[-1] // prime)
    return tuple(reversed(sizes))
