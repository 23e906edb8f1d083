"""First fit: the first rack, or the first domain, that takes the whole job."""

from __future__ import annotations

import numpy as np

from benchmarks.baselines.greedy import plan_greedily
from benchmarks.baselines.layout import Layout
from benchmarks.baselines.task import Task
from kernels.forms import Ints


def plan(task: Task) -> str:
    """Plan by first fit."""
    plan_greedily(task, _in_order)
    return ""


def _in_order(_layout: Layout, _job: int, _fits: Ints, place_of_rack: Ints) -> Ints:
    """Places by number."""
    return np.arange(int(place_of_rack.max(initial=-1)) + 1)
