"""Values, obligations and moves. Costs stand on the placement columns already."""

from __future__ import annotations

import numpy as np

from kernels.forms import AssignmentCost
from scheduler.planner.lowering.draft import Draft


def lower_assignment_cost(draft: Draft, form: AssignmentCost) -> None:
    """Let what counts earn its value and meet obligations; let what stays save its move."""
    draft.program.constant -= form.base_mills
    plain = np.array([j not in draft.counted for j in range(draft.compiled.num_jobs)], bool)
    of_plain = plain[draft.job]
    draft.program.gain(draft.x[of_plain], form.value_mills[draft.job[of_plain]])
    draft.firm.append((draft.x[of_plain], form.firm_gpus[draft.job[of_plain]]))
    special = np.array(list(draft.counted), np.int64)
    columns = np.array([column for column, _ in draft.counted.values()], np.int64)
    draft.program.gain(columns, form.value_mills[special])
    draft.firm.append((columns, form.firm_gpus[special]))
    _moves(draft, form)


def _moves(draft: Draft, form: AssignmentCost) -> None:
    """Units that stay at home save their move."""
    if not len(form.home_job):
        return
    draft.program.constant -= int(form.home_units @ form.move_mills)
    column_of = np.full((draft.compiled.num_jobs, draft.classes.count), -1)
    column_of[draft.job, draft.rack_class] = draft.x
    home_class = draft.classes.of_rack[form.home_rack]
    pairs, index = np.unique(np.stack([form.home_job, home_class]), axis=1, return_inverse=True)
    homes = np.bincount(index.ravel(), form.home_units).astype(np.int64)
    price = np.zeros(pairs.shape[1], np.int64)
    np.maximum.at(price, index.ravel(), form.move_mills)
    job, rack_class = pairs
    there = column_of[job, rack_class] >= 0
    job, rack_class, homes, price = job[there], rack_class[there], homes[there], price[there]
    stay = draft.program.columns(len(job), high=homes, gain=price)
    draft.blocks.append((stay, lambda u: np.minimum(homes, u[job, rack_class])))
    rows = draft.program.rows(len(job), high=0)
    draft.program.entries(rows, stay, 1)
    draft.program.entries(rows, column_of[job, rack_class], -1)
