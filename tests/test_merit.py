"""What a job is worth for what its room is worth, and steps that go by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.instances import instance
from kernels.forms import Compiled, Shards
from scheduler.compile import compile_problem
from scheduler.planner import fast, starts
from scheduler.planner.fast import columns as c
from scheduler.planner.improve.tasks import Work, ruin_part
from scheduler.planner.placing import MOST_MERIT, Placer, merit_of
from scheduler.planner.starts import in_parts
from scheduler.planner.state import Ground
from scheduler.topology import Topology

pytest.importorskip("numba", reason="the extra fast is not installed")

from scheduler.planner.fast.board import Board, board_of
from scheduler.planner.fast.desk import desk_of
from scheduler.planner.fast.recreate import recreate
from scheduler.planner.fast.run import FastRuin
from scheduler.planner.fast.steps import begin, draw

TIMES = 400  # that something random is done


@pytest.fixture(scope="module", autouse=True)
def machine_code() -> None:
    if not fast.available():
        fast.build()


def some_compiled() -> Compiled:
    problem = instance("S", 0)
    return compile_problem(problem, Topology(problem.site))


def some_profit(placer: Placer) -> NDArray[np.float64]:
    """Return a profit by which every job has another merit, and has it for no other reason."""
    worth = (placer.value * placer.want).astype(np.float64)
    shares = np.random.default_rng(0).permutation(len(worth)) / len(worth)
    profit: NDArray[np.float64] = worth * (shares - 0.5)
    return profit


def nothing() -> Shards:
    return Shards.build(*np.zeros((3, 0), np.int64))


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(-1e9, 1e9)), min_size=1, max_size=20))
def test_merit_is_above_one_where_a_job_pays(jobs: list[tuple[int, float]]) -> None:
    worth = np.array([each[0] for each in jobs], np.int64)
    profit = np.minimum(np.array([each[1] for each in jobs]), worth)
    merit = merit_of(worth, profit)
    assert ((merit >= 0) & (merit <= MOST_MERIT * (1 + 1e-9))).all()
    assert (merit[worth == 0] == 0).all()
    assert (merit[(profit > 1e-3 * worth) & (worth > 0)] > 1).all()
    assert (merit[profit < -1e-3 * worth] < 1).all()


def test_merit_by_hand() -> None:
    merit = merit_of(np.array([100, 100, 100, 0]), np.array([50.0, -300.0, 100.0, 0.0]))
    assert merit.tolist() == [2.0, 0.25, MOST_MERIT, 0.0]


def test_a_board_holds_merits_where_they_are_known() -> None:
    ground = Ground(some_compiled())
    unknown = board_of(Placer(ground))
    assert not unknown.job[:, c.MERIT].any()
    assert not unknown.tally[c.IS_PRICED]
    placer = Placer(ground, some_profit(Placer(ground)))
    assert placer.merit is not None
    board = board_of(placer)
    assert np.array_equal(board.job[:, c.MERIT], (placer.merit * 1000).astype(np.int64))
    assert len(set(board.job[:, c.MERIT].tolist())) > 0.9 * len(board.job)
    assert board.tally[c.IS_PRICED] == 1


def places(board: Board) -> list[float]:
    """Return places of all jobs by merit, 0 for the least and 1 for the highest."""
    order = np.argsort(np.argsort(board.job[:, c.MERIT], kind="stable"))
    return [float(each) for each in order / (len(order) - 1)]


@pytest.mark.parametrize(("is_priced", "least", "most"), [(False, 0.4, 0.6), (True, 0.6, 0.75)])
def test_jobs_that_wait_are_drawn_rather_if_they_pay(
    is_priced: bool, least: float, most: float
) -> None:
    """The better one of two comes at two thirds on average."""
    ground = Ground(some_compiled())
    place = places(board_of(Placer(ground, some_profit(Placer(ground)))))
    board = board_of(Placer(ground, some_profit(Placer(ground)) if is_priced else None))
    begin(board, desk_of(board), 1)
    drawn = [place[draw(board, int(board.waiting[-1]))] for _ in range(TIMES)]
    assert least < float(np.mean(drawn)) < most


def test_steps_order_by_merit_where_it_is_known() -> None:
    """Half of the time by merit and a little noise, which is far more than other orders give."""
    ground = Ground(some_compiled())
    profit = some_profit(Placer(ground))
    place = np.array(places(board_of(Placer(ground, profit))))

    def first_ones(priced: NDArray[np.float64] | None) -> float:
        board = board_of(Placer(ground, priced))
        desk = desk_of(board)
        begin(board, desk, 1)
        jobs = np.flatnonzero(board.job[:, c.MOVABLE])
        found = []
        for _ in range(TIMES):
            desk.listed[: len(jobs)] = jobs
            recreate(board, desk, len(jobs), 1.0)
            found.append(place[jobs[desk.order[: len(jobs) // 4]]].mean())
        return float(np.mean(found))

    assert first_ones(profit) > first_ones(None) + 0.1


class Searches:
    """Remembers the merits of all searches that are begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.merits: list[NDArray[np.float64] | None] = []

        def ruin(placer: Placer, shards: Shards, seed: int) -> FastRuin:
            self.merits.append(placer.merit)
            return FastRuin(placer, shards, seed)

        monkeypatch.setattr(fast, "ruin", ruin)


def test_rounds_know_what_the_bound_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, searches = some_compiled(), Searches(monkeypatch)
    placer = Placer(Ground(compiled))
    profit = some_profit(placer)
    plan = starts.build(compiled, in_parts(placer, "worth", 0)[0])
    racks = np.arange(compiled.num_racks // 2)
    jobs = np.setdiff1d(np.arange(compiled.num_jobs), plan.job[plan.rack >= len(racks)])
    work = Work(plan, jobs, racks, 1, 10, 10, 2.0**40)
    ruin_part(compiled, replace(work, profit=profit))
    merit = merit_of(placer.value * placer.want, profit)
    assert np.array_equal(as_array(searches.merits.pop()), merit[jobs])
    ruin_part(compiled, work)
    assert searches.merits.pop() is None


def test_a_first_plan_that_knows_profits_orders_jobs_by_them_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its steps go by density and size as others do: only rounds go by merit."""
    compiled, searches = some_compiled(), Searches(monkeypatch)
    placer = Placer(Ground(compiled))
    (start,) = starts.by_profit(placer, 0, 0, some_profit(placer))
    starts.build(compiled, start)
    assert searches.merits == [None]


def as_array(merit: NDArray[np.float64] | None) -> NDArray[np.float64]:
    assert merit is not None
    return merit
