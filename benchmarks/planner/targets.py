"""What is to be reached, and by which runs it is missed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.planner.cases import DEFAULT_AXES, OURS, TIME_LIMITS_S, Record
from benchmarks.planner.verdicts import run_name

MOST_OVERRUN = 0.05  # of the time limit
BETTER_ON = ("M", "L", "XL")  # worth more than every baseline, on every seed


@dataclass(frozen=True)
class Target:
    """At the size's own time limit and default severity, 2 cores."""

    gap: float  # proven, median over the seeds
    memory_gb: float  # peak of any seed, all processes


TARGETS = {
    "S": Target(gap=0.002, memory_gb=0.3),
    "M": Target(gap=0.02, memory_gb=0.5),
    "L": Target(gap=0.02, memory_gb=1.0),
    "XL": Target(gap=0.01, memory_gb=1.5),
    "XXL": Target(gap=0.015, memory_gb=3.0),
}


def missed(records: Iterable[Record]) -> list[str]:
    """Return a line for every target that the judged `records` miss."""
    good = [each for each in records if "error" not in each]
    lines = [line for each in good if each["solver"] == OURS for line in _late(each)]
    for size, target in TARGETS.items():
        ours = [each for each in good if each["solver"] == OURS and _is_of_table(each, size)]
        if ours:
            lines += _above(size, target, ours)
    return lines + [
        f"{run_name(each)}: expected to be worth less than {OURS}'s plan"
        for each in good
        if each["size"] in BETTER_ON and each["more_value"] in ("no", "equal")
    ]


def _is_of_table(record: Record, size: str) -> bool:
    """Whether a run is one that the targets speak of."""
    usual = record["axes"] == DEFAULT_AXES and record["time_limit_s"] == TIME_LIMITS_S[size]
    return bool(record["size"] == size and usual)


def _late(record: Record) -> list[str]:
    limit_s = record["time_limit_s"] * (1 + MOST_OVERRUN)
    if record["wall_s"] <= limit_s:
        return []
    return [f"{run_name(record)}: expected at most {limit_s:.1f} s, took {record['wall_s']:.1f} s"]


def _above(size: str, target: Target, ours: list[Record]) -> list[str]:
    lines = []
    gap = statistics.median(1.0 if each["gap"] is None else each["gap"] for each in ours)
    if gap > target.gap:
        lines.append(
            f"{size}: expected a median gap of at most {target.gap:.1%}, got {gap:.2%} "
            f"({len(ours)} seeds)"
        )
    memory_gb = max(each["peak_rss_mib"] for each in ours) * 2**20 / 1e9
    if memory_gb > target.memory_gb:
        lines.append(f"{size}: expected at most {target.memory_gb:g} GB, held {memory_gb:.2f} GB")
    return lines
