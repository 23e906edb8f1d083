"""Where a bound and a plan differ, to the last mill.

At prices y, with the plan as the solution x of the outline, the bound less the plan's worth is

    ``sum_i y_i (b_i - a_i x) + sum over other columns of (max - r_c x_c) + sum_g (z_g - r_g x_g)``

that is: priced room left empty, jobs that the bound places better, groups that it places better.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, Ints, LinearLoad, Shards
from scheduler.planner.bound.columns import Lagrangian
from scheduler.planner.bound.outline import Outline
from scheduler.planner.bound.prices import between
from scheduler.planner.bound.pricing import worth
from scheduler.planner.decompose import Blocks
from scheduler.planner.lots import FINER
from scheduler.planner.restrict import Part
from scheduler.planner.solvers.weak_duality import PRICE_SCALE, most_in_box, weigh
from scheduler.planner.worth import GapPart

MILL = PRICE_SCALE * FINER
ROUNDING = ("rounding", "lots, classes, and what else was proven")


@dataclass(frozen=True, eq=False)
class Account:
    """All that is needed to split the gap of any plan."""

    part: Part
    outline: Outline
    blocks: Blocks
    block_names: tuple[str, ...]
    lagrangian: Lagrangian
    bound_mills: int  # the bound in the end, perhaps by a tighter proof

    def split(self, shards: Shards, margin_mills: int) -> tuple[GapPart, ...]:
        """Return the parts of ``bound - margin`` of a plan, the largest first."""
        parts = [GapPart(*key, mills) for key, mills in self._mills(shards).items() if mills]
        rounding = self.bound_mills - margin_mills - sum(part.mills for part in parts)
        if rounding:
            parts.append(GapPart(*ROUNDING, rounding))
        return tuple(sorted(parts, key=lambda part: -part.mills))

    def _mills(self, shards: Shards) -> Counter[tuple[str, str]]:
        x = self.outline.point(self.part.to_part(shards))
        found: Counter[tuple[str, str]] = Counter()
        for names, values in (self._unused(x), self._jobs(x), self._groups(x)):
            for name, value in zip(names, values, strict=True):
                found[name] += value
        return Counter({name: int(value // MILL) for name, value in found.items()})

    def _unused(self, x: Ints) -> tuple[list[tuple[str, str]], list[int]]:
        """Return the priced room of every row that `x` leaves empty."""
        arrays, rows = self.outline.arrays, self.blocks.rest_rows
        prices = weigh(self.blocks.rest, self.lagrangian.prices).prices
        row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
        used = np.zeros(arrays.num_rows, np.int64)
        np.add.at(used, row, arrays.value * x[arrays.column])
        side = np.where(prices > 0, arrays.row_high[rows], arrays.row_low[rows])
        priced = np.flatnonzero(prices)
        empty = (side - used[rows])[priced].astype(object) * prices[priced].astype(object)
        names = self._row_names()
        return [("unused", names.get(i, "")) for i in rows[priced].tolist()], empty.tolist()

    def _row_names(self) -> dict[int, str]:
        """Return in words what the rows of limits limit."""
        names: dict[int, str] = {}
        for limits in self.outline.lowered.limits:
            form = self.outline.lots.compiled.forms[limits.form]
            for row in np.unique(limits.rows).tolist():
                members = limits.of_form[limits.rows == row].tolist()
                subject = "slots"
                if isinstance(form, LinearLoad):
                    subject = between([form.subject[at] for at in members])
                names[row] = f"{form.term}: {subject}"
        return names

    def _jobs(self, x: Ints) -> tuple[list[tuple[str, str]], list[int]]:
        """Return what the bound places better of each lot outside the blocks."""
        rest, lots = self.blocks.rest, self.outline.lots
        reduced = weigh(rest, self.lagrangian.prices).reduced
        mine = x[self.blocks.rest_columns]
        better = most_in_box(reduced, rest.low, rest.high) - reduced.astype(object) * mine.astype(
            object
        )
        lot = np.full(self.outline.arrays.num_columns, NONE)
        lot[self.outline.lowered.column] = self.outline.lowered.job
        lot[self.outline.lowered.active] = self.outline.lowered.gangs
        names = [
            ("job", lots.compiled.job_names[n]) if n != NONE else ROUNDING
            for n in lot[self.blocks.rest_columns].tolist()
        ]
        return names, better.tolist()

    def _groups(self, x: Ints) -> tuple[list[tuple[str, str]], list[int]]:
        """Return what the bound places better of each group."""
        prices = weigh(self.blocks.rest, self.lagrangian.prices).prices[self.blocks.coupling]
        better = []
        for block, most in zip(self.blocks.blocks, self.lagrangian.of_blocks, strict=True):
            mine = x[block.columns].astype(object)
            better.append(most - int((worth(block, prices).astype(object) * mine).sum()))
        names = self.block_names[: len(better)]  # groups behind the last one with columns have none
        return [("group", name) for name in names], better
