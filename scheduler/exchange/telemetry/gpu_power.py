"""Power of every GPU over time: each counted once, blanks dropped, and who ran on it when."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.telemetry.series import MS, Series

GPU_POWER = "DCGM_FI_DEV_POWER_USAGE"
MOST_SAMPLES = 5_000_000
MOST_GPU_W = 10_000
# Blank values of DCGM: 0x7ffffff0 and 0x7ffffffffffffff0 of integers, 2^47 of fractions; and the
# codes right above them. [T] dcgm_structs.h
LEAST_BLANK = 1e9

HOST_LABELS = ("Hostname", "hostname", "exported_node", "node", "kubernetes_node", "host")
EXPORTERS = ("dcgm-exporter", "nvidia-dcgm-exporter")  # pods that are no work
_MIG_OF_GPU = re.compile(r"MIG-(GPU-[0-9a-f-]+)/.*")

Gpu = str  # UUID, or host and index where there is none
Time = int  # number of the step


@dataclass(kw_only=True)
class GpuPower:
    """What was measured."""

    step_s: int
    milliwatts: dict[Gpu, dict[Time, int]] = field(default_factory=lambda: defaultdict(dict))
    host_of: dict[Gpu, str] = field(default_factory=dict)
    jobs: dict[Gpu, dict[Time, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    dropped: Counter[str] = field(default_factory=Counter)  # words -> samples
    repeats: int = 0  # samples of a GPU that was there already at that time
    others: Counter[str] = field(default_factory=Counter)  # metrics that are not read -> series
    is_timed: bool = True
    samples: int = 0

    @property
    def period_ms(self) -> tuple[int, int]:
        """First and last moment."""
        times = [time for steps in self.milliwatts.values() for time in steps]
        return min(times) * self.step_s * MS, max(times) * self.step_s * MS


def gpu_power(
    series: Iterable[Series], *, metric: str = GPU_POWER, step_s: int = 60, job_label: str = ""
) -> GpuPower:
    """Return the power of every GPU in steps of `step_s`: the highest sample of each step.

    A GPU that is split (MIG) or shared in time shows its whole power once for each part or pod.
    Series of one UUID are one GPU; so are those of one host and index.
    """
    found = GpuPower(step_s=step_s)
    kept: list[tuple[Series, Gpu, str]] = []
    uuid_at: dict[tuple[str, str], Gpu] = {}
    for each in series:
        if each.metric not in (metric, ""):
            found.others[each.metric] += 1
            continue
        found.is_timed &= each.is_timed
        found.samples += len(each.samples)
        if found.samples > MOST_SAMPLES:
            expected = f"at most {MOST_SAMPLES:,} samples of power; a longer step gives fewer"
            raise ExchangeError([f"SOURCE: expected {expected}"])
        host, index = host_of(each.labels), each.labels.get("gpu", each.labels.get("device", ""))
        uuid = _uuid(each.labels.get("UUID", each.labels.get("uuid", "")))
        if uuid:
            uuid_at.setdefault((host, index), uuid)
        kept.append((each, uuid, index))
    for each, uuid, index in kept:
        host = host_of(each.labels)
        gpu = uuid or uuid_at.get((host, index)) or f"{host}/{index}"
        found.host_of.setdefault(gpu, host)
        _take(found, each, gpu, job_of(each.labels, job_label))
    return found


def watts_or_why(value: float) -> tuple[int, str]:
    """Return a sample in milliwatts, rounded up, and why it is dropped, if it is."""
    if not math.isfinite(value):
        return 0, "not a number"
    if value >= LEAST_BLANK:
        return 0, "blank values of DCGM (such as 9.22e18)"
    if not 0 <= value <= MOST_GPU_W:
        return 0, f"outside 0 to {MOST_GPU_W:,} W"
    return math.ceil(value * 1000), ""


def host_of(labels: Mapping[str, str]) -> str:
    """Return the host that a series speaks of; of an address, what stands before the port."""
    for label in HOST_LABELS:
        if labels.get(label):
            return labels[label]
    return labels.get("instance", "").rpartition(":")[0] or labels.get("instance", "")


def job_of(labels: Mapping[str, str], job_label: str) -> str:
    """Return the job that runs on the GPU: a Slurm job, else namespace and pod; empty for none."""
    if job_label:
        return labels.get(job_label, "")
    job = labels.get("hpc_job", "")
    if job not in ("", "0"):
        return job
    # A scrape that does not honour the exporter's labels calls the work `exported_pod`.
    before = "exported_" if labels.get("exported_pod") else ""
    pod = labels.get(f"{before}pod", "")
    if not pod or pod.startswith(EXPORTERS):
        return ""
    namespace = labels.get(f"{before}namespace", "")
    return f"{namespace}/{pod}" if namespace else pod


def _uuid(text: str) -> str:
    """Return the UUID of the whole GPU; empty if it is one of a part that does not say."""
    match = _MIG_OF_GPU.fullmatch(text)
    if match:
        return match[1]
    return "" if text.startswith("MIG-") else text


def _take(found: GpuPower, series: Series, gpu: Gpu, job: str) -> None:
    """Add the samples of one series; of several in a step, and of repeats, the highest counts."""
    steps, who = found.milliwatts[gpu], found.jobs[gpu]
    mine: set[Time] = set()
    for at_ms, value in series.samples:
        milliwatts, why = watts_or_why(value)
        if why:
            found.dropped[why] += 1
            continue
        time = at_ms // (found.step_s * MS)
        before = steps.get(time)
        if before is not None and time not in mine:
            found.repeats += 1
        mine.add(time)
        steps[time] = milliwatts if before is None else max(before, milliwatts)
        if job:
            who.setdefault(time, set()).add(job)
