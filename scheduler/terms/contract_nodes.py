"""Term `contract_nodes`: jobs inside a contract fit the slots that the contract holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import Form, Ints, LinearLoad, Rows
from scheduler.model import (
    Finding,
    Job,
    Kind,
    Plan,
    Problem,
    RackType,
    largest_first,
    slots_per_unit,
)
from scheduler.terms.base import Terrain


@dataclass(frozen=True)
class ContractNodes:
    """On every rack a tenant's own jobs take no more than its reservations hold there.

    ``sum over inside jobs of slots[j, r] * x[j, r]
    <= sum over reservations of slots[c, r] * x[c, r]``, in GPU slots, per tenant and rack.
    Source: derived [D] from what a contract is: its nodes, powered and cooled once.
    """

    name: ClassVar[str] = "contract_nodes"

    def applies(self, problem: Problem) -> bool:
        """Some tenant has both a contract and jobs."""
        return bool(_tenants(problem))

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `LinearLoad` per tenant, one row a rack; reservations bring capacity."""
        num_racks = len(terrain.racks)
        rows = Rows(
            start=np.arange(num_racks + 1, dtype=np.int64),
            rack=np.arange(num_racks, dtype=np.int32),
            weight=np.ones(num_racks, np.int64),
        )
        slots = terrain.demand(slots_per_unit)
        for tenant in _tenants(terrain.problem):
            yield LinearLoad(
                term=self.name,
                unit="GPU slots",
                scale=1,
                kind_of_rack=terrain.type_of_rack,
                demand=slots * _sign(terrain, tenant)[:, None],
                rows=rows,
                base=np.zeros(num_racks, np.int64),
                limit=np.zeros(num_racks, np.int64),
                subject=tuple(f"{tenant} on {rack.name}" for rack in terrain.racks),
                state=("normal",) * num_racks,
            )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield slots used and held, per tenant, on every rack that holds jobs of a contract."""
        for rack_name, units in plan.by_rack.items():
            rack_type = problem.site.type_of(problem.site.racks[rack_name])
            held: dict[str, int] = {}
            inside: dict[str, dict[str, int]] = {}
            for name, count in units.items():
                job = problem.jobs[name]
                slots = count * slots_per_unit(job, rack_type)
                if job.contract is not None:
                    held[job.tenant] = held.get(job.tenant, 0) + slots
                elif problem.is_inside_contract(job):
                    inside.setdefault(job.tenant, {})[name] = slots
            for tenant, jobs in inside.items():
                yield self._finding(rack_name, rack_type, tenant, jobs, held.get(tenant, 0))

    def _finding(
        self, rack: str, rack_type: RackType, tenant: str, jobs: dict[str, int], held: int
    ) -> Finding:
        used = sum(jobs.values())
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=f"{tenant} on {rack}",
            amount=used,
            limit=held,
            unit="GPU slots",
            jobs=largest_first(jobs),
            message=""
            if used <= held
            else f"jobs of {tenant} take {used} GPU slots on {rack} ({rack_type.name}); "
            f"its contracts hold {held} there",
        )


def _tenants(problem: Problem) -> tuple[str, ...]:
    """Return the tenants that have both contracts and jobs."""
    with_jobs = {job.tenant for job in problem.workload.jobs.values()}
    return tuple(name for name in problem.workload.contract_of_tenant if name in with_jobs)


def _sign(terrain: Terrain, tenant: str) -> Ints:
    """Return 1 for jobs of `tenant`, -1 for its reservations, 0 for the rest, (J,)."""

    def sign(job: Job) -> int:
        if job.tenant != tenant:
            return 0
        return 1 if job.contract is None else -1

    return np.array([sign(job) for job in terrain.jobs], np.int64)
