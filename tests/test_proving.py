"""Programs of the bound are solved beside the rounds, or in their place where nobody else is."""

from __future__ import annotations

import pytest

from benchmarks.instances import instance
from kernels.cpu import NumpyBackend
from scheduler.compile import compile_problem
from scheduler.planner.course import Course
from scheduler.planner.engine import make_engine
from scheduler.planner.engine.choose import Name
from scheduler.planner.placing import Placer
from scheduler.planner.proving import Proving
from scheduler.planner.starts import build, in_parts
from scheduler.planner.state import Ground
from scheduler.topology import Topology


@pytest.mark.parametrize("name", ["inline", "local"])
def test_a_program_proves_more_than_the_relaxations_before_it(name: Name) -> None:
    problem = instance("XS", 1)
    compiled = compile_problem(problem, Topology(problem.site))
    score = NumpyBackend().load(compiled).score
    course = Course(compiled, score, 30.0, lambda: False, lambda *_: None)
    (start,) = in_parts(Placer(Ground(compiled)), "density", 0)
    course.offer(build(compiled, start))
    proving = Proving(course)
    with make_engine(name, compiled, workers=2) as engine:
        proving.begin(engine, seed=0)
        proving.go_on(engine)
        assert course.best.bound_mills is not None
        assert (proving.beside is None) == (name == "inline")  # there it has been solved already
        proving.wait(engine)
    assert proving.bounding is not None
    known = proving.bounding.known
    assert known["program"] < min(known["volume"], known.get("columns", known["volume"]))
    assert course.best.bound_mills == known["program"] >= course.best.score.margin_mills
    assert course.best.bound_by == "program"
