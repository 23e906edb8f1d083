"""What a search does when rounds hardly gain: another way first, or none and rounds again."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.instances import Axes, instance
from kernels.forms import Shards
from kernels.reference import score
from kernels.score import Score
from scheduler.compile import compile_problem
from scheduler.planner import search
from scheduler.planner.classes import alike_racks
from scheduler.planner.engine import make_engine
from scheduler.planner.placing import Placer
from scheduler.planner.proving import Proving
from scheduler.planner.search import STALE_ROUNDS, Search
from scheduler.planner.state import Ground
from scheduler.topology import Topology

ENOUGH = 4 * STALE_ROUNDS


class IdleRounds:
    """Rounds that never gain."""

    def __init__(self, *_: object) -> None:
        self.number = self.idle = 0
        self.profit: object = None

    def run(self, shards: Shards, found: Score, **_: object) -> tuple[Shards, Score]:
        """Return the plan as it is."""
        self.number += 1
        self.idle += 1
        return shards, found


@pytest.mark.parametrize(
    ("size", "by_steps", "rounds", "programs"),
    [
        ("M", True, ENOUGH, 0),  # steps may find more at any time
        ("M", False, 2 * STALE_ROUNDS, 1),
        ("S", True, STALE_ROUNDS, 0),  # small: what steps find, they find soon
        ("S", False, STALE_ROUNDS, 1),  # begins with the program
    ],
)
def test_where_rounds_hardly_gain(
    monkeypatch: pytest.MonkeyPatch, size: str, by_steps: bool, rounds: int, programs: int
) -> None:
    problem = instance(size, 0, Axes())
    compiled = compile_problem(problem, Topology(problem.site))
    made: list[IdleRounds] = []
    called: list[object] = []

    def idle_rounds(*arguments: object) -> IdleRounds:
        made.append(IdleRounds(*arguments))
        return made[-1]

    def enough() -> bool:
        return bool(made) and made[-1].number >= ENOUGH

    profit = np.zeros(compiled.num_jobs)
    monkeypatch.setattr(Proving, "profit", profit)
    monkeypatch.setattr(search, "Rounds", idle_rounds)
    monkeypatch.setattr(Search, "_class_program", lambda _self, classes: called.append(classes))
    found = Search(
        compiled,
        lambda shards: score(compiled, shards),
        seed=0,
        time_limit_s=600.0,
        workers=1,
        stopped=enough,
        report=lambda _phase, _best: None,
        by_steps=by_steps,
    )
    found.course.offer(Shards.build(*np.zeros((3, 0), np.int64)))
    with make_engine("inline", compiled, workers=1) as engine:
        found._improve(engine, Placer(Ground(compiled)), alike_racks(compiled, 16))
    assert made[-1].number == rounds
    assert len(called) == programs
    assert made[-1].profit is profit  # rounds know the prices of the bound
