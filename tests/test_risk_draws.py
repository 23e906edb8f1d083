"""Counter-based draws: known answers, no order, and what words become."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.questions.risk.draws import (
    ONE,
    Purpose,
    below,
    exponential,
    philox,
    pick,
    thresholds,
    words,
)
from scheduler.questions.risk.nodes_down import binomial_table
from scheduler.questions.risk.strata import poisson, shares

ALL = 2**32 - 1


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ALL,) * 4, (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_answers_of_its_authors(
    counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    found = philox([np.array([word], np.uint64) for word in counter], key)
    assert tuple(int(word[0]) for word in found) == expected


@given(st.integers(0, 2**63), st.integers(0, 2**31), st.integers(0, 50))
def test_a_draw_does_not_depend_on_its_neighbours(seed: int, scenario: int, slot: int) -> None:
    some = np.array([0, scenario, 7])
    together = words(seed, Purpose.EVENT, some, slot)
    alone = words(seed, Purpose.EVENT, scenario, slot)
    assert (together[:, 1:2] == alone).all()


def test_purposes_lanes_slots_and_seeds_differ() -> None:
    draws = [
        words(1, Purpose.EVENT, 5, 6),
        words(1, Purpose.LOAD, 5, 6),
        words(1, Purpose.EVENT, 6, 5),
        words(1, Purpose.EVENT, 5, 6, lane=1),
        words(2, Purpose.EVENT, 5, 6),
        words(1 + 2**40, Purpose.EVENT, 5, 6),
    ]
    assert len({tuple(each.ravel().tolist()) for each in draws}) == len(draws)


def test_words_become_whole_numbers_and_times() -> None:
    ends = np.array([0, ONE // 2, ALL], np.uint64)
    assert below(ends, 10).tolist() == [0, 5, 9]
    assert exponential(np.array([ONE // 2], np.uint64), np.array([1000])).tolist() == [693]
    table = thresholds(np.array([0.25, 0.25, 0.5]))
    edges = np.array([0, ONE // 4 - 1, ONE // 4, ONE // 2, ALL], np.uint64)
    assert pick(edges, table).tolist() == [0, 0, 1, 2, 2]


def test_many_words_are_spread_evenly() -> None:
    drawn = words(3, Purpose.MONTH, np.arange(50_000), 0).ravel()
    mean = drawn.astype(float).mean() / ONE
    assert abs(mean - 0.5) < 4 * (1 / 12) ** 0.5 / len(drawn) ** 0.5
    counts = np.bincount(below(drawn, 16), minlength=16)
    chi2 = float(((counts - 12_500) ** 2 / 12_500).sum())
    assert chi2 < 37.7  # 15 degrees of freedom, 0.1 %


def test_tables_have_the_mean_and_variance_of_their_law() -> None:
    for mean in (0.01, 0.7, 3.0, 40.0):
        share = poisson(mean)
        k = np.arange(len(share))
        assert share @ k == pytest.approx(mean, rel=1e-8)
        assert share @ k**2 - mean**2 == pytest.approx(mean, rel=1e-6)
    share = shares(binomial_table(40, 0.1))
    k = np.arange(len(share))
    assert share @ k == pytest.approx(4.0, rel=1e-6)
    assert share @ k**2 - 16 == pytest.approx(3.6, rel=1e-4)


def test_a_count_of_at_least_two_is_a_cut_poisson() -> None:
    share = poisson(1.0, 2)
    whole = poisson(1.0)
    assert share[:3] == pytest.approx(whole[2:5] / (1 - whole[:2].sum()), rel=1e-9)
