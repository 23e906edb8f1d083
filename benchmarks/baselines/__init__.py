"""The baselines: published ways to place jobs, on the same forms and with the same check.

They read forms only, so every rule of a site binds them as it binds the planner: power after each
failure, temperatures, isolation. Each hands whole plans in; the best of them is its result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.baselines import (
    best_fit,
    class_mip,
    dot_product,
    first_fit,
    monolithic,
    random_split,
)
from benchmarks.baselines.task import Task

Baseline = Callable[[Task], str]  # returns what there is to say about the run

BASELINES: Mapping[str, Baseline] = {
    "first-fit": first_fit.plan,
    "best-fit": best_fit.plan,
    "dot-product": dot_product.plan,
    "monolithic": monolithic.plan,
    "class-mip": class_mip.plan,
    "random-split": random_split.plan,
}

__all__ = ["BASELINES", "Baseline", "Task"]
