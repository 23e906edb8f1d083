"""Problems, their best plans and their bounds, for tests of bounds."""

from __future__ import annotations

import time
from functools import cache

from benchmarks.instances import instance
from kernels.forms import Compiled
from kernels.reference import score
from scheduler.compile import compile_problem
from scheduler.planner import Best, Search
from scheduler.planner.bound import Bounded, bound
from scheduler.planner.bound.columns import Decomposition
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.outline import Outline, in_blocks
from scheduler.planner.engine import make_engine
from scheduler.topology import Topology
from tests.random_problems import random_problem

ENGINE = make_engine("inline", None, workers=1)


@cache
def compiled_problem(seed: int) -> Compiled:
    problem = random_problem(seed)
    return compile_problem(problem, Topology(problem.site))


@cache
def compiled_instance(seed: int) -> Compiled:
    problem = instance("S", seed)
    return compile_problem(problem, Topology(problem.site))


@cache
def best_plan(seed: int) -> Best:
    """The optimum, mostly: these problems are tiny."""
    return search(compiled_problem(seed), 10.0)


def search(compiled: Compiled, time_limit_s: float) -> Best:
    return Search(
        compiled,
        lambda shards: score(compiled, shards),
        seed=0,
        time_limit_s=time_limit_s,
        workers=1,
        stopped=lambda: False,
        report=lambda _phase, _best: None,
    ).run()


def bounded(compiled: Compiled, best: Best, time_limit_s: float = 5.0) -> Bounded:
    return bound(
        compiled,
        best=best.shards,
        met_all=best.score.unmet_firm_gpus == 0,
        engine=ENGINE,
        time_limit_s=time_limit_s,
        seed=0,
        stopped=lambda: False,
    )


def decomposition(compiled: Compiled, most_classes: int, time_limit_s: float) -> Decomposition:
    block_of_job, _ = blocks_of_jobs(compiled)
    outline = Outline.of(compiled, in_blocks(block_of_job), most_classes, 0)
    return Decomposition(
        outline.cut(block_of_job),
        outline.lowered.arrays.constant,
        ENGINE,
        time.monotonic() + time_limit_s,
        lambda: False,
        0,
    )
