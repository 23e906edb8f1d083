"""The most IT power that any plan of the work draws, proven."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kernels.forms import (
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Ints,
    Units,
)
from scheduler import planner
from scheduler.it_power import standing_w
from scheduler.model import Plan, Problem
from scheduler.terms.base import Terrain

if TYPE_CHECKING:
    from scheduler.topology import Topology


def drawable_w(
    problem: Problem, plan: Plan, compiled: Compiled, topology: Topology, *, time_limit_s: float
) -> int:
    """Return a proven bound: no plan of this work that keeps every limit draws more IT power.

    ``standing + max sum_{j, r} peak_w[j, r] * x[j, r]`` over the linear relaxation of all limits:
    power in every state, cooling, slots, isolation, and what is asked for, which is for every job
    ``max(promised + spares, units in plan)``. So it is at least ``planned_w`` of `plan`, if that
    keeps the limits. Firm power beyond it has no use: racks, or work for them, are too few.

    Parameters
    ----------
    plan
        What it holds of a contract on top of promise and spares, to survive a loss, is asked for;
        more than that would draw power for nothing.
    compiled
        The forms of `problem`.
    time_limit_s
        Of the linear program. A bound that it was too short for is weak, not wrong.
    """
    terrain = Terrain(problem, topology)
    peak_w = terrain.demand(problem.peak_w)
    most_w = peak_w.max(axis=1, initial=0)
    drawn = AssignmentCost(
        term="it_power",
        kind_of_rack=terrain.type_of_rack,
        cost_mills=most_w[:, None] - peak_w,  # never negative
        allowed=np.ones(peak_w.shape, bool),
        value_mills=most_w,
        firm_gpus=np.zeros_like(most_w),
        base_mills=-standing_w(problem),
    )
    placed = np.array([plan.placed_units(name) for name in compiled.job_names], np.int64)
    return planner.most(_earning_only(compiled, drawn, placed), time_limit_s=time_limit_s)


def _earning_only(compiled: Compiled, money: AssignmentCost, placed: Ints) -> Compiled:
    """Return the problem in which every unit placed counts, and nothing else is worth anything."""
    units = compiled.units
    asked = np.minimum(units.most, np.maximum(units.counted_most + units.held_back, placed))
    return replace(
        compiled,
        units=Units(units.least, asked, asked, np.zeros_like(asked)),
        forms=(*map(_without_money, compiled.forms), money),
    )


def _without_money(form: Form) -> Form:
    match form:
        case AssignmentCost():
            return AssignmentCost.prohibition(form.term, form.kind_of_rack, form.allowed)
        case GroupPresence():
            return replace(form, price_mills=np.zeros_like(form.price_mills))
        case GroupCount():
            return replace(form, survives=np.zeros_like(form.survives))
        case _:
            return form
