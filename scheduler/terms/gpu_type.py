"""Term `gpu_type`: a synchronous job runs on one type of GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import UNLIMITED, Form, GroupPresence
from scheduler.model import Finding, Job, Kind, Plan, Problem
from scheduler.terms.base import Terrain


@dataclass(frozen=True)
class GpuType:
    """All units of a synchronous job lie on GPUs of one type.

    ``number of GPU types under job j <= 1`` for every synchronous job that allows several:
    the slowest GPU sets the pace of every step. Each further type is a violation of 1.
    Source: modelling choice [A].
    """

    name: ClassVar[str] = "gpu_type"

    def applies(self, problem: Problem) -> bool:
        """A synchronous job may choose among the GPU types of the site."""
        types = {problem.site.type_of(rack).gpu_type for rack in problem.site.racks.values()}
        return len(types) > 1 and any(_may_mix(problem, job) for job in problem.jobs.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupPresence`: a domain per GPU type, a group per synchronous job."""
        types: dict[str, int] = {}
        type_of_kind = np.array(
            [types.setdefault(kind.gpu_type, len(types)) for kind in terrain.rack_types], np.int32
        )
        chosen = [j for j, job in enumerate(terrain.jobs) if _may_mix(terrain.problem, job)]
        yield GroupPresence(
            term=self.name,
            level="gpu type",
            domain_of_rack=type_of_kind[terrain.type_of_rack],
            group_of_job=terrain.own_groups(chosen),
            may_share=None,
            max_domains=np.ones(len(chosen), np.int64),
            free_domains=np.full(len(chosen), UNLIMITED, np.int64),
            price_mills=np.zeros(len(chosen), np.int64),
            domain_names=tuple(types),
            group_names=tuple(terrain.jobs[j].name for j in chosen),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the number of GPU types under every placed synchronous job that allows several."""
        site = problem.site
        for name, racks in plan.units.items():
            job = problem.jobs[name]
            if not racks or len(job.gpu_types) < 2 or not problem.profile_of(job).synchronous:
                continue
            types = sorted({site.type_of(site.racks[rack]).gpu_type for rack in racks})
            yield Finding(
                term=self.name,
                kind=Kind.LIMIT,
                subject=name,
                amount=len(types),
                limit=1,
                unit="GPU types",
                jobs=(name,),
                message=f"runs on {', '.join(types)} in one step" if len(types) > 1 else "",
            )


def _may_mix(problem: Problem, job: Job) -> bool:
    return len(job.gpu_types) > 1 and problem.profile_of(job).synchronous
