"""What is run: every size, seed and severity, by the planner and by every baseline."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from benchmarks.baselines import BASELINES
from benchmarks.instances import SIZES, Axes, instance
from benchmarks.main_job import PROJECT, seeds_of
from scheduler.inputs import read_problem
from scheduler.model import Problem

Record = dict[str, Any]

OURS = "rackwatt"
COLOSSUS = "colossus"  # an example under examples/, with no severity axes
TIME_LIMITS_S = {"XS": 5, "S": 20, "M": 60, "L": 60, "XL": 60, "XXL": 600, COLOSSUS: 60}
DEFAULT_AXES = asdict(Axes())


def cases_of(options: argparse.Namespace) -> list[Record]:
    """Return one case for each run. Raises ValueError with what an option should have been."""
    sizes, solvers = options.sizes.split(","), [OURS, *_baselines(options.baselines)]
    unknown = [size for size in sizes if size not in TIME_LIMITS_S]
    if unknown:
        raise ValueError(f"--sizes: expected some of {', '.join(TIME_LIMITS_S)}, got {unknown}")
    try:
        seeds = seeds_of(options.seeds)
    except ValueError:
        raise ValueError(f"--seeds: expected such as 0 or 0-4, got {options.seeds}") from None
    severities = list(_severities(options.axis))
    return [
        {
            "size": size,
            "seed": seed,
            "axes": axes,
            "solver": solver,
            "time_limit_s": options.time_limit or TIME_LIMITS_S[size],
            "workers": options.workers,
        }
        for size in sizes
        for axes in (severities if size in SIZES else [{}])
        for seed in seeds
        for solver in solvers
    ]


def problem_of(case: Record) -> Problem:
    """Return the site and the workload of a case: the same for the same size, seed and axes."""
    if case["size"] in SIZES:
        return instance(case["size"], case["seed"], Axes(**case["axes"]))
    folder = PROJECT / "examples" / case["size"]
    return read_problem(folder / "site.yaml", folder / "workload.yaml")


def instance_name(record: Record) -> str:
    """Return size and severity as people write it: ``M power=0.8``."""
    off = (f"{axis}={value:g}" for axis, value in record["axes"].items() if _is_off(axis, value))
    return " ".join([record["size"], *off])


def _is_off(axis: str, value: float) -> bool:
    return bool(value != DEFAULT_AXES[axis])


def _baselines(text: str) -> list[str]:
    names = {"all": list(BASELINES), "none": []}.get(text, text.split(","))
    if set(names) <= set(BASELINES):
        return names
    raise ValueError(f"--baselines: expected all, none or some of {', '.join(BASELINES)}: {text}")


def _severities(texts: list[str]) -> Iterator[dict[str, float]]:
    """Yield the axes of every combination: ``load=1.1,1.3`` and ``power=0.9`` make two."""
    values: dict[str, list[float]] = {each.name: [] for each in fields(Axes)}
    for text in texts:
        axis, _, numbers = text.partition("=")
        try:
            values[axis] += [float(number) for number in numbers.split(",")]
        except (KeyError, ValueError):
            names = ", ".join(values)
            raise ValueError(f"--axis: expected NAME=VALUE, NAME of {names}: {text}") from None
    if min((*values["load"], *values["power"], *values["skew"]), default=1.0) <= 0:
        raise ValueError("--axis: expected load, power and skew above 0")
    chosen = [values[axis] or [DEFAULT_AXES[axis]] for axis in values]
    for combination in itertools.product(*chosen):
        yield dict(zip(values, combination, strict=True))
