"""Power of every job over time; what runs on a GPU at the same time shares it equally."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.exchange.telemetry.gpu_power import GpuPower, Time
from scheduler.model import Site
from scheduler.model.units import PERMILLE, ceil_div

MILLI = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPower:
    """What a job drew on its GPUs, and as thousandths of their range from idle to peak."""

    job: str
    gpus: int  # most at one time
    samples: int
    mean_w: int
    peak_w: int
    mean_permille: int
    peak_permille: int


def job_powers(site: Site, found: GpuPower, rack_of: Mapping[str, str]) -> list[JobPower]:
    """Return the power of every job that ran on GPUs of known racks, by name.

    ``permille = ceil(1000 * (P - idle) / (peak - idle))`` from 0 to 1000, with idle and peak of as
    many GPUs: what a power profile says. The mean is over the steps, the peak the highest step.
    """
    power: dict[str, dict[Time, list[int]]] = defaultdict(dict)
    for gpu, steps in found.jobs.items():
        rack = rack_of.get(found.host_of[gpu])
        if rack is None:
            continue
        rack_type = site.type_of(site.racks[rack])
        for time, jobs in steps.items():
            part_mw = ceil_div(found.milliwatts[gpu][time], len(jobs))
            idle_mw = ceil_div(rack_type.gpu_idle_w * MILLI, len(jobs))
            peak_mw = rack_type.gpu_peak_w * MILLI // len(jobs)
            for job in jobs:
                sums = power[job].setdefault(time, [0, 0, 0, 0])
                for place, amount in enumerate((part_mw, idle_mw, peak_mw, 1)):
                    sums[place] += amount
    return [_of_job(job, list(steps.values())) for job, steps in sorted(power.items())]


def _of_job(job: str, steps: list[list[int]]) -> JobPower:
    total, idle, peak = (sum(step[place] for step in steps) for place in range(3))
    return JobPower(
        job=job,
        gpus=max(step[3] for step in steps),
        samples=len(steps),
        mean_w=ceil_div(total, len(steps) * MILLI),
        peak_w=ceil_div(max(step[0] for step in steps), MILLI),
        mean_permille=_permille(total, idle, peak),
        peak_permille=max(_permille(*step[:3]) for step in steps),
    )


def _permille(amount: int, idle: int, peak: int) -> int:
    if peak <= idle:
        return PERMILLE
    return min(PERMILLE, max(0, ceil_div(PERMILLE * (amount - idle), peak - idle)))
