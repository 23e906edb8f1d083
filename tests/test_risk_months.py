"""Months of failures: segments against a clock, availability against the textbook."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model.rates import CDU
from scheduler.questions.risk.estimates import Sample
from scheduler.questions.risk.months import NOTHING, Calendar, Events, segments_of
from scheduler.questions.risk.sources import MONTH_S, Source, sources_of
from tests import build
from tests.risk_cases import HOUR_S, kind, rates

Event = tuple[int, int, int]  # source, start, end


def events(month: list[Event]) -> Events:
    source, start, end = np.array(month, np.int64).reshape(-1, 3).T
    return Events(np.zeros(len(source), np.int64), source, start, end)


def test_two_repairs_that_overlap_are_three_segments() -> None:
    found = segments_of(events([(4, 10, 30), (7, 20, 50)]), 2)
    assert found.month.tolist() == [0, 0, 0]
    assert found.number.tolist() == [1, 2, 3]
    assert found.seconds.tolist() == [10, 10, 20]
    assert found.out.tolist() == [[4, NOTHING], [7, 4], [7, NOTHING]]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6
    )
)
def test_segments_agree_with_a_clock(drawn: list[Event]) -> None:
    month = [(source, min(a, b), max(a, b)) for source, a, b in drawn]
    found = segments_of(events(month), 1)
    by_clock: dict[frozenset[int], int] = {}
    for second in range(31):
        out = frozenset(source for source, start, end in month if start <= second < end)
        if out:
            by_clock[out] = by_clock.get(out, 0) + 1
    by_segment: dict[frozenset[int], int] = {}
    for row, seconds in zip(found.out.tolist(), found.seconds.tolist(), strict=True):
        out = frozenset(row) - {NOTHING}
        by_segment[out] = by_segment.get(out, 0) + seconds
    assert by_segment == by_clock


def test_months_without_events_have_no_segments() -> None:
    assert len(segments_of(events([]), 3).month) == 0


def unavailable(calendar: Calendar, source: int, samples: int = 40_000) -> tuple[float, float]:
    """Return the share of time that a source is out, and four standard errors."""
    months = calendar.months(np.arange(samples))
    segments = months.segments
    own = (segments.out == source).any(axis=1)
    seconds = np.bincount(segments.month[own], weights=segments.seconds[own], minlength=samples)
    sample = Sample(months.stratum, months.ratio, calendar.strata.probability)
    found = sample.mean(seconds / MONTH_S)
    return found.value, 2 * (found.high - found.low)


@pytest.mark.parametrize("is_major", [True, False])
@pytest.mark.parametrize(("mtbf_h", "mttr_h"), [(1000, 100), (90, 10), (5000, 2000), (200_000, 12)])
def test_each_source_has_the_availability_of_the_textbook(
    is_major: bool, mtbf_h: int, mttr_h: int
) -> None:
    first = Source(name="a", kind="ups", mtbf_s=mtbf_h * HOUR_S, mttr_s=mttr_h * HOUR_S)
    second = Source(name="b", kind="rack", mtbf_s=500 * HOUR_S, mttr_s=20 * HOUR_S)
    calendar = Calendar(5, (first, second), (is_major, True))
    for number, source in enumerate((first, second)):
        value, error = unavailable(calendar, number)
        assert value == pytest.approx(source.mttr_s / (source.mtbf_s + source.mttr_s), abs=error)
        assert error < 0.35 * value or mtbf_h > 100_000


def test_parts_of_a_month_do_not_depend_on_other_months() -> None:
    sources = (Source(name="a", kind="ups", mtbf_s=400 * HOUR_S, mttr_s=50 * HOUR_S),)
    calendar = Calendar(5, sources, (True,))
    whole, part = calendar.months(np.arange(300)), calendar.months(np.arange(100, 200))
    own = (whole.segments.month >= 100) & (whole.segments.month < 200)
    assert (whole.segments.seconds[own] == part.segments.seconds).all()
    assert (whole.ratio[100:200] == part.ratio).all()


def test_common_causes_take_their_part_of_the_failures() -> None:
    found = {
        source.name: source
        for source in sources_of(
            build.site(),
            rates(
                ups=kind(1000, 10, beta_permille=100),
                cdu=kind(500, 4, beta_permille=50, group="loop"),
            ),
        )
    }
    assert found["ups1"].mtbf_s == 1000 * HOUR_S * 10 // 9
    both = found["all ups of test"]
    assert (both.mtbf_s, both.nodes) == (10_000 * HOUR_S, ("ups1", "ups2"))
    assert found["loop1 CDU2"].units == (("loop1", 1),)
    assert found[f"all {CDU} of loop1"].units == (("loop1", 2),)
    assert {source.kind for source in found.values()} == {"ups", "cdu", "rack"}


def test_a_group_of_one_has_no_common_cause() -> None:
    one = build.site([build.rack("r1", feeds=("ups1",), loop=None)], power_nodes={
        "ups1": build.ups("ups1")
    }, loops={})  # fmt: skip
    found = sources_of(one, rates(ups=kind(1000, 10, beta_permille=100)))
    assert [source.name for source in found] == ["ups1", "r1"]
    assert found[0].mtbf_s == 1000 * HOUR_S
