"""What a program over classes decides is laid out whole; a batch of plans comes back whole."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.instances import instance
from kernels.cpu import NumpyBackend
from kernels.forms import AssignmentCost, Compiled, Packing, Shards, Units
from kernels.reference import score
from scheduler.compile import compile_problem
from scheduler.planner import fast, guided_plans
from scheduler.planner.answer import Answer, Layout, followed, lay_out
from scheduler.planner.bound import Bounding
from scheduler.planner.classes import Classes
from scheduler.planner.course import Course
from scheduler.planner.engine import Engine, make_engine
from scheduler.planner.first_plans import FirstPlans
from scheduler.planner.guide import Guide
from scheduler.planner.guided_plans import GuidedPlans, large_waiting
from scheduler.planner.placing import Placer
from scheduler.planner.starts import ORDERS, Start, in_parts
from scheduler.planner.state import Ground
from scheduler.topology import Topology

FAR_AHEAD = 2.0**40  # a time that does not come


@cache
def compiled_instance(size: str, seed: int) -> Compiled:
    problem = instance(size, seed)
    return compile_problem(problem, Topology(problem.site))


def two_classes() -> tuple[Compiled, Answer]:
    """Two racks of each class, ten slots each; only sixes with fours fill them."""
    size = np.array([5, 5, 6, 6, 4, 4], np.int64)
    one, place = np.ones(6, np.int64), np.zeros(4, np.int32)
    compiled = Compiled(
        tuple(f"j{n}" for n in range(6)),
        tuple(f"r{n}" for n in range(4)),
        Units(one, one, one, 0 * one),
        (
            AssignmentCost(
                "margin", place, np.zeros((6, 1), np.int64), one[:, None] > 0, size, 0 * one
            ),
            Packing(
                "rack_capacity",
                place,
                size[:, None],
                np.zeros(6, np.int32),
                np.full(4, 10, np.int64),
                np.ones(4, np.int64),
                ("rack",),
            ),
        ),
    )
    classes = Classes(np.array([0, 0, 1, 1], np.int32))
    units = np.zeros((6, 2), np.int64)
    units[:2, 1] = units[2:, 0] = 1
    return compiled, Answer(classes, units)


def test_an_answer_narrows_the_problem_to_its_classes() -> None:
    compiled, answer = two_classes()
    narrow = answer.narrowed(compiled)
    at_home = Shards.build(np.array([0, 2]), np.array([3, 1]), np.array([1, 1]))
    astray = Shards.build(np.array([0, 2]), np.array([3, 2]), np.array([1, 1]))
    assert score(narrow, at_home).violation == 0
    assert score(narrow, astray).violation > 0
    assert answer.kept_by(at_home).job.tolist() == [0, 2]
    assert answer.kept_by(astray).job.tolist() == [0]


@pytest.mark.parametrize("fast_steps", [True, False])
def test_an_answer_is_laid_out_whole(fast_steps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if fast_steps and not fast.available():
        pytest.skip("needs machine code of the steps")
    monkeypatch.setattr(fast, "available", lambda: fast_steps)
    compiled, answer = two_classes()
    plan = lay_out(compiled, Layout(answer, seed=1, until=FAR_AHEAD))
    assert sorted(plan.job.tolist()) == list(range(6))
    assert score(compiled, plan).violation == 0
    assert len(answer.kept_by(plan).job) == 6


def test_plans_that_follow_an_answer_break_nothing_and_reach_it() -> None:
    """On S seed 3 the program's optimum is 0.25 % above what a minute of steps finds."""
    if not fast.available():
        pytest.skip("needs machine code of the steps")
    compiled = compiled_instance("S", 3)
    score_of = NumpyBackend().load(compiled).score
    course = Course(compiled, score_of, 60.0, lambda: False, lambda *_: None)
    with make_engine("inline", compiled, workers=1) as engine:
        bounding = Bounding(compiled, course.best.shards, True, engine, 20.0, 0, lambda: False)
        bounding.begin()
        task = bounding.next(40.0)
        assert task is not None
        (result,) = engine.run([task], deadline=FAR_AHEAD, stopped=lambda: False)
        answer = bounding.take(result)
    assert answer is not None
    assert answer.units.shape == (compiled.num_jobs, answer.classes.count)
    tries = [followed(compiled, answer, seed, 20_000, lambda: False) for seed in range(4)]
    plans = [plan for each in tries for plan in each]
    assert all(score_of(plan).violation == 0 for plan in plans)
    best = max(score_of(plan).margin_mills for plan in plans)
    proven = bounding.known["program"]
    assert proven * (1 - 1e-3) <= best <= proven


def test_a_failed_program_has_no_answer() -> None:
    compiled = compiled_instance("XS", 1)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    with make_engine("inline", compiled, workers=1) as engine:
        bounding = Bounding(compiled, nothing, True, engine, 10.0, 0, lambda: False)
        bounding.begin()
        known = dict(bounding.known)
        assert bounding.take(None) is None
    assert bounding.known == known


# ---- plans that are built at the same time


def first_plans(compiled: Compiled, engine: Engine) -> FirstPlans:
    score_of = NumpyBackend().load(compiled).score
    course = Course(compiled, score_of, 60.0, lambda: False, lambda *_: None)
    return FirstPlans(course, engine, Placer(Ground(compiled)), 0, by_steps=True)


