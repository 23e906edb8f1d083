"""Runs every kernel on random problems and compares with NumPy; a process of its own.

``python -m tests.cuda_shim.driver FOLDER plain|sanitized [SEEDS]`` exits with 1 and a line if a
result differs; the sanitizers end it where memory or arithmetic goes wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kernels import reference
from kernels.batch import MoveSets
from kernels.batch_score import score_batch
from kernels.cuda import sources
from kernels.cuda.evaluator import CudaEvaluator
from kernels.forms import UNLIMITED, Compiled, GroupPresence, LinearLoad
from kernels.scenarios import score_scenarios
from kernels.sweep import Sweeper
from tests.cuda_shim.device import PLAIN, SANITIZED, ShimDevice, compiler
from tests.random_compiled import random_compiled, random_moves, random_shards
from tests.test_scenarios import as_lists, random_scenarios
from tests.test_sweep import columns, some_candidates

PROJECT = Path(__file__).resolve().parent.parent.parent
FLAGS = {"plain": PLAIN, "sanitized": SANITIZED}


def differences(device: ShimDevice, seeds: int) -> list[str]:
    """Return the workloads whose result differs from NumPy's, with the seed."""
    wrong = []
    for seed in range(seeds):
        for name, compiled in (
            ("random", random_compiled(seed)),
            ("heavy", heavy(random_compiled(seed))),
            ("dear", dear(random_compiled(seed))),
        ):
            for workload, is_equal in workloads(compiled, device, seed).items():
                if not is_equal():
                    wrong.append(f"{workload} of {name} problem {seed}")
    return wrong


def workloads(compiled: Compiled, device: ShimDevice, seed: int) -> dict[str, Callable[[], bool]]:
    """Return for each workload whether the device agrees with NumPy."""
    shards = random_shards(compiled, seed)
    sets = MoveSets.build([random_moves(compiled, shards, seed + p) for p in range(3)] + [[]])
    scenarios, asked = random_scenarios(compiled, seed), some_candidates(compiled, shards, seed)
    evaluator = CudaEvaluator(compiled, device)

    def lists(found: Any) -> list[Any]:
        return [each.tolist() for each in found]

    return {
        "score": lambda: evaluator.score(shards) == reference.score(compiled, shards),
        "batch": lambda: (
            lists(evaluator.score_batch(shards, sets)) == lists(score_batch(compiled, shards, sets))
        ),
        "scenarios": lambda: (
            as_lists(evaluator.score_scenarios(shards, sets, scenarios))
            == as_lists(score_scenarios(compiled, shards, sets, scenarios))
        ),
        "sweep": lambda: (
            columns(evaluator.sweep(shards, asked, 2))
            == columns(Sweeper(compiled).sweep(shards, asked, 2))
        ),
    }


def heavy(compiled: Compiled) -> Compiled:
    """Return a problem whose loads are beyond 32 bits."""
    forms = (
        replace(
            form,
            demand=form.demand * 2**28,
            base=form.base * 2**28,
            limit=np.where(form.limit < UNLIMITED, form.limit * 2**28, form.limit),
        )
        if isinstance(form, LinearLoad)
        else form
        for form in compiled.forms
    )
    return replace(compiled, forms=tuple(forms))


def dear(compiled: Compiled) -> Compiled:
    """Return a problem whose prices are beyond 32 bits when they are packed."""
    forms = (
        replace(form, price_mills=form.price_mills * 2**26)
        if isinstance(form, GroupPresence)
        else form
        for form in compiled.forms
    )
    return replace(compiled, forms=tuple(forms))


def run_alone(folder: Path, how: str, seeds: int) -> subprocess.CompletedProcess[str]:
    """Run this module in a process of its own, with the sanitizers loaded if they are asked for."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    if how == "sanitized":
        asked = [str(compiler()), "-print-file-name=libasan.so"]
        found = subprocess.run(asked, capture_output=True, text=True, check=True)
        environment["LD_PRELOAD"] = found.stdout.strip()
        environment["ASAN_OPTIONS"] = "detect_leaks=0:detect_stack_use_after_return=0"
        environment["PYTHONMALLOC"] = "malloc"
    command = [sys.executable, "-m", "tests.cuda_shim.driver", str(folder), how, str(seeds)]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def main(arguments: list[str]) -> int:
    """Run the driver; 0 if everything is equal."""
    folder, how, seeds = Path(arguments[0]), arguments[1], int(arguments[2])
    found = [
        line
        for order in (0, 2)
        for line in differences(ShimDevice(order, FLAGS[how], folder), seeds)
    ]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [str(sources.FOLDER), "plain", "2"]))
