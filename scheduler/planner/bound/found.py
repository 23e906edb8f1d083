"""A decomposition that was run, of what, and the prices that it begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.planner.bound.columns import Decomposition
from scheduler.planner.bound.outline import Outline
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.weak_duality import PRICE_SCALE


@dataclass(frozen=True, eq=False)
class Found:
    """A decomposition, and of what."""

    outline: Outline
    columns: Decomposition
    names: tuple[str, ...]  # of the blocks

    @cached_property
    def prices(self) -> Ints:
        """The best prices, of all rows of the outline, in 1/PRICE_SCALE."""
        prices = np.zeros(self.outline.arrays.num_rows, np.int64)
        if self.columns.best is not None:
            exact = np.rint(self.columns.best.prices * PRICE_SCALE)
            prices[self.columns.blocks.rest_rows] = exact.astype(np.int64)
        return prices


def first_prices(
    outline: Outline,
    columns: Decomposition,
    prices: NDArray[np.float64],
    stop: Callable[[], bool],
) -> list[NDArray[np.float64]]:
    """Return prices to begin with: those of the relaxation, and without sums of limits.

    A relaxation may have power dear and slots for nothing, or the other way round; to groups
    that keep domains whole, it is not the same.
    """
    found = [prices]
    if len(outline.lowered.sums):
        limit_s = columns.left_s() / 4
        apart = solve_relaxed(outline.without_sums, time_limit_s=limit_s, stop=stop)
        if apart is not None:
            found.append(apart.prices)
    return [outline.paid_by_keepers(each)[columns.blocks.rest_rows] for each in found]
