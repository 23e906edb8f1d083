"""Term `hardware_fit`: a unit lies only on racks that suit it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import AssignmentCost, Bools, Form
from scheduler.model import Finding, Job, Kind, Level, Plan, Problem, Rack, slots_per_unit
from scheduler.terms.base import Terrain


@dataclass(frozen=True)
class HardwareFit:
    """A unit lies only on a live rack of an allowed GPU type, inside `within`, that can hold it.

    ``x[j, r] = 0`` unless ``gpu_type[r] in gpu_types[j]``, ``usable_nodes[r] > 0``,
    ``within[j]`` is empty or names the rack, its array, pod or hall,
    ``slots[j, r] <= gpus[r]`` and, where NVLink is required, the job fits one NVLink domain: one
    unit on racks where NVLink joins a node, any number on racks where it joins the whole rack.
    Every unit that is placed elsewhere is a violation of 1 unit. Source: derived [D].
    """

    name: ClassVar[str] = "hardware_fit"

    def applies(self, problem: Problem) -> bool:
        """Any job needs hardware."""
        return bool(problem.jobs)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `AssignmentCost` without costs; racks that suit the same jobs are one kind."""
        site = terrain.problem.site
        named = {place for job in terrain.jobs for place in job.within}

        def alike(rack: Rack) -> Hashable:
            places = named.intersection((rack.name, rack.array, rack.pod, rack.hall))
            return rack.type, site.usable_nodes(rack) > 0, frozenset(places)

        kind_of_rack, samples = terrain.kinds(alike)
        yield AssignmentCost.prohibition(self.name, kind_of_rack, _allowed(terrain, samples))

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the units of every placed job that lie where they must not."""
        for name, racks in plan.units.items():
            job = problem.jobs[name]
            why = {rack: obstacle(problem, job, problem.site.racks[rack]) for rack in racks}
            wrong = {rack: reason for rack, reason in why.items() if reason}
            yield Finding(
                term=self.name,
                kind=Kind.LIMIT,
                subject=name,
                amount=sum(racks[rack] for rack in wrong),
                limit=0,
                unit="units",
                jobs=(name,),
                message="; ".join(
                    f"{racks[rack]} units on {rack}: {reason}" for rack, reason in wrong.items()
                ),
            )


def obstacle(problem: Problem, job: Job, rack: Rack) -> str:
    """Return in words why no unit of `job` may lie on `rack`, empty if it may."""
    rack_type = problem.site.type_of(rack)
    if rack_type.gpu_type not in job.gpu_types:
        return f"has {rack_type.gpu_type}, allowed are {', '.join(job.gpu_types)}"
    if rack.drained:
        return "is drained"
    if rack.down_nodes >= rack_type.nodes:
        return "all nodes are down"
    places = (rack.name, rack.array, rack.pod, rack.hall)
    if job.within and not any(place in job.within for place in places):
        return f"is not within {', '.join(job.within)}"
    if slots_per_unit(job, rack_type) > rack_type.gpus:
        return f"holds {rack_type.gpus} GPUs, a unit takes {job.gpus_per_unit}"
    if job.required is not Level.NVLINK:
        return ""
    reach = rack_type.nvlink_gpus
    if job.gpus_per_unit > reach:
        return f"joins {reach} GPUs by NVLink, a unit takes {job.gpus_per_unit}"
    if rack_type.nvlink_domain is Level.HOST and job.units > 1:
        return f"joins the {reach} GPUs of one node by NVLink, {job.units} units take several nodes"
    return ""


def _allowed(terrain: Terrain, samples: tuple[Rack, ...]) -> Bools:
    """Return which job may lie on which kind, (J, K); jobs with equal needs are asked once."""
    answers: dict[object, list[bool]] = {}
    rows: list[list[bool]] = []
    for job in terrain.jobs:
        nvlink = (job.required is Level.NVLINK, job.units > 1)
        needs = (job.gpu_types, job.within, job.gpus_per_unit, nvlink)
        if needs not in answers:
            answers[needs] = [terrain.problem.allows(job, rack) for rack in samples]
        rows.append(answers[needs])
    return np.array(rows, np.bool_).reshape(len(rows), len(samples))
