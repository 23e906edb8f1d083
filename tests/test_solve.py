"""What `solve` says of its plans, and what it refuses to say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler import planner
from scheduler import solve as pipeline
from scheduler.check import Verdict
from scheduler.model import Problem
from scheduler.planner import Search
from scheduler.planner.course import Course
from scheduler.solve import Progress, Solution, proven_gap, solve
from tests import build


class Listener:
    """A watch that keeps what it hears."""

    def __init__(self) -> None:
        self.progressed: list[Progress] = []
        self.kept: list[Solution] = []

    def progress(self, progress: Progress) -> None:
        """Keep where the search stands."""
        self.progressed.append(progress)

    def incumbent(self, solution: Solution) -> None:
        """Keep the plan."""
        self.kept.append(solution)

    def stopped(self) -> bool:
        """Let the search go on."""
        return False

    def reserve_s(self) -> float:
        """Keep no time."""
        return 0.0


def small() -> Problem:
    return build.problem(build.site(), [build.job("a", value_mills_per_gpu_h=2_000)])


def test_the_solution_is_checked_and_timed() -> None:
    listener = Listener()
    solution = solve(small(), time_limit_s=10, watch=listener)
    assert solution.status == "optimal"
    assert solution.verdict.checked
    assert {"compile", "check"} <= solution.phases_s.keys()
    assert listener.progressed
    scores = [kept.score for kept in listener.kept]
    assert scores == sorted(scores, reverse=True)
    assert len({score.key for score in scores}) == len(scores)
    assert not scores[-1] < solution.score
    margins = [point.margin_mills for point in solution.course]
    assert margins == sorted(margins)
    assert margins[-1] == solution.score.margin_mills
    assert solution.course[-1].bound_mills == solution.bound_mills


def test_a_plan_that_check_sees_otherwise_is_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = Listener()
    monkeypatch.setattr(pipeline, "check", lambda _problem, _plan: Verdict(()))
    with pytest.raises(RuntimeError, match="kernels and check disagree"):
        solve(small(), time_limit_s=10, watch=listener)
    assert listener.kept == []


def test_a_slow_start_leaves_half_the_time_to_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch wants more time for what comes after than there is at all."""
    given: list[float] = []

    class Timed(Search):
        def __post_init__(self) -> None:
            given.append(self.time_limit_s)
            super().__post_init__()

    class Slow(Listener):
        def reserve_s(self) -> float:
            return 100.0

    monkeypatch.setattr(planner, "Search", Timed)
    solve(small(), time_limit_s=10, watch=Slow())
    assert 0 < given[0] <= 5


def test_without_any_time_there_is_a_plan_all_the_same() -> None:
    solution = solve(small(), time_limit_s=0.0)
    assert solution.verdict.margin_mills > 0


def test_the_gap_is_a_share_of_the_bound() -> None:
    assert proven_gap(900, 1_000) == pytest.approx(0.1)
    assert proven_gap(1_001, 1_000) == 0.0
    assert proven_gap(-500, 100) == 1.0
    assert proven_gap(0, None) is None


def test_a_plan_above_its_bound_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that is too low is a defect, never a small gap."""
    monkeypatch.setattr(Course, "tighten", too_tight)
    with pytest.raises(RuntimeError, match="above the proven bound of 1 mills/h"):
        solve(small(), time_limit_s=10)


def too_tight(course: Course, *_anything: object) -> None:
    course.best = replace(course.best, bound_mills=1)
