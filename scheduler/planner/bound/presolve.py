"""Jobs that have no choice in any plan as good as the best one are fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import AssignmentCost, Bools, Compiled, GroupCount, Ints, Shards
from scheduler.planner.restrict import Part, restrict

FEW_RACKS = 4


@dataclass(frozen=True, eq=False)
class Presolved:
    """The part of a problem that is left, and what is fixed."""

    part: Part
    fixed: Shards


def presolve(compiled: Compiled, *, met_all: bool) -> Presolved:
    """Fix firm jobs that are placed whole, on the one rack that they may lie on.

    With `met_all`, only plans that meet every firm obligation are of interest: in these, such a
    job lies there with all its units. The part is relaxed: it bounds every plan of interest.
    """
    rack = only_rack(compiled)
    fixes = np.flatnonzero((rack >= 0) & must_be_whole(compiled) & met_all)
    fixed = Shards.build(fixes, rack[fixes], compiled.units.most[fixes])
    free = np.setdiff1d(np.arange(compiled.num_jobs), fixes)
    return Presolved(
        restrict(compiled, free, np.arange(compiled.num_racks), fixed, relaxed=True), fixed
    )


def only_rack(compiled: Compiled) -> Ints:
    """Return the only rack on which each job may lie, -1 if there are several or none, (J,)."""
    costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
    only = np.full(compiled.num_jobs, -1)
    narrow = np.zeros(compiled.num_jobs, bool)
    for form in costs:  # cheap: only jobs that some form alone binds to few racks are looked at
        racks = np.bincount(form.kind_of_rack, minlength=form.allowed.shape[1])
        narrow |= form.allowed @ racks <= FEW_RACKS
    for job in np.flatnonzero(narrow).tolist():
        allowed = np.ones(compiled.num_racks, bool)
        for form in costs:
            allowed &= form.allowed[job, form.kind_of_rack]
        racks = np.flatnonzero(allowed)
        if len(racks) == 1:
            only[job] = racks[0]
    return only


def must_be_whole(compiled: Compiled) -> Bools:
    """Return which firm jobs need all the units that they may have, (J,)."""
    units = compiled.units
    firm = np.zeros(compiled.num_jobs, bool)
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            firm |= form.firm_gpus > 0
    survives = np.zeros(compiled.num_jobs, bool)
    for form in compiled.forms:
        if isinstance(form, GroupCount):
            survives |= form.survives
    return np.asarray(firm & ~survives & (units.counted_most + units.held_back == units.most))
