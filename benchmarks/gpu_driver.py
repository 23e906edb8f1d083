"""Every kernel once on the GPU, on a small problem: what memory checkers and profilers run."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.kernel_cases import random_batch, random_scenarios
from benchmarks.synthetic import synthetic
from kernels import reference
from kernels.backend import select
from kernels.batch import MoveSets
from kernels.candidates import all_candidates


def main() -> int:
    """Run score, batch, scenarios and sweep; 0 if the score is right and the GPU answered."""
    backend, line = select("cuda")
    print(line)
    if backend.name != "cuda":
        return 1
    compiled, shards = synthetic(300, 333, severity="tight")
    rng = np.random.default_rng(0)
    evaluator = backend.load(compiled)
    is_right = all(evaluator.score(shards) == reference.score(compiled, shards) for _ in range(2))
    evaluator.score_batch(shards, random_batch(compiled, shards, 40, 8, rng))
    evaluator.score_scenarios(shards, MoveSets.build([[]]), random_scenarios(compiled, 100, rng))
    evaluator.sweep(shards, all_candidates(compiled, shards), 4)
    print(*evaluator.notes, sep="\n")
    return 0 if is_right and not evaluator.notes else 1


if __name__ == "__main__":
    sys.exit(main())
