"""Steps of ruin and recreate: as machine code and in NumPy, from the same plan.

Both take steps from one first plan of each instance; sizes above `WHOLE_RACKS` racks are cut down
to their first regions, as rounds do. The plan is not improved on the way to either.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.instances import instance
from benchmarks.machine import machine
from kernels.cpu import NumpyBackend
from kernels.forms import Compiled, Ints, Shards
from scheduler.compile import compile_problem
from scheduler.planner import fast
from scheduler.planner.improve.regions import regions
from scheduler.planner.placing import Placer
from scheduler.planner.restrict import restrict, without
from scheduler.planner.ruin import Ruin
from scheduler.planner.starts import build, in_parts
from scheduler.planner.state import Ground
from scheduler.topology import Topology

WHOLE_RACKS = 512


@dataclass(frozen=True)
class Timed:
    """One instance."""

    size: str
    racks: int
    numpy_ms: float  # a step
    machine_code_ms: float
    numpy_gain: float  # of the margin, in the same time
    machine_code_gain: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--sizes", default="S,M,L,XL", help="instances (S,M,L,XL)")
    parser.add_argument("--seed", type=int, default=0, help="of instances and steps (0)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of steps each (4)")


def run(options: argparse.Namespace) -> int:
    """Time both on every instance and show a table; 1 if a plan breaks a limit."""
    if not fast.available():
        print("steps: run python -m scheduler.planner.fast first (extra fast)", file=sys.stderr)
        return 2
    fast.load()
    table = Table(title="steps of ruin and recreate")
    for name in ("instance", "racks", "NumPy ms", "machine code ms", "times as fast"):
        table.add_column(name, justify="right")
    table.add_column("NumPy gains", justify="right")
    table.add_column("machine code gains", justify="right")
    for size in options.sizes.split(","):
        found = time_steps(size, options.seed, options.seconds)
        table.add_row(
            size,
            f"{found.racks:,}",
            f"{found.numpy_ms:.2f}",
            f"{found.machine_code_ms:.3f}",
            f"{found.numpy_ms / found.machine_code_ms:.0f}",
            f"{found.numpy_gain:.2%}",
            f"{found.machine_code_gain:.2%}",
        )
    console = Console()
    console.print(table)
    console.print(f"{machine()['processor']}, {machine()['cores']} cores, {options.seconds} s each")
    return 0


def time_steps(size: str, seed: int, seconds: float) -> Timed:
    """Take steps for so many seconds with either; their plans are scored exactly."""
    compiled, plan = _part(size, seed)
    placer, score = Placer(Ground(compiled)), NumpyBackend().load(compiled).score
    before = score(plan)
    took, gains = [], []
    for search in (Ruin(placer, plan, seed), fast.ruin(placer, plan, seed)):
        steps, began = 0, time.monotonic()
        while time.monotonic() < began + seconds:
            at_once = 10 if isinstance(search, Ruin) else 1_000
            search.run(at_once, lambda: False)
            steps += at_once
        took.append(1000 * (time.monotonic() - began) / steps)
        after = score(search.best)
        if after.violation > before.violation:
            raise SystemExit(f"steps: {size}: expected a plan inside all limits, is not")
        gains.append((after.margin_mills - before.margin_mills) / max(1, abs(before.margin_mills)))
    return Timed(size, compiled.num_racks, *took, *gains)


def _part(size: str, seed: int) -> tuple[Compiled, Shards]:
    """Return a problem of at most `WHOLE_RACKS` racks and a first plan."""
    problem = instance(size, seed)
    compiled = compile_problem(problem, Topology(problem.site))
    start = in_parts(Placer(Ground(compiled)), "density", seed)[0]
    plan = build(compiled, replace(start, steps=0))
    if compiled.num_racks <= WHOLE_RACKS:
        return compiled, plan
    chosen: list[Ints] = []
    for region in regions(compiled):
        if sum(map(len, chosen)) + len(region) > WHOLE_RACKS:
            break
        chosen.append(region)
    racks = np.sort(np.concatenate(chosen))
    outside = np.isin(np.arange(compiled.num_jobs), plan.job[~np.isin(plan.rack, racks)])
    jobs = np.flatnonzero(~outside)
    part = restrict(compiled, jobs, racks, without(plan, ~outside))
    return part.compiled, part.to_part(plan)
