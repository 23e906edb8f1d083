"""The openb trace: Alibaba's GPU pods of 2023, most of which want a part of a GPU (ATC 2023).

Columns that are read of the pods: ``name``, ``num_gpu``, ``gpu_milli`` (thousandths of a GPU, where
``num_gpu`` is 1), ``gpu_spec`` (allowed models), ``qos``, ``creation_time``, ``deletion_time`` and
``scheduled_time`` (seconds); of the nodes: ``gpu`` and ``model``. The trace names no tenants and
no racks, so its nodes make no site.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scheduler.exchange import acme
from scheduler.exchange.moment import TracedJob

SOURCE = (
    "Source: cluster-trace-gpu-v2023, github.com/alibaba/clusterdata.",
    "Cite: Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing Workloads with",
    "Fragmentation Gradient Descent, USENIX ATC 2023.",
)
WHOLE_MILLI = 1000
MOST_GPUS = 1000  # of a pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod and when it ran; `start_s` is None if it never did."""

    name: str
    gpus: int
    milli: int  # of each GPU
    models: str  # allowed ones, joined with ``|``; empty for any
    qos: str
    created_s: int
    start_s: int | None
    end_s: int

    @property
    def demand_milli(self) -> int:
        """What it asks for, in thousandths of a GPU."""
        return self.gpus * self.milli

    @property
    def tenant(self) -> str:
        """Its class of service: the trace does not say whose it is."""
        return f"openb-{self.qos.lower()}"


def read_pods(trace: Path) -> list[Pod]:
    """Read all pods in order of the file. A bad row raises `ValueError` with file and line."""
    with trace.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [_pod(row, f"{trace}:{rows.line_num}") for row in rows]


def nodes_in_words(nodes: Path) -> str:
    """Return what the node list holds, for people. A bad row raises `ValueError`."""
    models: Counter[str] = Counter()
    gpus = 0
    with nodes.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                count = int(row["gpu"])
                model = str(row["model"])
            except (KeyError, TypeError, ValueError) as error:
                place = f"{nodes}:{rows.line_num}"
                raise ValueError(f"{place}: expected columns gpu, model ({error})") from None
            gpus += count
            models[model if count else "without GPUs"] += 1
    kinds = ", ".join(f"{count:,} {model}" for model, count in models.most_common())
    return f"{models.total():,} nodes with {gpus:,} GPUs ({kinds}): no racks or power, so no site"


def busiest_moment(pods: Sequence[Pod]) -> int:
    """Return the first second at which the running pods ask for most of GPUs.

    ``argmax_t sum_p gpus_p * milli_p * [start_p <= t < end_p]``.
    """
    change: dict[int, int] = defaultdict(int)
    for pod in pods:
        if pod.start_s is not None:
            change[pod.start_s] += pod.demand_milli
            change[pod.end_s] -= pod.demand_milli
    if not change:
        raise ValueError("trace: expected at least one pod that ran, got none")
    best, best_s, running = -1, 0, 0
    for moment_s in sorted(change):
        running += change[moment_s]
        if running > best:
            best, best_s = running, moment_s
    return best_s


def running_at(pods: Sequence[Pod], moment_s: int) -> list[Pod]:
    """Return the pods that run at a moment, in order of the file."""
    return [p for p in pods if p.start_s is not None and p.start_s <= moment_s < p.end_s]


def jobs_of(pods: Sequence[Pod]) -> list[TracedJob]:
    """Return jobs of whole GPUs: parts of GPUs share one, class by class, the largest part first.

    Every part goes on the first GPU of its class with room for it (first fit decreasing). A
    shared GPU has the name of the first pod on it, and lasts as long as the last.
    """
    whole = [[pod] for pod in pods if pod.milli >= WHOLE_MILLI]
    shared: dict[str, list[list[Pod]]] = defaultdict(list)
    room: dict[str, list[int]] = defaultdict(list)
    parts = [pod for pod in pods if pod.milli < WHOLE_MILLI]
    for pod in sorted(parts, key=lambda pod: (-pod.milli, pod.name)):
        left, groups = room[pod.tenant], shared[pod.tenant]
        place = next((i for i, milli in enumerate(left) if milli >= pod.milli), len(left))
        if place == len(left):
            left.append(WHOLE_MILLI)
            groups.append([])
        left[place] -= pod.milli
        groups[place].append(pod)
    groups = [*whole, *(group for each in shared.values() for group in each)]
    return sorted((_job(group) for group in groups), key=lambda job: (job.start_s, job.name))


def _job(group: Sequence[Pod]) -> TracedJob:
    starts = [pod.created_s if pod.start_s is None else pod.start_s for pod in group]
    gpus = group[0].gpus
    return TracedJob(
        name=group[0].name,
        tenant=group[0].tenant,
        gpus=gpus,
        start_s=min(starts),
        duration_s=max(1, max(pod.end_s for pod in group) - min(starts)),
        profile=acme.profile_of(gpus),
    )


def _pod(row: dict[str, str], place: str) -> Pod:
    try:
        gpus, milli = int(row["num_gpu"]), int(row["gpu_milli"] or WHOLE_MILLI)
        created_s, end_s = int(float(row["creation_time"])), int(float(row["deletion_time"]))
        scheduled = row["scheduled_time"]
        start_s = int(float(scheduled)) if scheduled else None
        name, qos, models = row["name"], row["qos"], row["gpu_spec"] or ""
        named = name.isprintable() and 0 < len(name) <= 100 and qos.isalpha()
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ValueError(
            f"{place}: expected columns name, num_gpu, gpu_milli, gpu_spec, qos, creation_time, "
            f"deletion_time, scheduled_time, got {row} ({error})"
        ) from None
    is_part = gpus != 1 or 1 <= milli <= WHOLE_MILLI
    if not (named and 0 <= gpus <= MOST_GPUS and is_part and end_s >= created_s):
        raise ValueError(
            f"{place}: expected a name, a class, num_gpu from 0 to {MOST_GPUS}, gpu_milli from 1 "
            f"to {WHOLE_MILLI} and deletion after creation, got {row}"
        )
    return Pod(
        name=name,
        gpus=gpus,
        milli=milli if gpus == 1 else WHOLE_MILLI,
        models=models,
        qos=qos,
        created_s=created_s,
        start_s=start_s,
        end_s=end_s,
    )
