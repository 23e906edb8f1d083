"""Term `rack_capacity`: the work on a rack fits its nodes, and hosts are shared only as allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import NONE, Form, Index, Packing
from scheduler.model import Finding, Kind, Level, Plan, Problem, largest_first, slots_per_unit
from scheduler.model.units import ceil_div
from scheduler.node_packing import HostGroup, host_group
from scheduler.terms.base import Terrain


@dataclass(frozen=True)
class RackCapacity:
    """The units on a rack fit its usable nodes, and only one host group fills a node.

    ``sum over groups g of ceil(sum_{j in g} slots[j, r] * x[j, r] / gpus_per_node[r])
    <= usable_nodes[r]``, in nodes. Tenants at the isolation levels ``gpu`` and ``shared-host``
    are one group, every other tenant is a group, and so is every reservation. Jobs inside a
    contract take the nodes of their reservation. Unit sizes divide each other and the node, so
    the sum is exact: a plan that keeps it can be packed. Source: derived [D].
    """

    name: ClassVar[str] = "rack_capacity"

    def applies(self, problem: Problem) -> bool:
        """Any job needs room."""
        return bool(problem.jobs)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `Packing` over all racks."""
        site = terrain.problem.site
        yield Packing(
            term=self.name,
            kind_of_rack=terrain.type_of_rack,
            size=terrain.demand(slots_per_unit),
            group_of_job=_group_of_job(terrain),
            bin_size=np.array(
                [site.type_of(rack).gpus_per_node for rack in terrain.racks], np.int64
            ),
            bins=np.array([site.usable_nodes(rack) for rack in terrain.racks], np.int64),
            subject=tuple(rack.name for rack in terrain.racks),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield nodes used and usable for every rack that holds work."""
        for rack_name, units in plan.by_rack.items():
            rack = problem.site.racks[rack_name]
            rack_type = problem.site.type_of(rack)
            slots: dict[HostGroup, int] = {}
            behind: dict[str, int] = {}
            for name, count in units.items():
                job = problem.jobs[name]
                group = host_group(problem, job)
                if group is not None:
                    behind[name] = count * slots_per_unit(job, rack_type)
                    slots[group] = slots.get(group, 0) + behind[name]
            nodes = sum(ceil_div(each, rack_type.gpus_per_node) for each in slots.values())
            usable = problem.site.usable_nodes(rack)
            yield Finding(
                term=self.name,
                kind=Kind.LIMIT,
                subject=rack_name,
                amount=nodes,
                limit=usable,
                unit="nodes",
                jobs=largest_first(behind),
                message=""
                if nodes <= usable
                else f"{sum(slots.values())} GPU slots of {len(slots)} groups that share no host "
                f"need {nodes} nodes; {usable} are usable",
            )


def _group_of_job(terrain: Terrain) -> Index:
    """Return the host group of every job, numbered in order of appearance."""
    problem = terrain.problem
    index: dict[object, int] = {}
    shares = {
        name: tenant.isolation.rank <= Level.SHARED_HOST.rank
        for name, tenant in problem.workload.tenants.items()
    }
    groups = np.full(len(terrain.jobs), NONE, np.int32)
    for j, job in enumerate(terrain.jobs):
        if problem.is_inside_contract(job):
            continue
        tenant = None if shares[job.tenant] else job.tenant
        key = (tenant, None) if job.contract is None else (job.tenant, job.contract)
        groups[j] = index.setdefault(key, len(index))
    return groups