def test_every_plan_of_a_batch_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compiled_instance("S", 0)
    monkeypatch.setattr("scheduler.planner.starts.SETTLE_STEPS", 0)
    with make_engine("inline", compiled, workers=1) as engine:
        plans = first_plans(compiled, engine)
        starts = [in_parts(plans.placer, order, 0) for order in ORDERS]
        together = plans._build(starts)
        alone = [plans._build([start])[0] for start in starts]
    assert len(together) == len(starts)
    for one, other in zip(together, alone, strict=True):
        assert one is not None
        assert other is not None
        assert np.array_equal(one.job, other.job)
        assert np.array_equal(one.rack, other.rack)
    best = max(plans.course.score(plan).margin_mills for plan in alone if plan is not None)
    assert plans.course.best.score.margin_mills == best


# ---- large jobs that the relaxation leaves open


def placer_of(size: str, seed: int) -> Placer:
    return Placer(Ground(compiled_instance(size, seed)))


def test_large_jobs_without_a_place_are_listed_largest_first() -> None:
    placer = placer_of("M", 0)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    worth = (placer.value * placer.want).astype(np.float64)
    listed = large_waiting(placer, 0.0 * worth, nothing)
    assert len(listed) > 1
    assert (np.diff(placer.slots[listed]) <= 0).all()
    packing = placer.compiled.packing
    assert packing is not None
    all_slots = (packing.bins * packing.bin_size).sum()
    assert (placer.slots[listed] > guided_plans.LARGE * all_slots).all()
    placed = Shards.build(listed[:1], np.zeros(1, np.int64), np.ones(1, np.int64))
    assert large_waiting(placer, 0.0 * worth, placed).tolist() == listed[1:].tolist()
    assert not len(large_waiting(placer, -0.5 * worth, nothing))  # too dear to be tried


def test_a_large_job_stays_chosen_only_if_its_plan_is_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plans are made up: worth a rack's slots more with one of the large jobs than without."""
    placer = placer_of("M", 0)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    listed = large_waiting(placer, np.zeros(placer.compiled.num_jobs), nothing).tolist()
    good = listed[2]
    asked: list[list[int]] = []

    class Scored(Course):
        def margin(self, jobs: list[int]) -> int:
            return 1_000 + 100 * (good in jobs) - len(jobs)

    def build(starts: list[list[Start]]) -> list[Shards | None]:
        plans: list[Shards | None] = []
        for parts in starts:
            assert parts[0].guide is not None
            jobs = np.flatnonzero(parts[0].guide.chosen)
            asked.append(jobs.tolist())
            plans.append(Shards.build(jobs, 0 * jobs, 0 * jobs + 1))
        return plans

    score_of = NumpyBackend().load(placer.compiled).score
    course = Scored(placer.compiled, score_of, 1e6, lambda: False, lambda *_: None)
    plans = GuidedPlans(course, placer, 0, np.zeros(placer.compiled.num_jobs), build)
    monkeypatch.setattr(
        plans, "_margin", lambda plan: -1 if plan is None else course.margin(plan.job.tolist())
    )
    none = np.zeros(placer.compiled.num_jobs, bool)
    plans.run([Guide(none, {})] * 2)
    assert asked[:2] == [[], []]
    assert {job for jobs in asked for job in jobs} == set(listed)
    later = asked[asked.index([good]) + 2 :] if listed.index(good) % 2 == 0 else asked[-1:]
    assert later
    assert all(good in jobs for jobs in later)  # the others come on top of it
    assert all(len(jobs) <= 2 for jobs in asked)  # none of those that made it worse stayed


def test_time_that_is_left_goes_to_plans_with_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    placer = placer_of("M", 0)
    profit = (placer.value * placer.want).astype(np.float64)
    monkeypatch.setattr(guided_plans, "large_waiting", lambda *_: np.zeros(0, np.int64))
    tried: list[Start] = []

    def build(starts: list[list[Start]]) -> list[Shards | None]:
        tried.extend(part for (part,) in starts)
        return [Shards.build(*np.zeros((3, 0), np.int64)) for _ in starts]

    score_of = NumpyBackend().load(placer.compiled).score
    course = Course(placer.compiled, score_of, 1e6, lambda: False, lambda *_: None)
    guide = Guide(np.zeros(placer.compiled.num_jobs, bool), {})
    GuidedPlans(course, placer, 0, profit, build).run([guide, guide])
    assert len(tried) == guided_plans.MOST_PLANS
    assert len({start.seed for start in tried}) == len(tried)
    profits = [start.profit for start in tried if start.profit is not None]
    assert all((each == profit).all() for each in profits[:2])
    assert len({each.tobytes() for each in profits}) == len(tried) - 1
    assert all(abs(np.log(each[profit > 0] / profit[profit > 0])).max() < 2 for each in profits)


def test_guides_insist_on_one_more_job() -> None:
    guide = Guide(np.zeros(3, bool), {})
    more = guide.insisting(1)
    assert more.chosen.tolist() == [False, True, False]
    assert guide.chosen.tolist() == [False] * 3
    assert more.kept is guide.kept
