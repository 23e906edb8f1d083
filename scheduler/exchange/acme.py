"""The Acme traces: large-model jobs and measured GPU power (Hu et al., NSDI 2024).

Jobs come from a converted sample of the Kalos cluster. Columns that are read: ``job_id``,
``arrival_time`` (seconds), ``num_iteration`` (half-seconds of run time), ``gpu_workers`` (nodes)
and ``gpu_per_worker``. Power comes from the cumulative distributions of GPU power of the clusters
Kalos (pretraining) and Seren (many small jobs) on A100 boards of 400 W.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from scheduler.exchange.moment import NODE_GPUS, TracedJob
from scheduler.inputs.profiles import CAP_FLOOR_PERMILLE
from scheduler.model import PowerProfile

SOURCE = (
    "Source: AcmeTrace, github.com/InternLM/AcmeTrace, licence CC BY 4.0; job sample as converted",
    "in github.com/hyunnnchoi/AcmeTrace (completed Kalos jobs only).",
    "Cite: Hu et al., Characterization of Large Language Model Development in the Datacenter,",
    "USENIX NSDI 2024.",
)
PROFILE_SOURCE = (
    "[D] Acme GPU power of August 2023, A100 of 400 W; swing [A]; "
    "cap floor [D] from a node minimum of 5.6 kW"
)

TDP_W = 400.0  # A100 SXM board
BUSY_W = TDP_W / 4  # a GPU that draws more has work; idle ones draw 60-70 W
IDLE_QUANTILE = 0.05
PEAK_QUANTILE = 0.99

LARGE_GANG_GPUS = 256
PRETRAIN, SMALL = "acme-pretrain", "acme-small"
CLUSTER_OF_PROFILE = {PRETRAIN: "kalos", SMALL: "seren"}

# Mean and peak in permille, as `profiles` computes them from the published distributions.
MEASURED_PERMILLE = {PRETRAIN: (713, 1000), SMALL: (636, 1000)}

SWING_PERMILLE = 600  # of the dynamic range, by which a synchronous job swings [A]

Curve = Sequence[tuple[float, float]]  # (watts, share of samples at or below), ascending


def read_jobs(trace: Path) -> list[TracedJob]:
    """Read all jobs in order of arrival. A bad row raises `ValueError` with file and line."""
    with trace.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        jobs = [_job(row, f"{trace}:{rows.line_num}") for row in rows]
    return sorted(jobs, key=lambda job: job.start_s)


def read_power(distribution: Path) -> dict[str, Curve]:
    """Read the GPU power curve of every cluster, rows in ascending order of power."""
    curves: dict[str, list[tuple[float, float]]] = {}
    with distribution.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                if row["metric"] == "gpu_power":
                    point = (float(row["value"]), float(row["cdf_percent"]) / 100)
                    curves.setdefault(row["cluster"], []).append(point)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{distribution}:{rows.line_num}: expected columns cluster, metric, value, "
                    f"cdf_percent, got {row} ({error})"
                ) from None
    return {cluster: sorted(curve) for cluster, curve in curves.items()}


def profiles(distribution: Path | None = None) -> tuple[PowerProfile, ...]:
    """Return the power profiles, from the distribution if given, else from the constants."""
    if distribution is None:
        return tuple(_profile(name, *MEASURED_PERMILLE[name]) for name in CLUSTER_OF_PROFILE)
    curves = read_power(distribution)
    for cluster in CLUSTER_OF_PROFILE.values():
        if cluster not in curves:
            raise ValueError(f"{distribution}: expected gpu_power of {cluster}, got {set(curves)}")
    return tuple(
        _profile(name, *mean_and_peak_permille(curves[cluster]))
        for name, cluster in CLUSTER_OF_PROFILE.items()
    )


def profile_of(gpus: int) -> str:
    """Name the profile of a job: large-model training above one node."""
    return PRETRAIN if gpus > NODE_GPUS else SMALL


def mean_and_peak_permille(curve: Curve) -> tuple[int, int]:
    """Mean and peak of busy GPUs as thousandths of the range from idle to the board's limit.

    ``ceil(1000 * (P - idle) / (400 W - idle))``, at most 1000. Idle is the 5 % quantile, the mean
    is taken over all samples above 100 W, the peak is the 99 % quantile.
    """
    idle_w = _quantile(curve, IDLE_QUANTILE)
    spans = [
        ((low_w + high_w) / 2, high - low)
        for (low_w, low), (high_w, high) in pairwise(curve)
        if low_w >= BUSY_W
    ]
    share = sum(weight for _, weight in spans)
    if share <= 0 or idle_w >= TDP_W:
        raise ValueError(f"gpu_power: expected samples above {BUSY_W:g} W, got none")
    mean_w = sum(power_w * weight for power_w, weight in spans) / share
    return _permille(mean_w, idle_w), _permille(_quantile(curve, PEAK_QUANTILE), idle_w)


def tenants(jobs: Iterable[TracedJob]) -> tuple[str, ...]:
    """Return the tenants of the jobs, by name."""
    return tuple(sorted({job.tenant for job in jobs}))


def _permille(power_w: float, idle_w: float) -> int:
    return min(1000, math.ceil(1000 * (power_w - idle_w) / (TDP_W - idle_w)))


def _quantile(curve: Curve, share: float) -> float:
    return next(power_w for power_w, at_most in curve if at_most >= share)


def _profile(name: str, mean_permille: int, peak_permille: int) -> PowerProfile:
    synchronous = name == PRETRAIN
    return PowerProfile(
        name=name,
        mean_permille=mean_permille,
        peak_permille=peak_permille,
        cap_permille=CAP_FLOOR_PERMILLE,
        swing_permille=SWING_PERMILLE if synchronous else 0,
        synchronous=synchronous,
        source=PROFILE_SOURCE,
    )


def _job(row: dict[str, str], place: str) -> TracedJob:
    try:
        gpus = float(row["gpu_workers"]) * float(row["gpu_per_worker"])
        start_s, seconds = float(row["arrival_time"]), 0.5 * float(row["num_iteration"])
        name = f"kalos-{int(row['job_id'])}"
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{place}: expected columns job_id, arrival_time, num_iteration, gpu_workers, "
            f"gpu_per_worker, got {row} ({error})"
        ) from None
    if not (gpus >= 1 and gpus.is_integer() and math.isfinite(start_s) and 0 <= seconds < math.inf):
        raise ValueError(f"{place}: expected whole GPUs >= 1 and run time >= 0 s, got {row}")
    return TracedJob(
        name=name,
        tenant=_tenant(int(gpus)),
        gpus=int(gpus),
        start_s=round(start_s),
        duration_s=math.ceil(seconds),
        profile=profile_of(int(gpus)),
    )


def _tenant(gpus: int) -> str:
    """Name the kind of work by size: the sample does not say it."""
    if gpus >= LARGE_GANG_GPUS:
        return "kalos-pretraining"
    return "kalos-tuning" if gpus > NODE_GPUS else "kalos-small"
