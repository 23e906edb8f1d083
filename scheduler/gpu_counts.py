"""GPUs by type: how many there are, how many are taken, and how many wait for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from scheduler.model import Plan, Problem, slots_per_unit


@dataclass(frozen=True, slots=True)
class GpuCount:
    """The GPUs of one type under a plan."""

    gpu_type: str
    on_site: int
    in_service: int  # without drained racks and broken nodes
    taken: int  # slots of placed units, spares of contracts included
    waiting: int  # GPUs not placed, of jobs that may use this type

    @property
    def idle(self) -> int:
        """In service and not taken."""
        return max(0, self.in_service - self.taken)

    def record(self) -> dict[str, int]:
        """Return the counts as they stand in files and on pages, under the type's name."""
        return {
            "on_site": self.on_site,
            "in_service": self.in_service,
            "taken": self.taken,
            "idle": self.idle,
            "waiting": self.waiting,
        }


def gpu_counts(problem: Problem, plan: Plan) -> tuple[GpuCount, ...]:
    """Return the counts of every GPU type of the site, the largest fleet first.

    A job that may use several types waits for each of them. Jobs inside a contract run on GPUs
    that the contract has taken.
    """
    site = problem.site
    on_site, in_service, taken, waiting = (Counter[str]() for _ in range(4))
    for rack in site.racks.values():
        rack_type = site.type_of(rack)
        on_site[rack_type.gpu_type] += rack_type.nodes * rack_type.gpus_per_node
        in_service[rack_type.gpu_type] += site.usable_gpus(rack)
    for job in problem.jobs.values():
        if problem.is_inside_contract(job):
            continue
        for rack_name, units in plan.units.get(job.name, {}).items():
            rack_type = site.type_of(site.racks[rack_name])
            taken[rack_type.gpu_type] += units * slots_per_unit(job, rack_type)
        missing = max(0, job.gpus - plan.placed_units(job.name) * job.gpus_per_unit)
        for gpu_type in job.gpu_types:
            waiting[gpu_type] += missing
    return tuple(
        GpuCount(each, on_site[each], in_service[each], taken[each], waiting[each])
        for each in sorted(on_site, key=lambda each: (-on_site[each], each))
    )
