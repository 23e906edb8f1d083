"""The program under construction: its placement columns, and what every lowering shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)
from scheduler.planner.classes import Classes, distinct
from scheduler.planner.lowering.cells import Cells
from scheduler.planner.lowering.kinds import Kinds
from scheduler.planner.program import Program

COEFFICIENT = 2**24  # the largest of a row over loads, for the sake of solvers

Point = Callable[[Ints], Ints]  # units per (job, class) -> values of a block of columns
PointByRack = Callable[[Shards], Ints]  # the same, of columns that count domains


@dataclass(frozen=True, eq=False)
class Present:
    """Columns that count the domains in which a group is present, by kind."""

    cells: Cells
    kinds: Kinds
    column: Ints  # (P,)
    group: Ints  # (P,)
    kind: Ints  # (P,)


@dataclass(frozen=True, eq=False)
class LimitRows:
    """Program rows that say how much of something there is."""

    form: int  # id of the form while drafting, then its position among the problem's forms
    of_form: Ints  # (N,) rows of linear loads, classes of a packing or of a presence form
    rows: Ints  # (N,)
    scale: int = 1  # units of the limit that one of the rows is


@dataclass
class Draft:
    """Placement columns ``x[i]``: units of job ``job[i]`` on rack class ``rack_class[i]``."""

    compiled: Compiled
    classes: Classes
    most: Ints  # (J, C) most units of a job on a class, 0 where it is not allowed
    job: Ints  # (X,)
    rack_class: Ints  # (X,)
    size: Ints  # (X,) slots of a unit, 0 if it takes no bins
    x: Ints  # (X,) columns
    program: Program
    by_kind: bool = False  # whether presence is counted by kind of domain
    gangs: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # jobs of 2 units or more
    active: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # columns: placed or not
    counted: dict[int, tuple[int, int | None]] = field(default_factory=dict)  # see `units`
    blocks: list[tuple[Ints, Point]] = field(default_factory=list)
    blocks_by_rack: list[tuple[Ints, PointByRack]] = field(default_factory=list)
    firm: list[tuple[Ints, Ints]] = field(default_factory=list)
    present: dict[int, Present] = field(default_factory=dict)  # by id of the form
    keepers: list[tuple[GroupPresence, Bools]] = field(default_factory=list)  # see `kept_together`
    together: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # rows, by class
    limits: list[LimitRows] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)  # rows, see `load_sums`

    @staticmethod
    def begin(compiled: Compiled, classes: Classes, *, by_kind: bool = False) -> Draft:
        """Return a program that has placement columns with their costs, and no row yet."""
        packing = compiled.packing
        costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
        most = _most_units(compiled, classes, packing, costs)
        job, rack_class = np.nonzero(most)
        cost = np.zeros(most.shape, np.int64)
        for form in costs:
            cost += least_of_class(classes, form.cost_mills, form.kind_of_rack)
        program = Program()
        x = program.columns(len(job), high=most[job, rack_class], gain=-cost[job, rack_class])
        size = _size(classes, packing, job, rack_class)
        return Draft(compiled, classes, most, job, rack_class, size, x, program, by_kind)

    def most_here(self) -> Ints:
        """Most units of every placement column, (X,)."""
        return np.asarray(self.most[self.job, self.rack_class])


def least_of_class(classes: Classes, per_kind: Ints, kind_of_rack: np.ndarray) -> Ints:
    """Return the least of `per_kind` (J, K) over the racks of each class, (J, C)."""
    least = np.full((len(per_kind), classes.count), UNLIMITED, np.int64)
    pairs, _ = distinct([classes.of_rack, kind_of_rack])
    for rack_class, kind in pairs.T:
        np.minimum(least[:, rack_class], per_kind[:, kind], out=least[:, rack_class])
    return least


def _most_units(
    compiled: Compiled, classes: Classes, packing: Packing | None, costs: list[AssignmentCost]
) -> Ints:
    most = np.repeat(compiled.units.most[:, None], classes.count, axis=1)
    if packing is not None:
        slots = packing.bins * packing.bin_size
        alike, count = distinct([classes.of_rack, packing.kind_of_rack, slots])
        room = np.zeros(most.shape, np.int64)
        for (rack_class, kind, slot), racks in zip(alike.T, count, strict=True):
            room[:, rack_class] += slot // np.maximum(packing.size[:, kind], 1) * racks
        most = np.minimum(most, room)
    for form in costs:
        allowed = np.zeros(most.shape, bool)
        pairs, _ = distinct([classes.of_rack, form.kind_of_rack])
        for rack_class, kind in pairs.T:
            allowed[:, rack_class] |= form.allowed[:, kind]
        most[~allowed] = 0
    return most


def _size(classes: Classes, packing: Packing | None, job: Ints, rack_class: Ints) -> Ints:
    if packing is None:
        return np.zeros(len(job), np.int64)
    size = least_of_class(classes, packing.size, packing.kind_of_rack)
    return np.where(packing.group_of_job[job] != NONE, size[job, rack_class], 0)
