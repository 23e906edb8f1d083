"""Term `spread`: a job does not lie in one failure domain alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import NONE, Form, GroupCount, Rows
from scheduler.model import Finding, Job, Kind, Level, Plan, Problem
from scheduler.terms.base import Terrain


@dataclass(frozen=True)
class Spread:
    """At most `spread_max_units` units of a job lie in one domain of its `spread_level`.

    ``sum_{r in d} x[j, r] <= spread_max_units[j]`` for every domain d, in units.
    Source: modelling choice [A], as the pod spread of container schedulers.
    """

    name: ClassVar[str] = "spread"

    def applies(self, problem: Problem) -> bool:
        """Some job asks for a spread."""
        return any(_asks(job) for job in problem.jobs.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupCount` per level; groups are the jobs that ask for it."""
        levels = {job.spread_level for job in terrain.jobs if _asks(job)}
        for level in (level for level in Level if level in levels):
            domains, names = domain_rows(terrain, level)
            chosen = [
                j for j, job in enumerate(terrain.jobs) if _asks(job) and job.spread_level is level
            ]
            yield GroupCount(
                term=self.name,
                level=str(level),
                domains=domains,
                group_of_job=terrain.own_groups(chosen),
                limit=np.array([terrain.jobs[j].spread_max_units for j in chosen], np.int64),
                survives=np.zeros(len(terrain.jobs), bool),
                domain_names=names,
                group_names=tuple(terrain.jobs[j].name for j in chosen),
            )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the units of every job that asks for a spread, in every domain that it uses."""
        for name, racks in plan.units.items():
            job = problem.jobs[name]
            level, limit = job.spread_level, job.spread_max_units
            if level is None or limit is None:
                continue
            units: dict[str, int] = {}
            for rack, count in racks.items():
                domain = problem.site.domain_of(problem.site.racks[rack], level)
                if domain is not None:
                    units[domain] = units.get(domain, 0) + count
            for domain, count in units.items():
                yield Finding(
                    term=self.name,
                    kind=Kind.LIMIT,
                    subject=name,
                    amount=count,
                    limit=limit,
                    unit=f"units in {level} {domain}",
                    jobs=(name,),
                    message=""
                    if count <= limit
                    else f"{count} units lie in {level} {domain}, at most {limit} may",
                )


def domain_rows(terrain: Terrain, level: str) -> tuple[Rows, tuple[str, ...]]:
    """Return the racks of every domain at `level` as rows of weight 1, and the domains' names."""
    domain_of_rack, names = terrain.domains(level)
    members: list[dict[int, int]] = [{} for _ in names]
    for r, d in enumerate(domain_of_rack.tolist()):
        if d != NONE:
            members[d][r] = 1
    return Rows.build(members), names


def _asks(job: Job) -> bool:
    return job.spread_level is not None and job.spread_max_units is not None
