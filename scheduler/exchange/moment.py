"""A moment of a public trace, scaled to a site and written as a workload file."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scheduler.model import Level, PowerProfile, Site

NODE_GPUS = 8  # GPUs of a node in both traces

# One-year H100 contract index: 1.70 $/GPU-h in October 2025, 2.35 in March 2026.
# [T] SemiAnalysis index as reported by techreaderdaily.
LOWEST_VALUE_MILLS = 1_700
HIGHEST_VALUE_MILLS = 2_350
VALUE_TIERS = 10

# Each further array that a gang lies in costs this much of its speed. [A]
SLOWDOWN_PERMILLE = 30

PLAIN_TEXT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+|(?!true|false|null|yes|off|nan|inf)[a-z]{3,}")

Record = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedJob:
    """One job of a trace: who ran how many GPUs, from when and for how long."""

    name: str
    tenant: str
    gpus: int
    start_s: int
    duration_s: int
    profile: str

    @property
    def gpus_per_unit(self) -> int:
        """Whole nodes if the size is a multiple of a node, else all GPUs in one unit."""
        return NODE_GPUS if self.gpus % NODE_GPUS == 0 else self.gpus

    @property
    def units(self) -> int:
        """Units of the job; more than one is a gang."""
        return self.gpus // self.gpus_per_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Jobs of one moment, with the tenants and profiles that they name."""

    name: str
    header: tuple[str, ...]  # comment lines: source, licence, command
    tenants: tuple[str, ...]
    profiles: tuple[PowerProfile, ...]
    jobs: tuple[TracedJob, ...]


def usable_gpus(site: Site) -> int:
    """GPUs of the site on which work can be placed today."""
    return sum(map(site.usable_gpus, site.racks.values()))


def largest_domain_gpus(site: Site, level: Level) -> int:
    """Most usable GPUs of one type in one domain of `level`: room for a gang of one GPU type."""
    room: dict[tuple[str | None, str], int] = defaultdict(int)
    for rack in site.racks.values():
        gpu_type = site.type_of(rack).gpu_type
        room[site.domain_of(rack, level), gpu_type] += site.usable_gpus(rack)
    return max(room.values(), default=0)


def densest(jobs: Sequence[TracedJob], target_gpus: int) -> tuple[TracedJob, ...]:
    """Return the shortest stretch of arrivals that asks for `target_gpus`, or all jobs."""
    ordered = sorted(jobs, key=lambda job: (job.start_s, job.name))
    best: tuple[int, int, int] | None = None
    first = gpus = 0
    for last, job in enumerate(ordered):
        gpus += job.gpus
        while gpus - ordered[first].gpus >= target_gpus:
            gpus -= ordered[first].gpus
            first += 1
        if gpus >= target_gpus:
            window = (job.start_s - ordered[first].start_s, first, last)
            best = window if best is None else min(best, window)
    return tuple(ordered) if best is None else tuple(ordered[best[1] : best[2] + 1])


def thinned(jobs: Sequence[TracedJob], target_gpus: int) -> tuple[TracedJob, ...]:
    """Return an even part of the arrivals that asks for about `target_gpus`, or all jobs.

    Every job owes its share of the target; one is taken when half of its GPUs are owed.
    """
    ordered = sorted(jobs, key=lambda job: (job.start_s, job.name))
    total = sum(job.gpus for job in jobs)
    if total <= target_gpus:
        return tuple(ordered)
    taken = []
    owed = 0  # GPUs times `total`
    for job in ordered:
        owed += job.gpus * target_gpus
        if 2 * owed >= job.gpus * total:
            taken.append(job)
            owed -= job.gpus * total
    return tuple(taken)


def replicated(jobs: Sequence[TracedJob], target_gpus: int) -> tuple[TracedJob, ...]:
    """Repeat `jobs` in order, as ``name-1``, ``name-2``, ..., until they ask for `target_gpus`."""
    if not jobs:
        return ()
    copies: list[TracedJob] = []
    gpus = 0
    while gpus < target_gpus:
        job = jobs[len(copies) % len(jobs)]
        copies.append(replace(job, name=f"{job.name}-{len(copies) // len(jobs) + 1}"))
        gpus += job.gpus
    return tuple(copies)


