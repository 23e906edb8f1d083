"""HiGHS on the class program: racks that are alike are one; its solution is laid out by rack."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from ortools.math_opt.python import mathopt

from benchmarks.baselines import first_fit
from benchmarks.baselines.best_fit import fewest_free_slots
from benchmarks.baselines.greedy import Greedy
from benchmarks.baselines.layout import Layout
from benchmarks.baselines.programs import keeping_obligations
from benchmarks.baselines.task import Task
from benchmarks.baselines.work_order import by_value_density, firm_gpus
from kernels.forms import Ints
from scheduler.planner.classes import Classes, alike_racks
from scheduler.planner.lowering import Lowered, lower
from scheduler.planner.program import Arrays
from scheduler.planner.solvers.linear_model import linear_model

MOST_PAIRS = 200_000  # (job, class) pairs; racks get coarser classes above
RACKS_PER_CLASS = 2  # at least, on average
SOLVING = 0.85  # of the time left; the rest lays the solution out


def plan(task: Task) -> str:
    """Hand first fit's plan in, solve from there, and hand in what the solution becomes."""
    first_fit.plan(task)
    compiled = task.compiled
    affordable = min(compiled.num_racks // RACKS_PER_CLASS, MOST_PAIRS // max(1, compiled.num_jobs))
    classes = alike_racks(compiled, max(1, affordable))
    if task.best is None or task.out_of_time():
        return "no time left to solve"
    lowered = lower(compiled, classes)
    about = f"{classes.count} classes, {lowered.arrays.num_columns:,} variables"
    arrays = keeping_obligations(lowered, compiled, task.best)
    x, said = _solve(arrays, lowered.point(task.best), task)
    if x is not None:
        task.offer(_laid_out(task, lowered, x).shards())
    return f"{about}: {said}"


def _solve(arrays: Arrays, start: Ints, task: Task) -> tuple[Ints | None, str]:
    """Return HiGHS's solution, if it has one, and the status that it ended with."""
    model = linear_model(arrays, integer=True)
    columns = list(model.variables())
    values = zip(columns, start.tolist(), strict=True)
    hint = mathopt.SolutionHint(variable_values={column: float(v) for column, v in values})
    result = mathopt.solve(
        model,
        mathopt.SolverType.HIGHS,
        params=mathopt.SolveParameters(
            time_limit=timedelta(seconds=max(0.1, task.left_s * SOLVING)),
            random_seed=task.seed % 2**31,
        ),
        model_params=mathopt.ModelSolveParameters(solution_hints=[hint]),
    )
    status = result.termination.reason.name.lower().replace("_", " ")
    if not result.has_primal_feasible_solution():
        return None, status
    return np.rint(np.array(result.variable_values(columns))).astype(np.int64), status


def _laid_out(task: Task, lowered: Lowered, x: Ints) -> Layout:
    """Lay a solution out rack by rack, firm and large jobs first; then fill up by best fit."""
    layout, units = Layout(task.compiled), lowered.units(x)
    asked, firm = units.sum(axis=1), firm_gpus(task.compiled) == 0
    for job in np.lexsort((-asked, firm)).tolist():
        if asked[job]:
            _lay_out(layout, lowered.classes, job, units[job])
    greedy = Greedy(task.compiled, fewest_free_slots)
    greedy.insert(layout, by_value_density(task.compiled), task.out_of_time)
    return layout


def _lay_out(layout: Layout, classes: Classes, job: int, per_class: Ints) -> None:
    """Place a job class by class, racks that take most first; all of it or nothing."""
    fits = np.where(per_class[classes.of_rack] > 0, layout.fit(job), 0)
    label = layout.places(job)
    if label is not None:
        room = np.bincount(label, fits)
        fits[label != room.argmax()] = 0
    for rack_class in np.flatnonzero(per_class).tolist():
        racks = classes.members[rack_class]
        order = racks[np.lexsort((-fits[racks], -layout.own_racks(job)[racks]))]
        layout.fill(job, order[fits[order] > 0].tolist(), int(per_class[rack_class]))
    if layout.total[job] < max(1, int(layout.compiled.units.least[job])):
        layout.remove(job)
