"""Dot product: where what is left is most like what the job needs.

Need and what is left are vectors over slots and all linear demands, each as a share of what an
empty rack has. Their product is Tetris's alignment score (Grandl et al., SIGCOMM 2014; Panigrahy
et al., 2011). Larger is better, so emptier racks come first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.greedy import Keys, plan_greedily
from benchmarks.baselines.layout import Layout
from benchmarks.baselines.task import Task
from kernels.forms import Ints

Shares = NDArray[np.float64]


def plan(task: Task) -> str:
    """Plan by dot product."""
    plan_greedily(task, _Alignment(Layout(task.compiled)))
    return ""


class _Alignment:
    """Dot products against the empty site's capacity."""

    def __init__(self, empty: Layout) -> None:
        self.slots = np.maximum(empty.free_slots(), 1)
        for load in empty.loads:
            load.fit(0)  # works out what every rack's tightest row leaves
        self.capacity = [np.maximum(load.tightest, 1) for load in empty.loads]

    def __call__(self, layout: Layout, job: int, fits: Ints, place_of_rack: Ints) -> Keys:
        """Return minus the alignment of every place, averaged over the units that it takes."""
        aligned = self._slot_share(layout, job) * layout.free_slots() / self.slots
        for load, capacity in zip(layout.loads, self.capacity, strict=True):
            need = np.maximum(load.demand[job, load.kind_of_rack], 0)
            aligned += (need / capacity) * (load.tightest / capacity)
        weight = np.bincount(place_of_rack, fits)
        return -np.bincount(place_of_rack, fits * aligned) / np.maximum(weight, 1)

    def _slot_share(self, layout: Layout, job: int) -> Shares:
        share = np.zeros(len(self.slots))
        for room in layout.bins:
            share += room.form.size[job, room.form.kind_of_rack] / self.slots
        return share
