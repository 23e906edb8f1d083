"""How large the changes of a move can be, and whether they fit one integer."""

from __future__ import annotations

import numpy as np

from kernels.forms import Ints
from kernels.parts.changes import Packing3
from kernels.sweep.plan_state import PlanState

SUMMANDS = 4  # a row, what leaves, and near and far overlaps each reach the largest change at most


def packing_of(state: PlanState) -> Packing3 | None:
    """Return how changes are packed, None if they could leave 64 bits.

    The digits need room for what one candidate changes on one rack; sums of parts may borrow
    from each other, for packed numbers are added before they are taken apart.
    """
    packing = Packing3(most_unmet=_most_unmet(state), most_margin=_most_margin(state))
    return packing if packing.holds(SUMMANDS * _most_violation(state)) else None


def _most_unmet(state: PlanState) -> int:
    """Return the most firm GPUs that one move meets or loses.

    Moving u units changes the worst loss by u at most, and a total by u at most.
    """
    candidates = state.candidates
    return _largest(
        np.where(state.survivors, state.survival.firm[candidates.job], 0) * _moved(state)
    )


def _most_margin(state: PlanState) -> int:
    """Return the most mills that one move earns or costs."""
    candidates = state.candidates
    value = np.where(state.survivors, state.survival.value[candidates.job], 0)
    most = _largest(value * _moved(state))
    for presence in state.presences:
        most += _largest(presence.form.price_mills)
    for assignment in state.assignments:
        per_unit = np.abs(assignment.form.cost_mills).max(axis=1, initial=0)[candidates.job]
        most += _largest(per_unit * candidates.units)
        most += _largest(assignment.move_mills) * _largest(candidates.units)
    return most


def _most_violation(state: PlanState) -> int:
    """Return the largest violation that one move adds or takes away."""
    candidates = state.candidates
    most = state.loads.most_violation
    most += _largest(candidates.units) * len(state.assignments)
    for bins in state.bins:
        size = bins.form.size.max(axis=1, initial=0)[candidates.job]
        most += _largest(size * candidates.units)
    for presence in state.presences:
        most += len(presence.form.max_domains) + 1
    for counts in state.counts:
        most += _largest(candidates.units) * _largest(np.diff(counts.start))
    return most


def _moved(state: PlanState) -> Ints:
    """Return twice the units of every candidate, (N,)."""
    return 2 * state.candidates.units


def _largest(values: Ints) -> int:
    return int(np.abs(values).max(initial=0))
