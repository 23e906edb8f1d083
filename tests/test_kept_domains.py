"""What groups keep to themselves, in the bound: levels together, their loads, and as a guide."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from kernels.cpu import NumpyBackend
from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupPresence,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)
from kernels.reference import score
from scheduler.planner import fast, starts
from scheduler.planner.bound import Bounding
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.mixed import large_jobs
from scheduler.planner.bound.outline import Outline, in_blocks
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.bound.trust import NARROWEST, Trust
from scheduler.planner.classes import Classes
from scheduler.planner.engine import make_engine
from scheduler.planner.guide import Guide
from scheduler.planner.lowering import lower
from scheduler.planner.placing import Placer
from scheduler.planner.program import Arrays
from scheduler.planner.reserve import Kept, reserve
from scheduler.planner.search import Search
from scheduler.planner.solvers import solve_integer
from scheduler.planner.starts import ORDERS, build, guided, in_parts
from scheduler.planner.state import Ground
from tests.test_bound_mixed import compiled_instance

ARRAYS, RACKS = np.array([0, 0, 1, 1], np.int32), np.arange(4, dtype=np.int32)
EVERYTHING_IN_ONE = Classes(np.zeros(4, np.int32))


def keeps(domain_of_rack: Ints | np.ndarray, keeper: int, num_jobs: int = 3) -> GroupPresence:
    """Every job is a group; the keeper's shares a domain with no other."""
    share = np.ones((num_jobs, num_jobs), bool)
    share[keeper] = share[:, keeper] = False
    np.fill_diagonal(share, True)
    names = tuple(f"group-{n}" for n in range(num_jobs))
    domains = int(domain_of_rack.max()) + 1
    return GroupPresence(
        "isolation",
        f"of {domains}",
        domain_of_rack.astype(np.int32),
        np.arange(num_jobs, dtype=np.int32),
        share,
        np.full(num_jobs, UNLIMITED),
        np.full(num_jobs, UNLIMITED),
        np.zeros(num_jobs, np.int64),
        tuple(f"domain-{n}" for n in range(domains)),
        names,
    )


def problem(most: list[int], value: list[int], *forms: Form) -> Compiled:
    """Four racks of two slots; every unit takes one."""
    jobs, zero = len(most), np.zeros(4, np.int32)
    units = np.array(most, np.int64)
    return Compiled(
        tuple(f"job-{n}" for n in range(jobs)),
        tuple(f"rack-{n}" for n in range(4)),
        Units(np.ones(jobs, np.int64), units, units, 0 * units),
        (
            AssignmentCost(
                "margin",
                zero,
                np.zeros((jobs, 1), np.int64),
                np.ones((jobs, 1), bool),
                np.array(value, np.int64),
                0 * units,
            ),
            Packing(
                "rack_capacity",
                zero,
                np.ones((jobs, 1), np.int64),
                np.arange(jobs, dtype=np.int32),
                np.ones(4, np.int64),
                np.full(4, 2),
                tuple(f"rack-{n}" for n in range(4)),
            ),
            *forms,
        ),
    )


def optimum(arrays: Arrays) -> int:
    outcome = solve_integer(
        arrays,
        start=None,
        time_limit_s=10.0,
        work_limit_s=10.0,
        workers=1,
        seed=0,
        stop=lambda: False,
        gap=0.0,
    )
    assert outcome.objective is not None
    return outcome.objective


def breaks(arrays: Arrays, x: Ints) -> list[int]:
    row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
    sums = np.zeros(arrays.num_rows, np.int64)
    np.add.at(sums, row, arrays.value * x[arrays.column])
    return np.flatnonzero((sums > arrays.row_high) | (sums < arrays.row_low)).tolist()


# ---- levels together


