"""Term `locality`: a job lies in one domain where it must, and pays for each further one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import UNLIMITED, Form, GroupPresence
from scheduler.model import Finding, Job, Kind, Level, Plan, Problem
from scheduler.model.units import ceil_div, part
from scheduler.terms.base import Terrain

_DOMAIN_LEVELS = (Level.RACK, Level.ARRAY, Level.POD, Level.HALL)


@dataclass(frozen=True)
class Locality:
    """A job lies in one domain of its `required` level; more of its `preferred` level cost.

    Required: ``domains[j] <= 1``; each further domain is a violation of 1.
    Preferred: ``price[j] * max(0, domains[j] - fewest[j])`` mills per hour, with
    ``price = ceil(value_mills_per_gpu_h * gpus * slowdown_permille / 1000)`` and
    ``fewest = max(1, ceil(gpus / GPUs of allowed types in the largest domain))``.
    The NVLink domain and the rack are one level here. Source: modelling choice [A]; that jobs
    that cross leaf groups run slower is measured (iteration +11.0 % for one pair of jobs) [T].
    """

    name: ClassVar[str] = "locality"

    def applies(self, problem: Problem) -> bool:
        """Some job must lie in one domain, or loses value when it does not."""
        return any(_required(job) is not None or _price_mills(job) for job in problem.jobs.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupPresence` per level; groups are the jobs that it concerns."""
        for level in _DOMAIN_LEVELS:
            chosen = [
                j
                for j, job in enumerate(terrain.jobs)
                if _required(job) is level or (_preferred(job) is level and _price_mills(job))
            ]
            if chosen:
                yield self._form(terrain, level, chosen)

    def _form(self, terrain: Terrain, level: Level, chosen: list[int]) -> GroupPresence:
        jobs = [terrain.jobs[j] for j in chosen]
        domain_of_rack, names = terrain.domains(level)
        fewest = _fewest_domains(terrain, level, jobs)
        must = [_required(job) is level for job in jobs]
        prices = [_price_mills(job) if _preferred(job) is level else 0 for job in jobs]
        return GroupPresence(
            term=self.name,
            level=str(level),
            domain_of_rack=domain_of_rack,
            group_of_job=terrain.own_groups(chosen),
            may_share=None,
            max_domains=np.where(must, 1, UNLIMITED).astype(np.int64),
            free_domains=np.array(fewest, np.int64),
            price_mills=np.array(prices, np.int64),
            domain_names=names,
            group_names=tuple(job.name for job in jobs),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the domains of every placed job that is bound to few, and what they cost."""
        site = problem.site
        largest: dict[tuple[Level, tuple[str, ...]], int] = {}
        for name, racks in plan.units.items():
            job = problem.jobs[name]
            if not racks:
                continue
            for level, hard in ((job.required, True), (job.preferred, False)):
                if level is None or level is Level.SITE:
                    continue
                domains = {site.domain_of(site.racks[rack], level) for rack in racks}
                if hard:
                    yield self._required_finding(job, level, len(domains))
                    continue
                key = (level, job.gpu_types)
                if key not in largest:
                    largest[key] = _largest_domain_gpus(problem, level, job.gpu_types)
                wanted = job.units if job.promised_units is None else job.promised_units
                gpus = wanted * job.gpus_per_unit
                free = max(1, -(-gpus // max(1, largest[key])))
                value_mills = gpus * job.value_mills_per_gpu_h
                price_mills = -(-value_mills * job.slowdown_permille // 1000)
                if price_mills:
                    extra = max(0, len(domains) - free)
                    yield self._preferred_finding(job, level, extra, price_mills)

    def _required_finding(self, job: Job, level: Level, domains: int) -> Finding:
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=job.name,
            amount=domains,
            limit=1,
            unit=f"{level} domains",
            jobs=(job.name,),
            message="" if domains == 1 else f"lies in {domains} domains of {level}, 1 is required",
        )

    def _preferred_finding(self, job: Job, level: Level, extra: int, price_mills: int) -> Finding:
        return Finding(
            term=self.name,
            kind=Kind.MONEY,
            subject=job.name,
            amount=-price_mills * extra,
            limit=0,
            unit="mills/h",
            jobs=(job.name,),
            message=f"{extra} domains of {level} more than the fewest, {price_mills} mills/h each",
        )


def _domain_level(level: Level | None) -> Level | None:
    """Return the level whose domains count: NVLink is the rack, the whole site asks nothing."""
    if level is Level.SITE:
        return None
    return Level.RACK if level is Level.NVLINK else level


def _required(job: Job) -> Level | None:
    return _domain_level(job.required)


def _preferred(job: Job) -> Level | None:
    return _domain_level(job.preferred)


def _price_mills(job: Job) -> int:
    """Return what each further domain of the preferred level costs per hour."""
    if _preferred(job) is None:
        return 0
    return part(job.value_mills_per_gpu_h * job.gpus, job.slowdown_permille)


def _fewest_domains(terrain: Terrain, level: Level, jobs: list[Job]) -> list[int]:
    """Return over how many domains each job lies at least, by GPUs of its allowed types."""
    domain_of_rack, names = terrain.domains(level)
    usable_gpus = terrain.problem.site.usable_gpus
    gpus = np.array([usable_gpus(rack) for rack in terrain.racks], np.int64)
    in_domain = np.zeros((len(terrain.rack_types), len(names)), np.int64)
    np.add.at(in_domain, (terrain.type_of_rack, domain_of_rack), gpus)
    largest: dict[tuple[str, ...], int] = {}
    for job in jobs:
        if job.gpu_types not in largest:
            fits = [kind.gpu_type in job.gpu_types for kind in terrain.rack_types]
            largest[job.gpu_types] = int(in_domain[fits].sum(axis=0).max(initial=0))
    return [max(1, ceil_div(job.gpus, max(1, largest[job.gpu_types]))) for job in jobs]


def _largest_domain_gpus(problem: Problem, level: Level, gpu_types: tuple[str, ...]) -> int:
    """Return the most usable GPUs of `gpu_types` that one domain at `level` holds."""
    site = problem.site
    gpus: dict[str | None, int] = {}
    for rack in site.racks.values():
        if site.type_of(rack).gpu_type in gpu_types:
            domain = site.domain_of(rack, level)
            gpus[domain] = gpus.get(domain, 0) + site.usable_gpus(rack)
    return max(gpus.values(), default=0)
