"""The Philly trace: multi-tenant jobs of a Microsoft cluster in 2017 (Jeon et al., ATC 2019).

Columns that are read: ``timestamp`` (submission, UTC), ``duration`` (seconds), ``num_gpus`` and
``cluster`` (the virtual cluster, that is the tenant). The trace has no start times, so a job is
taken to run from its submission on.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from scheduler.exchange import acme
from scheduler.exchange.moment import TracedJob

SOURCE = (
    "Source: Philly trace, github.com/msr-fiddle/philly-traces, licence CC BY 4.0.",
    "Cite: Jeon et al., Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training",
    "Workloads, USENIX ATC 2019.",
)
HOUR_S = 3600


def read_jobs(trace: Path) -> list[TracedJob]:
    """Read all jobs in order of submission; names carry the row. A bad row raises `ValueError`."""
    with trace.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        jobs = [_job(row, f"{trace}:{rows.line_num}") for row in rows]
    return sorted(jobs, key=lambda job: job.start_s)


def tenants(jobs: Iterable[TracedJob]) -> tuple[str, ...]:
    """Return every virtual cluster of the trace, also those without a job at the moment."""
    return tuple(sorted({job.tenant for job in jobs}))


def busiest_hour(jobs: Sequence[TracedJob]) -> int:
    """Return the full hour, in seconds since 1970, at which most GPUs run; the first of equals.

    ``argmax_h sum_j gpus_j * [start_j <= h < start_j + duration_j]``.
    """
    change: dict[int, int] = defaultdict(int)
    for job in jobs:
        change[-(-job.start_s // HOUR_S)] += job.gpus
        change[-(-(job.start_s + job.duration_s) // HOUR_S)] -= job.gpus
    if not change:
        raise ValueError("trace: expected at least one job, got none")
    hours = sorted(change)
    running = dict(zip(hours, accumulate(change[hour] for hour in hours), strict=True))
    return max(hours, key=lambda hour: (running[hour], -hour)) * HOUR_S


def running_at(jobs: Sequence[TracedJob], moment_s: int) -> tuple[TracedJob, ...]:
    """Return the jobs that run at a moment, in order of submission."""
    return tuple(job for job in jobs if job.start_s <= moment_s < job.start_s + job.duration_s)


def moment_of(text: str, jobs: Sequence[TracedJob]) -> int:
    """Read ``busiest`` or a UTC time such as ``2017-10-21T23:00`` as seconds since 1970."""
    if text.lower() == "busiest":
        return busiest_hour(jobs)
    return _seconds(text)


def _job(row: dict[str, str], place: str) -> TracedJob:
    try:
        gpus, seconds = int(row["num_gpus"]), float(row["duration"])
        start_s, cluster = _seconds(row["timestamp"]), row["cluster"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{place}: expected columns timestamp, duration, num_gpus, cluster, got {row} ({error})"
        ) from None
    if gpus < 1 or not 0 <= seconds < float("inf"):
        raise ValueError(f"{place}: expected num_gpus >= 1 and duration >= 0 s, got {row}")
    return TracedJob(
        name=f"philly-{place.rsplit(':', 1)[1]}",
        tenant=f"vc-{cluster}",
        gpus=gpus,
        start_s=start_s,
        duration_s=math.ceil(seconds),
        profile=acme.profile_of(gpus),
    )


def _seconds(text: str) -> int:
    time = datetime.fromisoformat(text)
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(seconds=1)
