"""A problem in outline: lots on classes of racks as a program, cut into the blocks of groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels.forms import (
    NONE,
    AssignmentCost,
    Bools,
    Compiled,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)
from scheduler.planner.bound.exclusive import blocks_of_columns
from scheduler.planner.bound.resolution import choose_classes
from scheduler.planner.decompose import Blocks, cut
from scheduler.planner.lots import Lots, make_lots
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.program import FREE, Arrays


@dataclass(frozen=True, eq=False)
class Outline:
    """A program whose optimum bounds the problem's, in 1/FINER of its money."""

    lots: Lots
    lowered: Lowered
    arrays: Arrays  # with the row of obligations

    @staticmethod
    def of(
        compiled: Compiled, whole: Bools, most_classes: int, met_gpus: int, *, feeds: bool = False
    ) -> Outline:
        """Draw the outline in which the jobs `whole` stay what they are."""
        lots = make_lots(compiled, whole)
        classes = choose_classes(lots.compiled, most_classes, feeds=feeds)
        lowered = lower(lots.compiled, classes, by_kind=True)
        return Outline(lots, lowered, with_obligations(lowered, met_gpus))

    def cut(self, block_of_job: Ints) -> Blocks:
        """Cut the program into the blocks of the jobs."""
        return cut(self.arrays, blocks_of_columns(self.lowered, self.lots, block_of_job))

    def paid_by_keepers(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return prices by which slots are paid for where they are kept, not where they are used.

        To a linear relaxation, in which groups keep parts of domains, both are the same.
        """
        together, paid = self.lowered.together, prices.copy()
        if len(together):
            for limits in self.lowered.limits:
                form = self.lots.compiled.forms[limits.form]
                if isinstance(form, GroupPresence | Packing) and limits.rows[0] != together[0]:
                    paid[limits.rows] = 0.0
                    np.add.at(paid, together[limits.of_form], prices[limits.rows])
        return paid

    @property
    def without_sums(self) -> Arrays:
        """The program without the rows that add up limits: its prices are others."""
        row_high = self.arrays.row_high.copy()
        row_high[self.lowered.sums] = FREE
        return replace(self.arrays, row_high=row_high)

    def point(self, shards: Shards) -> Ints:
        """Return the solution that stands for a plan of the problem."""
        return self.lowered.point(self.lots.plan(shards))


def with_obligations(lowered: Lowered, met_gpus: int) -> Arrays:
    """Return the program in which at least so many firm GPUs are met."""
    if met_gpus <= 0:
        return lowered.arrays
    columns = np.flatnonzero(lowered.firm)
    return lowered.arrays.with_row(columns, lowered.firm[columns], met_gpus)


def owed_gpus(compiled: Compiled) -> int:
    """Return the GPUs of all firm obligations."""
    costs = (form for form in compiled.forms if isinstance(form, AssignmentCost))
    return sum(int(form.firm_gpus @ compiled.units.counted_most) for form in costs)


def in_blocks(block_of_job: Ints) -> Bools:
    """Return which jobs belong to a block, (J,)."""
    return np.asarray(block_of_job != NONE)
