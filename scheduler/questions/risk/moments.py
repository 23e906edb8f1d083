"""The moments at which months are looked at: one or more for each stretch with the same outage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kernels.forms import Ints
from scheduler.questions.risk.months import Months
from scheduler.questions.risk.outages import WHOLE, Outage, OutageBook
from scheduler.questions.risk.sources import MONTH_S

LOOKS = 16


@dataclass(frozen=True, eq=False)
class Moments:
    """M moments: first one of each of N months for all the time in which nothing is out.

    A moment is an instant, drawn evenly from the time that it stands for. So what holds at it,
    times that time, is on average the time in which it holds.
    """

    num_months: int
    month: Ints  # (M,) position in the chunk
    number: Ints  # (M,) within the month, 0 while nothing is out
    seconds: Ints  # (M,) that the moment stands for
    outage: Ints  # (M,) position in `outages`, 0 while nothing is out
    outages: Sequence[Outage]
    out: Ints  # (M - N, W) sources that are out, from moment N on

    def per_month(self, values: Ints) -> Ints:
        """Return the sums over the moments of each month, (..., N); values are (..., M)."""
        sums = values[..., : self.num_months].copy()
        by_month = np.moveaxis(sums, -1, 0)
        more = np.moveaxis(values, -1, 0)[self.num_months :]
        np.add.at(by_month, self.month[self.num_months :], more)
        return sums


def moments_of(months: Months, book: OutageBook, is_loaded: Callable[[Outage], bool]) -> Moments:
    """Return the moments of months.

    An outage in which loads can be above their limits is looked at `LOOKS` times, each look
    standing for its part of the time: such outages are rare and short, and loads change in them.
    """
    segments, count = months.segments, len(months.scenario)
    sets, outage = np.unique(segments.out, axis=0, return_inverse=True)
    outages = [WHOLE, *book.of_rows(sets)]
    outage = outage.ravel() + 1
    looks = np.array([LOOKS if is_loaded(each) else 1 for each in outages], np.int64)[outage]
    segment = np.repeat(np.arange(len(outage)), looks)
    look = np.arange(len(segment)) - (np.cumsum(looks) - looks)[segment]
    whole, part = np.divmod(segments.seconds, looks)
    whole_s = np.full(count, MONTH_S, np.int64)
    np.subtract.at(whole_s, segments.month, segments.seconds)
    nothing = np.zeros(count, np.int64)
    return Moments(
        num_months=count,
        month=np.concatenate((np.arange(count), segments.month[segment])),
        number=np.concatenate((nothing, segments.number[segment] * LOOKS + look)),
        seconds=np.concatenate((whole_s, whole[segment] + (look < part[segment]))),
        outage=np.concatenate((nothing, outage[segment])),
        outages=outages,
        out=segments.out[segment],
    )
