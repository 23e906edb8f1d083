"""Limits that classes of racks tear apart, added up in the bound."""

from __future__ import annotations

import time

import numpy as np

from kernels.forms import Compiled, Ints, LinearLoad, Rows, Shards
from kernels.reference import score
from scheduler.planner.bound.columns import Decomposition
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.found import first_prices
from scheduler.planner.bound.outline import Outline, in_blocks
from scheduler.planner.classes import Classes
from scheduler.planner.engine import make_engine
from scheduler.planner.loads import most_load_per_rack
from scheduler.planner.lots import FINER
from scheduler.planner.lowering import lower
from scheduler.planner.lowering.load_sums import LoadSum, load_sums
from tests.test_kept_domains import breaks, keeps, optimum, problem

ALL, PAIRS = Classes(np.zeros(4, np.int32)), Classes(np.array([0, 0, 1, 1], np.int32))
MANY = [8, 8]  # units that are asked for: the site has eight slots


def load(weights: list[dict[int, int]], limits: list[int], watts: list[int]) -> LinearLoad:
    rows = len(weights)
    return LinearLoad(
        "power",
        "W",
        1,
        np.zeros(4, np.int32),
        np.array(watts, np.int64)[:, None],
        Rows.build(weights),
        np.zeros(rows, np.int64),
        np.array(limits),
        tuple(f"feed-{n}" for n in range(rows)),
        ("",) * rows,
    )


def with_load(weights: list[dict[int, int]], limits: list[int]) -> Compiled:
    """The first job earns 10 for 3 W, the second 5 for 1 W."""
    return problem(MANY, [10, 5], load(weights, limits, [3, 1]))


def sums_of(compiled: Compiled, classes: Classes, torn: Ints) -> list[LoadSum]:
    form = compiled.forms[-1]
    assert isinstance(form, LinearLoad)
    torn_rows = np.isin(np.arange(form.rows.num_rows), torn)
    return load_sums(form, classes, torn_rows, most_load_per_rack(form, compiled))


FEEDS = [{0: 1, 1: 1}, {2: 1, 3: 1}]


def test_feeds_of_half_a_class_count_together() -> None:
    compiled = with_load(FEEDS, [7, 5])
    # Twelve watts and eight slots: two hungry units, six modest ones.
    assert optimum(lower(compiled, ALL).arrays) == 2 * 10 + 6 * 5
    assert optimum(lower(compiled, PAIRS).arrays) <= 2 * 10 + 6 * 5


def test_a_plan_at_the_limit_keeps_the_sum() -> None:
    compiled = with_load(FEEDS, [6, 6])
    plan = Shards.build(*np.array([[0, 0, 1], [0, 2, 1], [1, 0, 1], [1, 1, 2], [1, 3, 2]]).T)
    assert score(compiled, plan).violation == 0
    for classes in (ALL, PAIRS):
        arrays = lower(compiled, classes).arrays
        assert breaks(arrays, lower(compiled, classes).point(plan)) == []
        assert optimum(arrays) >= score(compiled, plan).margin_mills


def test_a_class_counts_with_its_least_weight() -> None:
    compiled = with_load([{0: 2, 1: 2}, {2: 1, 3: 1}], [4, 4])
    (found,) = sums_of(compiled, ALL, np.arange(2))
    assert found.weight.tolist() == [1]
    assert found.limit == 8
    assert found.members.tolist() == [0, 1]


def test_racks_of_no_row_set_their_class_free() -> None:
    compiled = with_load([{0: 1}, {1: 1}, {2: 1}], [1, 1, 1])
    assert sums_of(compiled, ALL, np.arange(3)) == []
    (found,) = sums_of(compiled, PAIRS, np.arange(3))
    assert found.weight.tolist() == [1, 0]
    assert found.members.tolist() == [0, 1]


def test_what_a_row_cannot_draw_it_does_not_lend() -> None:
    compiled = with_load(FEEDS, [4, 100])
    form = compiled.forms[-1]
    assert isinstance(form, LinearLoad)
    most = most_load_per_rack(form, compiled)
    (found,) = sums_of(compiled, ALL, np.arange(2))
    assert found.limit == 4 + most[2:].sum() < 4 + 16


def test_narrow_rows_and_wide_ones_are_added_up_apart() -> None:
    wide = {0: 1, 1: 1, 2: 1}
    compiled = with_load([wide, {3: 1}, {0: 1}, {1: 1}, {2: 1}], [9, 3, 3, 3, 3])
    (found,) = sums_of(compiled, ALL, np.arange(5))
    assert found.members.tolist() == [1, 2, 3, 4]
    assert found.limit == 12


def test_rows_that_hold_classes_whole_stay_as_they_are() -> None:
    compiled = with_load(FEEDS, [6, 6])
    arrays = lower(compiled, PAIRS).arrays
    assert (arrays.row_high == 12).sum() == 0
    assert (arrays.row_high == 6).sum() == 2


def test_prices_begin_where_the_bound_is_best() -> None:
    power = load(FEEDS, [2, 2], [1, 1, 1])
    compiled = problem([4, 2, 8], [20, 30, 5], keeps(np.array([0, 0, 1, 1]), 0), power)
    engine = make_engine("inline", None, workers=1)
    block_of_job, _ = blocks_of_jobs(compiled)
    outline = Outline.of(compiled, in_blocks(block_of_job), 1, 0)
    blocks = outline.cut(block_of_job)
    columns = Decomposition(blocks, 0, engine, time.monotonic() + 20.0, lambda: False, 0)
    dear, free = first_prices(outline, columns, np.ones(outline.arrays.num_rows), lambda: False)
    (row,) = outline.lowered.sums
    assert dear[blocks.rest_rows == row] == 1.0
    assert free[blocks.rest_rows == row] == 0.0
    columns.run(dear, free)
    assert (columns.asked[0].prices == dear).all()
    assert (columns.asked[1].prices == free).all()
    assert columns.best is not None
    assert columns.best.total == min(each.total for each in columns.asked)
    # Power for four units: two at 30, two at 20. Slots alone would let all eight earn.
    assert columns.bound is not None
    assert 2 * 30 + 2 * 20 <= columns.bound / FINER < 4 * 20 + 2 * 30


def test_the_first_answer_is_waited_for() -> None:
    """A deadline that has passed already leaves one answer, the first, and no time for others."""
    power = load(FEEDS, [2, 2], [1, 1, 1])
    compiled = problem([4, 2, 8], [20, 30, 5], keeps(np.array([0, 0, 1, 1]), 0), power)
    engine = make_engine("inline", None, workers=1)
    block_of_job, _ = blocks_of_jobs(compiled)
    outline = Outline.of(compiled, in_blocks(block_of_job), 1, 0)
    prices = np.ones(outline.cut(block_of_job).rest.num_rows)
    answered = []
    for more_s in (-2.0, 60.0):
        now = time.monotonic()
        columns = Decomposition(
            *(outline.cut(block_of_job), 0, engine, now - 1.0, lambda: False, 0),
            latest=now + more_s,
        )
        columns.run(prices, 2 * prices)
        answered.append(len(columns.asked))
        assert (columns.bound is None) == (not answered[-1])
    assert answered == [0, 1]