def test_what_is_kept_at_two_levels_adds_up() -> None:
    # One keeps an array, one keeps a rack of the other array; the rest has one rack left.
    compiled = problem([1, 1, 8], [100, 100, 1], keeps(ARRAYS, 0), keeps(RACKS, 1))
    assert optimum(lower(compiled, EVERYTHING_IN_ONE, by_kind=True).arrays) == 100 + 100 + 2
    apart = optimum(lower(compiled, EVERYTHING_IN_ONE).arrays)
    assert apart > 100 + 100 + 2  # each level by itself leaves more to the rest


def test_who_keeps_at_two_levels_is_counted_once() -> None:
    compiled = problem([1, 1, 8], [100, 100, 1], keeps(ARRAYS, 0), keeps(RACKS, 0))
    best = Shards.build(*np.array([[0, 0, 1], [1, 2, 1], [2, 2, 1], [2, 3, 2]]).T)
    assert score(compiled, best).violation == 0
    lowered = lower(compiled, EVERYTHING_IN_ONE, by_kind=True)
    assert len(lowered.together)
    assert breaks(lowered.arrays, lowered.point(best)) == []


def test_domains_across_each_other_are_not_added_up() -> None:
    across = np.array([0, 1, 0, 1], np.int32)
    compiled = problem([1, 1, 8], [100, 100, 1], keeps(ARRAYS, 0), keeps(across, 1))
    assert not len(lower(compiled, EVERYTHING_IN_ONE, by_kind=True).together)


# ---- loads of what is kept


def test_who_keeps_a_domain_has_its_power_alone() -> None:
    # Two units of power in each array; the keeper may have one array.
    form = keeps(ARRAYS, 0, num_jobs=2)
    form = replace(form, max_domains=np.array([1, UNLIMITED]))
    power = LinearLoad(
        "power",
        "W",
        1,
        np.zeros(4, np.int32),
        np.array([[1], [0]]),
        Rows.build([{0: 1, 1: 1}, {2: 1, 3: 1}]),
        np.zeros(2, np.int64),
        np.array([2, 2]),
        ("array-0", "array-1"),
        ("", ""),
    )
    compiled = problem([4, 1], [10, 0], form, power)
    assert optimum(lower(compiled, EVERYTHING_IN_ONE, by_kind=True).arrays) == 2 * 10
    assert optimum(lower(compiled, EVERYTHING_IN_ONE).arrays) == 4 * 10


@pytest.mark.parametrize(("size", "seed"), [("S", 0), ("S", 3), ("M", 0), ("M", 3)])
def test_every_plan_keeps_the_rows_of_kept_domains(
    size: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "SETTLE_STEPS", 300)
    whole = compiled_instance(size, seed)
    part = presolve(whole, met_all=True).part
    block_of_job, _ = blocks_of_jobs(part.compiled)
    outlines = [
        Outline.of(part.compiled, in_blocks(block_of_job) | large_jobs(part.compiled), most, 0)
        for most in (3, 12)
    ]
    placer = Placer(Ground(whole))
    for order in ORDERS[:3]:
        (start,) = in_parts(placer, order, seed)
        plan = build(whole, start)
        margin = score(whole, plan).margin_mills
        for outline in outlines:
            x = outline.point(part.to_part(plan))
            assert breaks(outline.arrays, x) == []
            assert (outline.arrays.gain @ x + outline.arrays.constant) // 64 >= margin
    assert all(len(outline.lowered.together) for outline in outlines)
    monkeypatch.setattr("scheduler.planner.lowering.limit_kept_loads", lambda _draft: None)
    lots, classes = outlines[0].lots.compiled, outlines[0].lowered.classes
    without = lower(lots, classes, by_kind=True).arrays.num_rows
    assert without < outlines[0].lowered.arrays.num_rows


# ---- prices


def test_slots_are_paid_for_where_they_are_kept() -> None:
    compiled = problem([1, 1, 8], [100, 100, 1], keeps(ARRAYS, 0), keeps(RACKS, 1))
    nothing = np.zeros(3, bool)
    outline = Outline.of(compiled, ~nothing, 1, 0)
    prices = np.ones(outline.arrays.num_rows)
    paid = outline.paid_by_keepers(prices)
    slots = [
        limits.rows
        for limits in outline.lowered.limits
        if isinstance(compiled.forms[limits.form], GroupPresence | Packing)
    ]
    assert paid.sum() == prices.sum()
    assert (paid[outline.lowered.together] == len(slots)).all()


