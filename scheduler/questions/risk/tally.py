"""From moments to months: how long limits are exceeded, and whose failure does the harm."""

from __future__ import annotations

import numpy as np

from kernels.forms import Bools, Ints
from scheduler.questions.risk.actions import Overloads
from scheduler.questions.risk.effects import Effects
from scheduler.questions.risk.limits import KINDS
from scheduler.questions.risk.moments import Moments
from scheduler.questions.risk.months import NOTHING
from scheduler.questions.risk.outcome import Details, Sparse, Subject
from scheduler.questions.risk.service import mills


def seconds_by_kind(moments: Moments, overloads: Overloads, chosen: Bools) -> Ints:
    """Return the time in which a limit of each kind is exceeded, (K, N).

    `chosen` says which overloads count, (O,).
    """
    kind = np.array([KINDS.index(limit.kind) for limit in overloads.limits], np.int64)
    is_over = np.zeros((len(KINDS), len(moments.month)), bool)
    is_over[kind[overloads.limit[chosen]], overloads.moment[chosen]] = True
    return moments.per_month(is_over * moments.seconds)


def details_of(moments: Moments, overloads: Overloads, effects: Effects) -> Details:
    """Return which components are overloaded, and what harm comes from whose failure."""
    numbers: dict[Subject, int] = {}
    subject = np.array(
        [numbers.setdefault((x.kind, x.subject), len(numbers)) for x in overloads.limits],
        np.int64,
    )

    def seconds(chosen: Bools) -> Sparse:
        moment = overloads.moment[chosen]
        who = subject[overloads.limit[chosen]]
        return _in_order(who, moments.month[moment], moments.seconds[moment])

    return Details(
        tuple(numbers),
        called_s=seconds(np.ones(len(overloads.moment), bool)),
        over_s=seconds(overloads.remains),
        harm_mills=_blame(moments, effects),
    )


def _blame(moments: Moments, effects: Effects) -> Sparse:
    """Share the harm of every outage evenly among the sources that are out."""
    in_outage = slice(moments.num_months, None)
    harm = effects.numbers("harm_mills")[in_outage] * moments.seconds[in_outage]
    is_out = moments.out != NOTHING
    row, place = np.nonzero(is_out & (harm > 0)[:, None])
    share = mills(harm)[row] // is_out.sum(axis=1)[row]
    return _in_order(moments.out[row, place], moments.month[in_outage][row], share)


def _in_order(number: Ints, month: Ints, value: Ints) -> Sparse:
    order = np.argsort(month, kind="stable")
    return Sparse(number[order], month[order], value[order])
