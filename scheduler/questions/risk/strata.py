"""Which months are sampled how often, and what each sampled month stands for.

A *major* source is one whose loss alone does something: takes racks out or lifts a load above a
limit. Majors are rare, and months with two of them rarer still, so months are drawn by their
number of majors: none, one, two or more. Scenario i belongs to the stratum `i` of a fixed pattern.
In half of the months of a stratum one event, chosen evenly, has its source drawn by kind: every
kind alike, and every major of a kind. Both are undone by exact weights: ``P(stratum)`` times the
ratio of probabilities ``1 / (1/2 + 1/2 * mean over events of even[source] / natural[source])``,
which is at most 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.questions.risk.draws import ONE, Words, thresholds

Floats = NDArray[np.float64]

STRATA = 3  # no major, one, two or more
PATTERN = 64  # scenarios after which the pattern of strata repeats
_GOLDEN = 0.6180339887498949
_SMALL = 2.0**-40  # probability that counts as none


def poisson(mean: float, least: int = 0) -> Floats:
    """Return ``P(count = least + k | count >= least)`` for k = 0, 1, ... until nothing is left."""
    if mean <= 0:
        return np.ones(1)
    logs: list[float] = []
    count = least
    while True:
        logs.append(count * log(mean) - mean - lgamma(count + 1))
        if count > mean and logs[-1] < max(logs) + log(_SMALL):
            break
        count += 1
    found = np.exp(np.array(logs) - max(logs))
    return np.asarray(found / found.sum(), np.float64)


@dataclass(frozen=True, eq=False)
class Strata:
    """The strata of a site."""

    probability: Floats  # (3,)
    pattern: Ints  # (64,) stratum of scenario ``i % 64``
    majors: Words  # thresholds of the number of majors above 2
    minors: Words  # thresholds of the number of minor events

    @staticmethod
    def build(majors: float, minors: float) -> Strata:
        """Build the strata for the mean numbers of major and minor events in a month."""
        none, one = exp(-majors), majors * exp(-majors)
        two = 1 - none - one if majors > 1e-4 else majors**2 / 2 * (1 - majors * 2 / 3)
        probability = np.array([none, one, two])
        possible = probability > _SMALL
        share = np.where(possible, probability / 2 + 1 / (2 * possible.sum()), 0)
        return Strata(
            probability=np.where(possible, probability, 0),
            pattern=_spread(share),
            majors=thresholds(poisson(majors, 2)),
            minors=thresholds(poisson(minors)),
        )

    def of(self, scenario: Ints) -> Ints:
        """Return the stratum of each scenario."""
        return np.asarray(self.pattern[scenario % PATTERN])


def _spread(share: Floats) -> Ints:
    """Return a pattern in which every stratum has its share, also in the first part of it."""
    count = np.maximum(np.rint(share * PATTERN).astype(np.int64), (share > 0) * 2)
    count[count.argmax()] += PATTERN - count.sum()
    sorted_strata = np.repeat(np.arange(STRATA), count)
    order = np.argsort(np.arange(PATTERN) * _GOLDEN % 1.0, kind="stable")
    pattern = np.empty(PATTERN, np.int64)
    pattern[order] = sorted_strata
    return pattern


def evenly(kinds: Sequence[Hashable]) -> Floats:
    """Return the share of each source when every kind is drawn alike, and all of a kind."""
    members = Counter(kinds)
    return np.array([1 / (len(members) * members[kind]) for kind in kinds], np.float64)


def shares(table: Words) -> Floats:
    """Return the probability of each place of a table."""
    return np.diff(table, prepend=np.uint64(0)).astype(np.float64) / ONE


def ratio(natural: Words, even: Words, chosen: Ints, head: Ints) -> Floats:
    """Return the ratio of probabilities of months, from the majors of each.

    Parameters
    ----------
    natural, even
        Thresholds of the major sources when they are drawn by their rates, and by kind.
    chosen
        Major sources of all events, those of one month together, (E,).
    head
        Where each month with an event begins among them, (M,).
    """
    odds = shares(even)[chosen] / np.maximum(shares(natural)[chosen], 1 / ONE)
    mean = np.add.reduceat(odds, head) / np.diff(np.append(head, len(chosen)))
    return np.asarray(1 / (0.5 + 0.5 * mean), np.float64)
