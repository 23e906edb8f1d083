"""Everything divisible, jobs that are alike as one volume: the quickest bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Compiled
from scheduler.planner.bound.outline import Outline
from scheduler.planner.lots import FINER
from scheduler.planner.solvers import solve_relaxed
from scheduler.planner.solvers.weak_duality import most_in_box, weigh, whole

VOLUME_CLASSES = 8  # finer ones hardly change the volume's bound


@dataclass(frozen=True, eq=False)
class Volume:
    """What the linear relaxation proves."""

    mills: int  # no plan earns more
    outline: Outline
    prices: NDArray[np.float64] | None  # of the outline's rows; None if time was out


def volume(
    compiled: Compiled, met_gpus: int, *, time_limit_s: float, stop: Callable[[], bool]
) -> Volume:
    """Bound every plan that meets so many firm GPUs; by bounds of variables alone if time is out.

    Whatever prices the solver returns, they prove a bound: it is worked out from them exactly.
    """
    nothing = np.zeros(compiled.num_jobs, bool)
    outline = Outline.of(compiled, nothing, VOLUME_CLASSES, met_gpus)
    relaxed = solve_relaxed(outline.arrays, time_limit_s=time_limit_s, stop=stop)
    if relaxed is None:
        return Volume(box_bound(outline, np.zeros(outline.arrays.num_rows)), outline, None)
    return Volume(box_bound(outline, relaxed.prices), outline, relaxed.prices)


def most(compiled: Compiled, *, time_limit_s: float) -> int:
    """Return what no plan that keeps every limit earns more than, in mills per hour."""
    return volume(compiled, 0, time_limit_s=time_limit_s, stop=lambda: False).mills


def box_bound(outline: Outline, prices: NDArray[np.float64]) -> int:
    """Return the bound in mills that the prices of the outline's rows prove."""
    arrays = outline.arrays
    weighed = weigh(arrays, prices)
    boxes = int(most_in_box(weighed.reduced, arrays.low, arrays.high).sum())
    return (whole(weighed.sides + boxes) + arrays.constant) // FINER
