"""What each job is worth beyond the room that it takes, at the prices of a bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Ints
from scheduler.planner.bound.outline import Outline
from scheduler.planner.lots import FINER
from scheduler.planner.restrict import Part
from scheduler.planner.solvers.weak_duality import PRICE_SCALE, reduced


def profit_of_jobs(
    outline: Outline, part: Part, num_jobs: int, prices: Ints
) -> NDArray[np.float64]:
    """Return mills per hour of each whole job, where it is worth most; (J,), 0 of fixed jobs.

    Parameters
    ----------
    prices
        Of the outline's rows, in 1/PRICE_SCALE.
    """
    lowered, lots = outline.lowered, outline.lots
    worth = reduced(outline.arrays, _without_jobs(outline, prices))[lowered.column]
    best = np.full(lots.compiled.num_jobs, -np.inf)
    np.maximum.at(best, lowered.job, worth.astype(np.float64) / PRICE_SCALE / FINER)
    best[np.isinf(best)] = 0.0
    profit = np.zeros(num_jobs)
    profit[part.jobs] = best[lots.of_job] * part.compiled.units.most * lots.slots
    return profit


def _without_jobs(outline: Outline, prices: Ints) -> Ints:
    """Return prices with those set to 0 of rows that only say how large one job is."""
    job_of_column = np.full(outline.arrays.num_columns, NONE)
    job_of_column[outline.lowered.column] = outline.lowered.job
    row = np.repeat(np.arange(outline.arrays.num_rows), np.diff(outline.arrays.start))
    job = job_of_column[outline.arrays.column]
    least = np.full(outline.arrays.num_rows, np.iinfo(np.int64).max)
    most = np.full(outline.arrays.num_rows, NONE)
    np.minimum.at(least, row, job)
    np.maximum.at(most, row, job)
    return np.where((least == most) & (most != NONE), 0, prices)