def value_mills(tenant: str, gpus: int, seed: int) -> int:
    """Draw what a GPU-hour is worth to jobs of this size: one of ten tiers, the same each time."""
    tier = random.Random(f"{seed}/{tenant}/{gpus}").randrange(VALUE_TIERS)
    span = HIGHEST_VALUE_MILLS - LOWEST_VALUE_MILLS
    return LOWEST_VALUE_MILLS + span * tier // (VALUE_TIERS - 1)


def locality(job: TracedJob, site: Site) -> Record:
    """Where a gang wants to lie: preferably in one array; if no array holds it, in one pod.

    A gang that no pod holds must lie in one hall if it fits there, else anywhere.
    """
    if job.units == 1:
        return {}
    wanted: Record = {"preferred": Level.ARRAY.value, "slowdown": _percent(SLOWDOWN_PERMILLE)}
    if job.gpus > largest_domain_gpus(site, Level.ARRAY):
        for level in (Level.POD, Level.HALL):
            if job.gpus <= largest_domain_gpus(site, level):
                return {"required": level.value, **wanted}
    return wanted


def job_record(job: TracedJob, site: Site, seed: int) -> Record:
    """Return a job as the workload file says it. Gangs may be shed, small jobs are capped."""
    gang = job.units > 1
    record: Record = {
        "name": job.name,
        "tenant": job.tenant,
        "units": job.units,
        "gpus_per_unit": job.gpus_per_unit,
        "power": job.profile,
        "power_action": "shed" if gang else "cap",
        "value_usd_per_gpu_h": value_mills(job.tenant, job.gpus, seed) / 1000,
        "duration_h": max(1, -(-job.duration_s // 3600)),
    }
    return {**record, "topology": locality(job, site)} if gang else record


def merged_records(jobs: Iterable[TracedJob], site: Site, seed: int) -> list[Record]:
    """Write one-unit jobs of one tenant and size as one elastic job of as many units.

    Every unit is placed for itself either way, so both ways have the same plans. Durations
    differ inside such a group and are left out.
    """
    groups: dict[tuple[str, int, str], list[TracedJob]] = defaultdict(list)
    for job in jobs:
        alone = job.name if job.units > 1 else ""
        groups[job.tenant, job.gpus, alone].append(job)
    return [
        _elastic(members, site, seed) if len(members) > 1 else job_record(members[0], site, seed)
        for members in groups.values()
    ]


def workload_text(moment: Moment, site: Site, *, seed: int, merge: bool) -> str:
    """Return the workload file: a header of comments, then one record a line."""
    jobs = (
        merged_records(moment.jobs, site, seed)
        if merge
        else [job_record(job, site, seed) for job in moment.jobs]
    )
    sections: dict[str, list[Record]] = {
        "tenants": [{"name": tenant, "kind": "internal"} for tenant in moment.tenants],
        "profiles": [_profile_record(profile) for profile in moment.profiles],
        "jobs": jobs,
    }
    lines = [f"# {line}".rstrip() for line in moment.header] + [f"name: {moment.name}"]
    for key, records in sections.items():
        lines += [f"{key}:", *(f"  - {_flow(record)}" for record in records)]
    return "\n".join(lines) + "\n"


def _elastic(members: Sequence[TracedJob], site: Site, seed: int) -> Record:
    first = members[0]
    head = {
        "name": f"{first.tenant}-{first.gpus}gpu",
        "tenant": first.tenant,
        "units": len(members),
        "min_units": 1,
    }
    record = job_record(first, site, seed)
    del record["duration_h"]
    return head | {key: value for key, value in record.items() if key not in head}


def _profile_record(profile: PowerProfile) -> Record:
    return {
        "name": profile.name,
        "mean": _percent(profile.mean_permille),
        "peak": _percent(profile.peak_permille),
        "cap": _percent(profile.cap_permille),
        "swing": _percent(profile.swing_permille),
        "synchronous": profile.synchronous,
        "source": profile.source,
    }


def _percent(permille: int) -> str:
    return f"{permille / 10:g} %"


def _flow(value: object) -> str:
    """Write a value in YAML's flow style; strings that could be read otherwise are quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str) and PLAIN_TEXT.fullmatch(value):
        return value
    return json.dumps(value)
