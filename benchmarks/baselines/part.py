"""A part of a problem as one of its own: some racks, some jobs, a share of what they share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)


@dataclass(frozen=True, eq=False)
class Part:
    """Jobs and racks by their numbers in the whole problem, and the forms that hold for them."""

    jobs: Ints
    racks: Ints
    compiled: Compiled

    def to_whole(self, shards: Shards) -> Shards:
        """Return a plan of the part in the numbers of the whole problem."""
        return Shards.build(self.jobs[shards.job], self.racks[shards.rack], shards.units)


def cut(whole: Compiled, jobs: Ints, racks: Ints) -> Part:
    """Return the part of `jobs` on `racks`.

    Of the slack of a row that reaches beyond the part, it has the share of its weights, rounded
    down: so plans of parts that have no rack in common hold together.
    """
    units = whole.units
    compiled = Compiled(
        job_names=tuple(whole.job_names[j] for j in jobs),
        rack_names=tuple(whole.rack_names[r] for r in racks),
        units=Units(
            units.least[jobs], units.most[jobs], units.counted_most[jobs], units.held_back[jobs]
        ),
        forms=tuple(_cut_form(form, jobs, racks) for form in whole.forms),
    )
    return Part(jobs, racks, compiled)


def _cut_form(form: Form, jobs: Ints, racks: Ints) -> Form:
    match form:
        case AssignmentCost():
            return _cut_costs(form, jobs, racks)
        case Packing():
            return replace(
                form,
                kind_of_rack=form.kind_of_rack[racks],
                size=form.size[jobs],
                group_of_job=form.group_of_job[jobs],
                bin_size=form.bin_size[racks],
                bins=form.bins[racks],
                subject=tuple(form.subject[r] for r in racks),
            )
        case GroupPresence():
            return replace(
                form,
                domain_of_rack=form.domain_of_rack[racks],
                group_of_job=form.group_of_job[jobs],
            )
        case GroupCount():
            return replace(
                form,
                domains=_cut_rows(form.domains, racks),
                group_of_job=form.group_of_job[jobs],
                survives=form.survives[jobs],
            )
        case LinearLoad():
            return _cut_load(form, jobs, racks)


def _cut_costs(form: AssignmentCost, jobs: Ints, racks: Ints) -> AssignmentCost:
    job_of, rack_of = _numbers(jobs, len(form.cost_mills)), _numbers(racks, len(form.kind_of_rack))
    job, rack = job_of[form.home_job], rack_of[form.home_rack]
    kept = (job != NONE) & (rack != NONE)
    return replace(
        form,
        kind_of_rack=form.kind_of_rack[racks],
        cost_mills=form.cost_mills[jobs],
        allowed=form.allowed[jobs],
        value_mills=form.value_mills[jobs],
        firm_gpus=form.firm_gpus[jobs],
        home_job=job[kept],
        home_rack=rack[kept],
        home_units=form.home_units[kept],
        move_mills=form.move_mills[kept],
    )


def _cut_load(form: LinearLoad, jobs: Ints, racks: Ints) -> LinearLoad:
    rows = _cut_rows(form.rows, racks)
    ones = np.ones(len(form.kind_of_rack), np.int64)
    inside, total = rows.dot(ones[racks]).astype(object), form.rows.dot(ones).astype(object)
    slack = np.maximum(form.limit - form.base, 0).astype(object)
    share = [s * n // max(1, of) for s, n, of in zip(slack, inside, total, strict=True)]
    return replace(
        form,
        kind_of_rack=form.kind_of_rack[racks],
        demand=form.demand[jobs],
        rows=rows,
        base=np.zeros(rows.num_rows, np.int64),
        limit=np.array([min(each, UNLIMITED) for each in share], np.int64),
    )


def _cut_rows(rows: Rows, racks: Ints) -> Rows:
    """Keep the entries of `racks`, in their new numbers; rows may become empty."""
    number = _numbers(racks, int(max(rows.rack.max(initial=0), racks.max(initial=0))) + 1)
    kept = number[rows.rack] != NONE
    start = np.searchsorted(rows.row[kept], np.arange(rows.num_rows + 1))
    return Rows(start.astype(np.int64), number[rows.rack[kept]], rows.weight[kept])


def _numbers(chosen: Ints, count: int) -> Index:
    """Return the number of every one of `count` among the chosen, NONE if it is not."""
    number = np.full(count, NONE, np.int32)
    number[chosen] = np.arange(len(chosen), dtype=np.int32)
    return number
