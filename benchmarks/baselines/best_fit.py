"""Best fit: where the fewest slots are free, so that empty racks stay empty."""

from __future__ import annotations

import numpy as np

from benchmarks.baselines.greedy import plan_greedily
from benchmarks.baselines.layout import Layout
from benchmarks.baselines.task import Task
from kernels.forms import Ints


def plan(task: Task) -> str:
    """Plan by best fit."""
    plan_greedily(task, fewest_free_slots)
    return ""


def fewest_free_slots(layout: Layout, _job: int, fits: Ints, place_of_rack: Ints) -> Ints:
    """Free slots of every place, on racks that take any of the job."""
    free = np.where(fits > 0, layout.free_slots(), 0)
    return np.bincount(place_of_rack, free).astype(np.int64)
