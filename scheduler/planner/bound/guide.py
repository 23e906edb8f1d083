"""What the bound's own solution says to whoever constructs a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Bools, GroupPresence, Ints
from scheduler.planner.bound.outline import Outline
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.classes import Classes
from scheduler.planner.lots import FINER
from scheduler.planner.restrict import Part
from scheduler.planner.solvers.weak_duality import PRICE_SCALE, reduced

WHOLE = 1 - 1e-6  # share of a job from which on it counts as placed


@dataclass(frozen=True, eq=False)
class Guide:
    """A relaxed solution, job by job. Jobs that are fixed count as selected."""

    selected: Bools  # (J,)
    reduced: NDArray[np.float64]  # (J,) mills of the whole job beyond what its room is worth
    domains: dict[tuple[int, int], int]  # (form, group) in the problem left: domains it keeps
    classes: Classes  # of all racks
    job: Ints  # (N,) units of the solution: so many of a job on a class
    rack_class: Ints  # (N,)
    units: NDArray[np.float64]  # (N,)


def make_guide(
    outline: Outline, part: Part, num_jobs: int, x: NDArray[np.float64], prices: Ints
) -> Guide:
    """Read a solution `x` of the outline; `prices` of its rows in 1/PRICE_SCALE."""
    lowered, lots = outline.lowered, outline.lots
    units = part.compiled.units.most * lots.slots  # of its lot that each job is
    worth = reduced(outline.arrays, _without_jobs(outline, prices))[lowered.column]
    best = np.full(lots.compiled.num_jobs, -np.inf)
    np.maximum.at(best, lowered.job, worth.astype(np.float64) / PRICE_SCALE / FINER)
    best[np.isinf(best)] = 0.0
    profit = best[lots.of_job] * units
    placed = np.bincount(lowered.job, x[lowered.column], lots.compiled.num_jobs).astype(float)
    share = _shares(lots.of_job, units, profit, placed)
    selected, beyond = np.ones(num_jobs, bool), np.zeros(num_jobs)
    selected[part.jobs], beyond[part.jobs] = share >= WHOLE, profit
    some = np.flatnonzero(x[lowered.column] > 1e-6)
    lot = lowered.job[some]
    single = lots.job_of_lot[lot] != NONE
    some, lot = some[single], lot[single]
    return Guide(
        selected,
        beyond,
        _domains(outline, x),
        lowered.classes,
        part.jobs[lots.job_of_lot[lot]],
        lowered.rack_class[some],
        x[lowered.column[some]],
    )


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


def _shares(
    lot: Ints, units: Ints, profit: NDArray[np.float64], placed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Deal what is placed of each lot to its jobs, the most profitable slot first; (J,) shares."""
    order = np.lexsort((-profit / np.maximum(units, 1), lot))
    before = np.cumsum(units[order]) - units[order]
    first = np.searchsorted(lot[order], lot[order])
    left = placed[lot[order]] - (before - before[first])
    share = np.empty(len(lot))
    share[order] = np.clip(left / np.maximum(units[order], 1), 0.0, 1.0)
    return share


def _domains(outline: Outline, x: NDArray[np.float64]) -> dict[tuple[int, int], int]:
    """Return how many domains each exclusive group keeps."""
    found: dict[tuple[int, int], int] = {}
    for position, present in outline.lowered.present.items():
        form = outline.lots.compiled.forms[position]
        assert isinstance(form, GroupPresence)
        count = np.bincount(present.group, x[present.column], len(form.group_names))
        for group in np.flatnonzero(exclusive_groups(form) & (count > 0.5)).tolist():
            found[position, group] = int(np.rint(count[group]))
    return found