def test_a_box_that_is_narrow_is_widened_before_the_end() -> None:
    trust = Trust(np.arange(3), NARROWEST)
    widened = 0
    while trust.widen():
        widened += 1
    assert 1 < widened < 20
    trust.learn(better=False)
    assert trust.widen()


# ---- guides


def bounding(compiled: Compiled, time_limit_s: float) -> Bounding:
    empty = Shards.build(*np.zeros((3, 0), np.int64))
    engine = make_engine("inline", None, workers=1)
    found = Bounding(compiled, empty, False, engine, time_limit_s, 0, lambda: False)
    found.begin()
    return found


def test_a_guide_says_who_keeps_what_and_a_plan_follows_it() -> None:
    compiled = compiled_instance("M", 0)
    found = bounding(compiled, 24.0)
    guides = found.guides(3)
    assert len(guides) == 3
    placer = Placer(Ground(compiled))
    keeping = placer.owner.form_of_job != NONE
    assert 0 < guides[0].chosen.sum() < keeping.sum()
    assert keeping[guides[0].chosen].all()
    assert found.profit is not None
    for number in range(2):
        guide = guides[number]
        (start,) = guided(placer, number, 0, found.profit, guide)
        first, later = (build(compiled, replace(start, steps=steps)) for steps in (0, 200))
        placed = np.zeros(compiled.num_jobs, bool)
        placed[first.job] = True
        assert placed[guide.chosen].mean() > 0.8
        for plan in (first, later):
            assert score(compiled, plan).violation == 0
            _assert_within(compiled, plan, guide)


def test_guides_draw_answers_by_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bounding(compiled_instance("S", 0), 15.0)
    columns = found.found.columns
    whole = columns.shares()
    assert whole is not None
    placed = found.guides(1)[0].chosen.sum()
    assert placed > 3
    shared = [[(x, 0.3 * share) for x, share in answers] for answers in whole]
    monkeypatch.setattr(type(columns), "shares", lambda _self: shared)
    guides = found.guides(40)
    assert not guides[0].chosen.any()  # nothing has the largest share
    drawn = np.mean([guide.chosen.sum() for guide in guides[1:]])
    assert 0.1 * placed < drawn < 0.6 * placed


def _assert_within(compiled: Compiled, plan: Shards, guide: Guide) -> None:
    seen = 0
    for form in compiled.forms:
        if not isinstance(form, GroupPresence) or not exclusive_groups(form).any():
            continue
        for group in np.flatnonzero(exclusive_groups(form)).tolist():
            name = form.term, form.level, form.group_names[group]
            if name in guide.kept:
                mine = form.group_of_job[plan.job] == group
                domains = len(np.unique(form.domain_of_rack[plan.rack[mine]]))
                assert domains <= sum(some.many for some in guide.kept[name])
                seen += domains > 0
    assert seen > 3


# ---- domains that are reserved

Reservations = list[dict[int, tuple[Kept, ...]]]


def reserved(
    form: GroupPresence, other: GroupPresence, kept: Reservations, taken: Ints
) -> list[list[set[int]]]:
    """Return, for both forms, on which racks each job may lie."""
    compiled = problem([1, 1, 8], [1, 1, 1], form, other)
    occupied = np.zeros(4, bool)
    occupied[taken] = True
    found = reserve(compiled, [{}, {}, *kept], occupied)
    return [
        [set(np.flatnonzero(cost.allowed[job, cost.kind_of_rack]).tolist()) for job in range(3)]
        for cost in found
    ]


