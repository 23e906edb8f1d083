"""Estimates from weighted months, by hand; weights that undo how months are drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.questions.risk.draws import thresholds
from scheduler.questions.risk.estimates import Z_95, Sample, quantile
from scheduler.questions.risk.strata import PATTERN, Strata, evenly, ratio, shares


def sample() -> Sample:
    """Four months without a major failure stand for 90 %, two with one for 10 %."""
    stratum = np.array([0, 1, 0, 0, 1, 0])
    return Sample(stratum, np.ones(6), np.array([0.9, 0.1, 0.0]))


def test_a_mean_adds_up_strata() -> None:
    found = sample().mean(np.array([0, 10, 2, 4, 20, 2]))
    assert found.value == pytest.approx(0.9 * 2 + 0.1 * 15)
    error = np.sqrt(0.9**2 * (8 / 3) / 4 + 0.1**2 * 50 / 2)
    assert (found.low, found.high) == pytest.approx(
        (found.value - Z_95 * error, found.value + Z_95 * error)
    )


def test_a_mean_around_a_constant_weighs_only_the_rest() -> None:
    boosted = Sample(np.zeros(4, int), np.array([2.0, 0.5, 0.5, 0.5]), np.array([1.0, 0, 0]))
    values = np.array([100, 100, 100, 100])
    assert boosted.mean(values).value == pytest.approx(87.5)
    assert boosted.mean(values, around=100.0).value == pytest.approx(100)


def test_nothing_seen_still_has_an_upper_end() -> None:
    found = sample().mean(np.zeros(6), most=1.0)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.9 * 3 / 4 + 0.1)  # no stratum hides more than all of it
    assert sample().mean(np.zeros(6)).high == 0


def test_quantiles_and_tails_by_hand() -> None:
    values = np.arange(1.0, 101)
    flat = Sample(np.zeros(100, int), np.ones(100), np.array([1.0, 0, 0]))
    assert quantile(values, flat.weights, 0.95) == 95
    assert flat.percentile(values, 0.5).value == 50
    assert flat.tail_mean(values).value == pytest.approx(98)  # 96, 97, 98, 99, 100
    assert flat.tail_mean(values, highest=False).value == pytest.approx(3)  # 1 to 5
    assert flat.effective == pytest.approx(100)
    inner = flat.percentile(values, 0.5)
    assert inner.low < 50 < inner.high


def test_a_tail_splits_the_month_at_its_edge() -> None:
    stratum = np.array([0, 0, 1])
    rare = Sample(stratum, np.ones(3), np.array([0.98, 0.02, 0]))
    assert rare.tail_mean(np.array([0, 0, 100])).value == pytest.approx(0.02 * 100 / 0.05)


@given(st.floats(1e-6, 20), st.floats(0, 20))
def test_strata_cover_all_months(majors: float, minors: float) -> None:
    strata = Strata.build(majors, minors)
    assert strata.probability.sum() == pytest.approx(1, abs=1e-9)
    counts = np.bincount(strata.pattern, minlength=3)
    assert counts.sum() == PATTERN
    assert ((counts > 1) == (strata.probability > 0)).all()


def test_without_majors_there_is_one_stratum() -> None:
    strata = Strata.build(0.0, 1.0)
    assert strata.probability.tolist() == [1, 0, 0]
    assert set(strata.pattern.tolist()) == {0}


@pytest.mark.parametrize("events", [1, 2, 3])
def test_ratios_undo_the_draw_by_kind(events: int) -> None:
    """Sum of (chance to be drawn) * ratio over all months is 1, for any function of the sources."""
    kinds = ["ups", "ups", "ups", "rack"]
    natural = thresholds(np.array([0.05, 0.1, 0.15, 0.7]))
    even = thresholds(evenly(kinds))
    p, q = shares(natural), shares(even)
    total = rare = 0.0
    for month in itertools.product(range(4), repeat=events):
        by_rate = np.prod(p[list(month)])
        by_kind = sum(by_rate * q[s] / p[s] for s in month) / events
        drawn = 0.5 * by_rate + 0.5 * by_kind
        weight = ratio(natural, even, np.array(month), np.array([0]))[0]
        assert weight <= 2
        total += drawn * weight
        rare += drawn * weight * (0 in month)
    assert total == pytest.approx(1, rel=1e-9)
    assert rare == pytest.approx(1 - (1 - p[0]) ** events, rel=1e-9)
