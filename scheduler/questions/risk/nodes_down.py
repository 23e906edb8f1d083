"""Nodes that are down: how many of each party's, month by month.

A node is down with probability ``q = MTTR / (MTBF + MTTR)``, so of n nodes a binomial number is.
How many are down an hour later is nearly the same, a few repairs later it is not: the average
over a month varies as that of ``T / (2 MTTR)`` independent counts, which are what is drawn.
"""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np

from kernels.forms import Ints
from scheduler.model.rates import KindRates
from scheduler.questions.risk.draws import WORDS, Purpose, Words, pick, thresholds, words
from scheduler.questions.risk.sources import MONTH_S
from scheduler.questions.risk.stakes import Party

_SMALL = 2.0**-33  # probability that a word of 32 bits cannot show


class NodesDown:
    """RackDraws the nodes that are down."""

    def __init__(self, seed: int, parties: tuple[Party, ...], rates: KindRates) -> None:
        self._seed, self._parties = seed, parties
        self.counts = max(1, round(MONTH_S / (2 * rates.mttr_s)))
        share = rates.mttr_s / (rates.mtbf_s + rates.mttr_s)
        self._tables = [binomial_table(party.nodes, share) for party in parties]

    def in_months(self, party: int, scenario: Ints) -> Ints:
        """Return what a party has down at some times of each month, (N, counts)."""
        calls = -(-self.counts // WORDS)
        slots = np.arange(calls)
        lane = party
        drawn = words(self._seed, Purpose.NODES, scenario[:, None], slots, lane=lane)
        down = pick(drawn, self._tables[party])
        return (
            down.reshape(WORDS, len(scenario), calls)
            .transpose(1, 2, 0)
            .reshape(len(scenario), calls * WORDS)[:, : self.counts]
        )

    def at_moments(self, party: int, scenario: Ints, number: Ints) -> Ints:
        """Return what a party has down at moment `number` of scenarios, (S,)."""
        drawn = words(self._seed, Purpose.NODES_IN_OUTAGE, scenario, number, lane=party)
        return pick(drawn[0], self._tables[party])

    def most(self, party: int) -> int:
        """Return the most nodes that are ever down."""
        return len(self._tables[party]) - 1


def binomial_table(count: int, share: float) -> Words:
    """Return thresholds of a binomial number, cut where a word cannot tell it from certain."""
    found: list[float] = []
    for k in range(count + 1):
        ways = lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1)
        found.append(exp(ways + k * log(share) + (count - k) * log(1 - share)))
        if k > count * share and found[-1] < _SMALL:
            break
    return thresholds(np.array(found))
