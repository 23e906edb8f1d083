"""How far the large jobs are spread over the compute fabric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.model import Job, Level, Plan, Problem
from scheduler.model.units import ceil_div
from scheduler.topology import Topology

MOST_JOBS = 24  # jobs that are shown, those with the most GPUs


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpread:
    """Where one job lies in the fabric."""

    job: str
    tenant: str
    gpus: int
    racks: int
    arrays: int
    pods: int
    halls: int
    fewest_arrays: int  # that hold as many GPUs of its types when they are empty
    hops: int | None  # most switches between two of its racks; None: over separate fabrics
    required: str
    preferred: str
    gpus_in_pod: Mapping[str, int]


def spreads_of(problem: Problem, plan: Plan, topology: Topology) -> tuple[JobSpread, ...]:
    """Return the spread of the jobs with the most GPUs among those on several racks."""
    jobs = [problem.jobs[name] for name, racks in plan.units.items() if len(racks) > 1]
    jobs = [job for job in jobs if not problem.is_inside_contract(job)]
    jobs.sort(key=lambda job: (-plan.placed_units(job.name) * job.gpus_per_unit, job.name))
    return tuple(_spread(problem, plan, topology, job) for job in jobs[:MOST_JOBS])


def _spread(problem: Problem, plan: Plan, topology: Topology, job: Job) -> JobSpread:
    site, units = problem.site, plan.units[job.name]
    racks = [site.racks[name] for name in units]
    in_pod: dict[str, int] = {}
    for rack in racks:
        more = units[rack.name] * job.gpus_per_unit
        in_pod[rack.pod] = in_pod.get(rack.pod, 0) + more
    gpus = sum(in_pod.values())
    # Racks of other pods are farthest, then racks of other arrays, then any other rack.
    first = racks[0]
    farthest = max(racks, key=lambda r: (r.pod != first.pod, r.array != first.array, r.name))
    return JobSpread(
        job=job.name,
        tenant=job.tenant,
        gpus=gpus,
        racks=len(racks),
        arrays=len({rack.array for rack in racks}),
        pods=len(in_pod),
        halls=len({rack.hall for rack in racks}),
        fewest_arrays=_fewest_arrays(problem, job, gpus),
        hops=topology.hops(first.name, farthest.name),
        required=job.required.value if job.required else "",
        preferred=job.preferred.value if job.preferred else "",
        gpus_in_pod=in_pod,
    )


def _fewest_arrays(problem: Problem, job: Job, gpus: int) -> int:
    site = problem.site
    in_array: dict[str | None, int] = {}
    for rack in site.racks.values():
        if site.type_of(rack).gpu_type in job.gpu_types:
            array = site.domain_of(rack, Level.ARRAY)
            in_array[array] = in_array.get(array, 0) + site.usable_gpus(rack)
    largest = max(in_array.values(), default=0)
    return max(1, ceil_div(gpus, largest)) if largest else 1
