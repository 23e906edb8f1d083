"""From sampled months to figures with confidence intervals.

A figure of stratum h is the mean of ``ratio * x`` over its months; the figure of the year is the
sum over strata of ``P(h)`` times that: unbiased, and its variance is ``sum P(h)^2 s_h^2 / n_h``.
Intervals hold with 95 % confidence: 1.96 standard errors to either side. Where nothing was seen
in any month, the upper end is what a stratum can hide: ``sum P(h) * most * min(1, 3 / n_h)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.questions.risk.strata import STRATA, Floats

Z_95 = 1.959963984540054
RULE_OF_THREE = 3.0  # none seen in n: with 95 % confidence fewer than 3 in n
TAIL = 0.05  # share of the months that a tail figure looks at
Values = Ints | Floats | NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Estimate:
        """Return the same in another unit; `factor` is positive."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def below(self, whole: float) -> Estimate:
        """Return what is left of a whole."""
        return Estimate(whole - self.value, whole - self.high, whole - self.low)


@dataclass(frozen=True, eq=False)
class Sample:
    """Months with what each stands for."""

    stratum: Ints  # (N,)
    ratio: Floats  # (N,)
    probability: Floats  # (3,) of the strata

    def first(self, count: int) -> Sample:
        """Return the first months alone."""
        return Sample(self.stratum[:count], self.ratio[:count], self.probability)

    @cached_property
    def counts(self) -> Ints:
        """Months of each stratum, (3,)."""
        return np.bincount(self.stratum, minlength=STRATA).astype(np.int64)

    @cached_property
    def weights(self) -> Floats:
        """What each month stands for; they add up to about 1, (N,)."""
        each = self.probability / np.maximum(1, self.counts)
        return np.asarray(each[self.stratum] * self.ratio, np.float64)

    @cached_property
    def effective(self) -> float:
        """Effective sample size of the weights, ``(sum w)^2 / sum w^2``."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    def mean(self, values: Values, *, most: float = 0.0, around: float = 0.0) -> Estimate:
        """Return the mean of a value, (N,).

        Parameters
        ----------
        most
            The most that it can be, if it is never negative: an upper end where nothing is seen.
        around
            A constant that it is usually near to: only what differs from it is weighted.
        """
        estimate, error = self._moments(np.asarray(values, np.float64) - around)
        if most and not np.any(values):
            hidden = np.minimum(1, RULE_OF_THREE / np.maximum(1, self.counts))
            return Estimate(0.0, 0.0, most * float(self.probability @ hidden))
        low, high = (around + estimate + side * Z_95 * error for side in (-1, 1))
        return Estimate(around + estimate, max(0.0, low) if most else low, high)

    def sparse_mean(self, month: Ints, values: Values, most: float = 0.0) -> Estimate:
        """Return the mean of values that are 0 in all months but those named."""
        dense = np.bincount(month, weights=values, minlength=len(self.stratum))
        return self.mean(dense, most=most)

    def tail_mean(self, values: Values, *, highest: bool = True) -> Estimate:
        """Return the mean of the worst 5 % of the months (CVaR).

        ``q + E[max(0, x - q)] / 0.05`` with q the 95 % quantile [T: Rockafellar and Uryasev 2000];
        to first order the error of q does not matter.
        """
        sign = 1 if highest else -1
        x = sign * np.asarray(values, np.float64)
        at = float(quantile(x, self.weights, 1 - TAIL))
        estimate, error = self._moments(np.maximum(0.0, x - at) / TAIL)
        ends = sorted(sign * (at + estimate + side * Z_95 * error) for side in (-1, 1))
        return Estimate(sign * (at + estimate), *ends)

    def percentile(self, values: Values, share: float) -> Estimate:
        """Return the value that a share of the months stays at or below.

        The interval is that of the share, read off the same distribution [T: Woodruff 1952].
        """
        x = np.asarray(values, np.float64)
        value = float(quantile(x, self.weights, share))
        _, error = self._moments(x <= value)
        ends = np.clip([share - Z_95 * error, share + Z_95 * error], 0, 1)
        low, high = (float(quantile(x, self.weights, end)) for end in ends)
        return Estimate(value, low, high)

    def _moments(self, values: Values) -> tuple[float, float]:
        """Return the mean and its standard error."""
        total = variance = 0.0
        for h, share in enumerate(self.probability.tolist()):
            own = self.stratum == h
            count = int(self.counts[h])
            if share and count:
                x = self.ratio[own] * values[own]
                total += share * float(x.mean())
                if count > 1:
                    variance += share**2 * float(x.var(ddof=1)) / count
        return total, float(np.sqrt(variance))


def quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the smallest value with at least a share of all weight at or below it."""
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    place = int(np.searchsorted(sums, share * sums[-1] * (1 - 1e-12)))
    return float(values[order[min(place, len(order) - 1)]])