def test_no_domain_is_reserved_twice_and_wide_ones_come_first() -> None:
    halls, arrays = keeps(np.array([0, 0, 1, 1]), 0), keeps(ARRAYS, 1)
    every = ("domain-0", "domain-1")
    one: Reservations = [{0: (Kept(1, every),)}, {1: (Kept(1, every),)}]
    hall, array = reserved(halls, arrays, one, np.zeros(0, np.int64))
    assert len(hall[0]) == len(array[1]) == 2
    assert not hall[0] & array[1]
    assert hall[1] == hall[2] == array[0] == array[2] == {0, 1, 2, 3}


def test_where_a_kind_is_used_up_what_is_most_alike_is_reserved() -> None:
    arrays = keeps(ARRAYS, 0)
    only: Reservations = [{0: (Kept(1, ("domain-0",)),)}, {}]
    nothing = np.zeros(0, np.int64)
    assert reserved(arrays, keeps(RACKS, 1), only, nothing)[0][0] == {0, 1}
    assert reserved(arrays, keeps(RACKS, 1), only, np.array([1]))[0][0] == {2, 3}
    # Who gets none goes where there is room.
    assert reserved(arrays, keeps(RACKS, 1), only, np.array([1, 2]))[0][0] == {0, 1, 2, 3}


def test_domains_of_a_group_lie_side_by_side_if_they_are_about_alike() -> None:
    """Two halls of two arrays of two racks; the kind that is wanted has one array in each hall."""
    hall, array = np.arange(8) // 4, np.arange(8) // 2
    for slots, together in ((40, True), (2, False)):  # one more of another kind: 1 % or 12 %
        base = problem([1, 1, 8], [1, 1, 1], keeps(hall, 0), keeps(array, 1))
        nobody = np.zeros(8, np.int32)
        cost, packing, *others = base.forms
        assert isinstance(cost, AssignmentCost)
        assert isinstance(packing, Packing)
        forms = (
            replace(cost, kind_of_rack=nobody),
            replace(
                packing,
                kind_of_rack=nobody,
                bins=np.ones(8, np.int64),
                bin_size=np.full(8, slots),
            ),
            *others,
        )
        names = tuple(f"rack-{n}" for n in range(8))
        compiled = replace(base, rack_names=names, forms=forms)
        kept: Reservations = [{}, {1: (Kept(2, ("domain-0", "domain-2")),)}]
        (found,) = reserve(compiled, [{}, {}, *kept], np.zeros(8, bool))
        mine = np.flatnonzero(found.allowed[1, found.kind_of_rack])
        assert len(mine) == 4
        assert (len(set(hall[mine])) == 1) == together
        assert together or set(array[mine]) == {0, 2}


def test_a_part_reserves_what_it_has() -> None:
    elsewhere: Reservations = [{0: (Kept(2, ("domain-7", "domain-8")),)}, {}]
    found = reserved(keeps(ARRAYS, 0), keeps(RACKS, 1), elsewhere, np.zeros(0, np.int64))
    assert found[0][0] == {0, 1, 2, 3}


def test_single_racks_are_counted_and_not_reserved() -> None:
    kept: Reservations = [{}, {1: (Kept(2, ()),)}]
    assert reserved(keeps(ARRAYS, 0), keeps(RACKS, 1), kept, np.zeros(0, np.int64)) == []


def test_without_time_there_is_no_guide() -> None:
    began = time.monotonic()
    found = bounding(compiled_instance("S", 0), 0.0)
    assert all(not guide.chosen.any() for guide in found.guides(2))
    assert time.monotonic() - began < 5.0


def test_a_search_follows_the_bound_where_starts_by_chance_are_dear() -> None:
    if not fast.available():
        fast.build()
    for size, follows in (("S", False), ("M", True)):
        compiled = compiled_instance(size, 2)
        search = Search(
            compiled,
            NumpyBackend().load(compiled).score,
            seed=0,
            time_limit_s=10.0,
            workers=1,
            stopped=lambda: False,
            report=lambda _phase, _best: None,
            engine="inline",
        )
        assert search.run().score.violation == 0
        assert (search.phases_s.get("follow", 0.0) > 0) == follows
