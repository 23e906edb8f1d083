"""What happens in sampled months, month by month, in integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from kernels.forms import Ints
from scheduler.questions.risk.strata import Floats

Subject = tuple[str, str]  # kind of limit, component


@dataclass(frozen=True, eq=False)
class Outcome:
    """N months. All but `subjects` are arrays whose last axis is the months."""

    stratum: Ints
    ratio: Floats
    outage_s: Ints  # something is out
    capped_s: Ints  # some GPU is capped
    shed_s: Ints  # some GPU is shed
    called_s: Ints  # (K, N) a limit of the kind calls for caps or sheds
    over_s: Ints  # (K, N) it is exceeded whatever jobs do
    short_gpu_s: Ints  # (P, N) promised GPU-seconds that are not there
    full_s: Ints  # (P, N) all promised GPUs are there
    credit_mills: Ints  # (P, N)
    lost_mills: Ints  # value of jobs outside contracts that is not earned
    margin_mills: Ints
    it_w: Ints  # at a moment of the month
    pue_ppm: Ints


@dataclass(frozen=True, eq=False)
class Sparse:
    """Values of few months, by something numbered: months ascending."""

    number: Ints  # (V,)
    month: Ints  # (V,)
    value: Ints  # (V,)

    def of(self, number: int) -> tuple[Ints, Ints]:
        """Return months and values of one number."""
        own = self.number == number
        return self.month[own], self.value[own]


@dataclass(frozen=True, eq=False)
class Details:
    """Which component exceeds limits for how long, and whose failure does how much harm."""

    subjects: Sequence[Subject]
    called_s: Sparse  # by subject
    over_s: Sparse  # by subject
    harm_mills: Sparse  # by source of failure; shared evenly by all that are out


def joined(parts: Sequence[Outcome]) -> Outcome:
    """Return months one after the other."""
    return Outcome(
        **{
            each.name: np.concatenate([getattr(part, each.name) for part in parts], axis=-1)
            for each in fields(Outcome)
        }
    )


def joined_details(parts: Sequence[Details], months: Sequence[int]) -> Details:
    """Return details one after the other; subjects are numbered in alphabetical order."""
    subjects = sorted({subject for part in parts for subject in part.subjects})
    place = {subject: number for number, subject in enumerate(subjects)}
    first = np.cumsum([0, *months])
    renamed = [np.array([place[s] for s in part.subjects], np.int64) for part in parts]
    return Details(
        subjects,
        _stacked([part.called_s for part in parts], first, renamed),
        _stacked([part.over_s for part in parts], first, renamed),
        _stacked([part.harm_mills for part in parts], first, None),
    )


def _stacked(parts: Sequence[Sparse], first: Ints, renamed: Sequence[Ints] | None) -> Sparse:
    numbers = [
        part.number if renamed is None else renamed[i][part.number] for i, part in enumerate(parts)
    ]
    months = [part.month + first[i] for i, part in enumerate(parts)]
    return Sparse(
        np.concatenate(numbers), np.concatenate(months), np.concatenate([p.value for p in parts])
    )
