"""Limits that classes of racks do not tell apart, added up.

A class of which a row holds some racks only may lie outside of it, so the row says nothing about
the class: four feeds of a quarter of the site each leave a class of all racks free. Added up, they
do not. For rows I and classes k,

    ``sum_k w_k load_k <= sum over i in I of limit_i``,  w_k = min over racks r of k of sum_i w[i,r]

Rows are added up that hold about as many racks (a feed of a hall with those of other halls, not
with the site's) and meet, directly or not, in a class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kernels.forms import UNLIMITED, Bools, Ints, LinearLoad
from scheduler.planner.classes import Classes
from scheduler.planner.loads import most_load_per_rack
from scheduler.planner.lowering.draft import COEFFICIENT, Draft, LimitRows

WIDER = 1.6  # times as many racks make a row one of another kind


class LoadSum(NamedTuple):
    """A few rows of a form, added up."""

    members: Ints  # rows of the form
    weight: Ints  # (C,) of each class, 0 where the rows say nothing
    limit: int


def add_load_sums(draft: Draft, form: LinearLoad, demand: Ints, torn: Bools) -> None:
    """Add a row for every sum, over placements: a column for the load would need a price too.

    `demand` (X,) is that of a unit of every placement column.
    """
    for each in load_sums(form, draft.classes, torn, most_load_per_rack(form, draft.compiled)):
        drawn = each.weight[draft.rack_class] * demand
        some = np.flatnonzero(drawn > 0)
        if not len(some):
            continue
        scale = -(-int(drawn.max()) // COEFFICIENT)
        row = draft.program.rows(1, high=-(-each.limit // scale))
        draft.sums.append(int(row[0]))
        rows = np.full(len(each.members), row[0])
        draft.limits.append(LimitRows(id(form), each.members, rows, scale))
        draft.program.entries(np.full(len(some), row[0]), draft.x[some], drawn[some] // scale)


def load_sums(form: LinearLoad, classes: Classes, torn: Bools, most: Ints) -> list[LoadSum]:
    """Return sums of rows that tear classes apart, as far as they can bind.

    Parameters
    ----------
    torn
        (I,) rows that hold some racks of a class and leave others out.
    most
        (R,) more than this no rack draws: a row cannot let through more than its racks draw.
    """
    rows = form.rows
    room = np.minimum(np.maximum(form.limit, form.base) - form.base, rows.dot(most))
    sums = []
    for members in _alike(form, classes, np.flatnonzero(torn & (form.limit < UNLIMITED))):
        inside = np.isin(rows.row, members)
        at_rack = np.zeros(len(classes.of_rack), np.int64)
        np.add.at(at_rack, rows.rack[inside], rows.weight[inside])
        weight = np.full(classes.count, UNLIMITED)
        np.minimum.at(weight, classes.of_rack, at_rack)
        limit = int(room[members].sum())
        if int(weight[classes.of_rack] @ most) > limit:
            sums.append(LoadSum(members, weight, limit))
    return sums


def _alike(form: LinearLoad, classes: Classes, chosen: Ints) -> list[Ints]:
    """Part rows: in one part those that hold about as many racks and have classes in common."""
    width = np.diff(form.rows.start)
    order = chosen[np.argsort(width[chosen], kind="stable")]
    width = width[order]
    cuts = np.flatnonzero(width[1:] > WIDER * width[:-1]) + 1
    parts = []
    for rows in np.split(order, cuts):
        meeting = _first_class(form, classes, rows)
        parts += [np.sort(rows[meeting == each]) for each in np.unique(meeting)]
    return parts


def _first_class(form: LinearLoad, classes: Classes, rows: Ints) -> Ints:
    """Return the same class for rows that meet, directly or by way of others."""
    inside = np.isin(form.rows.row, rows)
    row, rack_class = form.rows.row[inside], classes.of_rack[form.rows.rack[inside]]
    leader = np.arange(classes.count)
    met = np.full(form.rows.num_rows, -1)
    for one, other in np.unique(np.stack((row, rack_class)), axis=1).T.tolist():
        if met[one] < 0:
            met[one] = other
        else:
            leader[leader == leader[other]] = leader[met[one]]
    return np.asarray(leader[met[rows]])
