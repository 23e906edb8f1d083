"""Solutions for tests, made from a plan by hand: compiled, scored and checked for real."""

from __future__ import annotations

from typing import Any

from kernels.reference import score
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Plan, Problem
from scheduler.solve import Solution
from scheduler.topology import Topology


def solution(problem: Problem, plan: Plan, **fields: Any) -> Solution:
    """A feasible solution without a bound; overrides by keyword."""
    topology = Topology(problem.site)
    compiled = compile_problem(problem, topology)
    default: dict[str, Any] = {
        "problem": problem,
        "topology": topology,
        "compiled": compiled,
        "plan": plan,
        "score": score(compiled, to_shards(compiled, plan)),
        "verdict": check(problem, plan),
        "bound_mills": None,
        "status": "feasible",
        "seed": 0,
        "backend": "cpu",
        "phases_s": {"construct": 0.5},
        "notes": (),
    }
    return Solution(**{**default, **fields})
