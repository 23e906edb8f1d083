"""From forms to an integer program over (job, rack class): one file for each form.

Every row is implied by the forms, so with any classes the optimum bounds every plan; with every
rack a class of its own (`Classes.is_exact`) the program and the forms say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from kernels.forms import (
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Ints,
    LinearLoad,
    Packing,
    Shards,
)
from scheduler.planner.classes import Classes
from scheduler.planner.lowering.assignment_cost import lower_assignment_cost
from scheduler.planner.lowering.draft import Draft, LimitRows, Point, PointByRack, Present
from scheduler.planner.lowering.group_count import lower_group_count
from scheduler.planner.lowering.group_presence import lower_group_presence
from scheduler.planner.lowering.kept_loads import limit_kept_loads
from scheduler.planner.lowering.kept_together import keep_together
from scheduler.planner.lowering.linear_load import lower_linear_load
from scheduler.planner.lowering.packing import lower_packing
from scheduler.planner.lowering.patterns import lower_patterns
from scheduler.planner.lowering.survival import lower_survival
from scheduler.planner.lowering.units import lower_units
from scheduler.planner.lowering.whole_gangs import lower_whole_gangs
from scheduler.planner.program import Arrays


@dataclass(frozen=True, eq=False)
class Lowered:
    """A finished program and how to read it."""

    classes: Classes
    arrays: Arrays
    firm: Ints  # (columns,) GPUs of firm obligation per unit of a column
    job: Ints  # (X,) job of each placement column
    rack_class: Ints  # (X,)
    column: Ints  # (X,) placement columns
    gangs: Ints  # (N,) jobs that are placed with so many units, or not at all,
    active: Ints  # (N,) and the columns that say which
    blocks: tuple[tuple[Ints, Point], ...]
    blocks_by_rack: tuple[tuple[Ints, PointByRack], ...]
    num_jobs: int
    present: dict[int, Present]  # by position of the form among the problem's forms
    limits: tuple[LimitRows, ...] = ()
    together: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # see `kept_together`
    sums: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # rows, see `load_sums`

    def units(self, x: Ints) -> Ints:
        """Return the units per (job, class) of a solution, (J, C)."""
        units = np.zeros((self.num_jobs, self.classes.count), np.int64)
        units[self.job, self.rack_class] = x[self.column]
        return units

    def point(self, shards: Shards) -> Ints:
        """Return the solution that stands for a plan, for use as a start."""
        units = np.zeros((self.num_jobs, self.classes.count), np.int64)
        np.add.at(units, (shards.job, self.classes.of_rack[shards.rack]), shards.units)
        x = np.zeros(self.arrays.num_columns, np.int64)
        x[self.column] = units[self.job, self.rack_class]
        for columns, values in self.blocks:
            x[columns] = values(units)
        for columns, values_by_rack in self.blocks_by_rack:
            x[columns] = values_by_rack(shards)
        return np.clip(x, self.arrays.low, self.arrays.high)


def lower(
    compiled: Compiled,
    classes: Classes,
    also: Callable[[Draft], None] | None = None,
    *,
    by_kind: bool = False,
) -> Lowered:
    """Lower every form of `compiled` onto `classes`; `also` may then add to the program.

    With `by_kind`, domains that classes do not tell apart are told apart by what they hold, where
    groups keep them: a tighter relaxation, with more columns for solvers to decide.
    """
    draft = Draft.begin(compiled, classes, by_kind=by_kind)
    lower_units(draft)
    for form in compiled.forms:
        match form:
            case AssignmentCost():
                lower_assignment_cost(draft, form)
            case Packing():
                lower_packing(draft, form)
            case GroupCount():
                lower_group_count(draft, form)
            case GroupPresence():
                lower_group_presence(draft, form)
            case LinearLoad():
                lower_linear_load(draft, form)
    if by_kind:
        keep_together(draft)
        limit_kept_loads(draft)
    lower_whole_gangs(draft)
    lower_survival(draft)
    lower_patterns(draft)
    if also is not None:
        also(draft)
    firm = np.zeros(draft.program.num_columns, np.int64)
    for columns, values in draft.firm:
        np.add.at(firm, columns, values)
    position = {id(form): i for i, form in enumerate(compiled.forms)}
    return Lowered(
        classes,
        draft.program.finish(),
        firm,
        draft.job,
        draft.rack_class,
        draft.x,
        draft.gangs,
        draft.active,
        tuple(draft.blocks),
        tuple(draft.blocks_by_rack),
        compiled.num_jobs,
        {
            i: draft.present[id(form)]
            for i, form in enumerate(compiled.forms)
            if id(form) in draft.present
        },
        tuple(replace(each, form=position[each.form]) for each in draft.limits),
        draft.together,
        np.array(draft.sums, np.int64),
    )
