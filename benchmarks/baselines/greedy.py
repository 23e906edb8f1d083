"""Jobs one after another, each where a rule ranks best; whole, or not at all if it is a gang.

The rule is all that first fit, best fit and dot product differ in. It ranks *places*: racks, or
the domains (arrays, halls) of which a job must lie in one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.layout import Layout
from benchmarks.baselines.task import Task
from benchmarks.baselines.work_order import by_value_density, firm_gpus, lies_inside, value_mills
from kernels.forms import Compiled, Ints

TRIES = 8  # places that are tried for a job that must lie in one of them

Keys = NDArray[np.float64] | Ints


# Takes layout, job, the units that fit (R,) and the place of every rack (R,); returns a key for
# every place, the smallest first.
Rule = Callable[[Layout, int, Ints, Ints], Keys]


def plan_greedily(task: Task, rule: Rule) -> None:
    """Place all jobs by value density and hand the plan in."""
    layout = Layout(task.compiled)
    Greedy(task.compiled, rule).insert(layout, by_value_density(task.compiled), task.out_of_time)
    task.offer(layout.shards())


class Greedy:
    """Places jobs on a layout by one rule."""

    def __init__(self, compiled: Compiled, rule: Rule) -> None:
        self.units, self.rule = compiled.units, rule
        self.value, self.firm = value_mills(compiled), firm_gpus(compiled)
        self.inside = lies_inside(compiled)
        self.racks = np.arange(compiled.num_racks)

    def insert(self, layout: Layout, order: Ints, out_of_time: Callable[[], bool]) -> None:
        """Place what fits of the jobs that are not placed, in `order`."""
        for job in order.tolist():
            if out_of_time():
                return
            if layout.total[job] == 0:
                self.place(layout, job)

    def place(self, layout: Layout, job: int) -> None:
        """Place `job` in the first place that takes it; a firm one where most of it counts."""
        promised = int(self.units.counted_most[job])
        want = min(promised + int(self.units.held_back[job]), int(self.units.most[job]))
        fits = self._worthwhile(layout, job)
        best: tuple[int, dict[int, int]] = (0, {})
        for here in self._places(layout, job, fits, want):
            layout.fill(job, self._ranked(layout, job, here, want), want)
            if layout.total[job] >= max(1, self.units.least[job]):
                self._top_up(layout, job)
                counted = layout.counted(job)
                if not self.firm[job] or counted >= promised:
                    return
                best = max(best, (counted, layout.placed[job].copy()), key=lambda pair: pair[0])
            layout.remove(job)
        for rack, units in best[1].items():
            layout.add(job, rack, units)

    def _worthwhile(self, layout: Layout, job: int) -> Ints:
        """Units that fit, where they earn at least what they cost or are owed, (R,)."""
        if not (self.value[job] > 0 or self.firm[job] or self.inside[job]):
            return np.zeros(len(self.racks), np.int64)
        fits = layout.fit(job)
        if not (self.firm[job] or self.inside[job]):
            fits[layout.cost(job) > self.value[job]] = 0
        return fits

    def _places(self, layout: Layout, job: int, fits: Ints, want: int) -> list[Ints]:
        """Return the units that fit (R,), place by place, the best places first."""
        label = layout.places(job)
        least = max(1, int(self.units.least[job]))
        if label is None:
            return [fits] if fits.sum() >= least else []
        room = np.bincount(label, fits).astype(np.int64)
        enough = np.flatnonzero(room >= least)
        key = np.asarray(self.rule(layout, job, fits, label))[enough]
        order = enough[np.lexsort((key, room[enough] < want))]
        return [np.where(label == place, fits, 0) for place in order[:TRIES].tolist()]

    def _ranked(self, layout: Layout, job: int, fits: Ints, want: int) -> list[int]:
        """Racks in the order of the rule; those that take all, and the tenant's own, first."""
        key = self.rule(layout, job, fits, self.racks)
        order = np.lexsort((key, -layout.own_racks(job), fits < want))
        ranked: list[int] = order[fits[order] > 0].tolist()
        return ranked

    def _top_up(self, layout: Layout, job: int) -> None:
        """Add units until what survives the worst loss is all that was promised."""
        before = -1
        missing = int(self.units.counted_most[job]) - layout.counted(job)
        while missing > 0 and layout.total[job] > before:
            before = int(layout.total[job])
            fits = layout.fit(job)
            layout.fill(job, self._ranked(layout, job, fits, missing), missing)
            missing = int(self.units.counted_most[job]) - layout.counted(job)
