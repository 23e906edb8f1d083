"""The workloads of the kernels: what is run, what it must equal, and what it costs at least."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kernels import reference
from kernels.backend import Evaluator
from kernels.batch import MoveSets, swaps
from kernels.candidates import Candidates, all_candidates
from kernels.forms import Compiled, Ints, LinearLoad, Shards
from kernels.linear_table import LinearTable
from kernels.moves import apply
from kernels.scenarios import LOAD_ONE, Scenarios, score_scenarios
from kernels.sweep import Sweeper, rowwise

Run = Callable[[Evaluator], Any]
SAMPLE = 30  # results that are compared with the slow path


@dataclass(frozen=True)
class Case:
    """A workload of one problem."""

    name: str
    items: int  # plans, moves or (plan, scenario) pairs that one run works out
    item: str
    moved_bytes: float  # read and written at least, each array once
    operations: float  # additions and comparisons at least
    run: Run
    is_right: Callable[[Any], bool]
    naive: Callable[[], float] | None = None  # seconds of the row-by-row path for all items
    problem: Compiled | None = None  # instead of the whole one


def cases(
    compiled: Compiled, shards: Shards, *, plans: int, moves: int, scenarios: int, seed: int
) -> list[Case]:
    """Return the workloads of a problem.

    Bytes and operations are counted from the arrays: every shard and every entry of a row is
    read once for a score; a batch reads what its moves touch; a sweep writes and reads one number
    a family and rack in the factorised form, counted as candidates + racks by class.
    """
    table = LinearTable(compiled)
    power = replace(
        compiled, forms=tuple(form for form in compiled.forms if isinstance(form, LinearLoad))
    )
    entries, racks = len(table.row), compiled.num_racks
    shard_bytes, entry_bytes = 16 * len(shards.job), 16 * entries
    rng = np.random.default_rng(seed)
    batch = random_batch(compiled, shards, plans, moves, rng)
    pairs = rng.integers(0, len(shards.job), (2, plans))
    exchange = swaps(shards, pairs[0], np.where(pairs[0] == pairs[1], pairs[1] - 1, pairs[1]))
    sampled = random_scenarios(compiled, scenarios, rng)
    asked = all_candidates(compiled, shards)
    touched = 2 * moves * (entries / max(1, racks))
    found = [
        Case(
            "score, all terms",
            1,
            "plans",
            shard_bytes + entry_bytes,
            2 * (entries + len(shards.job) * len(compiled.forms)),
            lambda who: who.score(shards),
            lambda got: got == reference.score(compiled, shards),
        ),
        Case(
            f"batch of {moves} moves, all terms",
            plans,
            "plans",
            plans * touched * 32,
            plans * touched * 6,
            lambda who: who.score_batch(shards, batch),
            lambda got: batch_is_right(compiled, shards, batch, got),
        ),
        Case(
            f"batch of {moves} moves, power and thermal",
            plans,
            "plans",
            plans * touched * 32,
            plans * touched * 6,
            lambda who: who.score_batch(shards, batch),
            lambda got: batch_is_right(power, shards, batch, got),
            problem=power,
        ),
        Case(
            "swaps of two shards, all terms",
            plans,
            "swaps",
            plans * 4 * (entries / max(1, racks)) * 32,
            plans * 4 * (entries / max(1, racks)) * 6,
            lambda who: who.score_batch(shards, exchange),
            lambda got: batch_is_right(compiled, shards, exchange, got),
        ),
        Case(
            f"{scenarios} scenarios of one plan",
            scenarios,
            "scenarios",
            16 * table.num_rows + 40 * scenarios,
            5 * table.num_rows + scenarios,
            lambda who: who.score_scenarios(shards, MoveSets.build([[]]), sampled),
            lambda got: scenarios_are_right(compiled, shards, sampled, got),
        ),
    ]
    classes = len(np.unique(np.stack((asked.job * 0, asked.units), axis=1), axis=0))
    sweeper = Sweeper(compiled)
    found += [
        Case(
            f"sweep of all moves, top {top}",
            len(asked) * racks,
            "moves",
            16 * (entries + racks * classes) + 40 * len(asked) * top,
            2 * entries * classes + len(asked) * top,
            _sweep(shards, asked, top),
            _sweep_check(compiled, shards, asked, top, sweeper, rng),
            _naive(compiled, shards, asked, rng) if top == 1 else None,
        )
        for top in (1, 16)
    ]
    return found


def random_batch(
    compiled: Compiled, shards: Shards, plans: int, moves: int, rng: np.random.Generator
) -> MoveSets:
    """Return plans that each move some different shards, whole, to racks anywhere."""
    moves = min(moves, len(shards.job))
    chosen = np.concatenate([rng.permutation(len(shards.job))[:moves] for _ in range(plans)])
    return MoveSets(
        start=np.arange(plans + 1) * moves,
        job=shards.job[chosen],
        source=shards.rack[chosen],
        target=rng.integers(0, compiled.num_racks, len(chosen)).astype(np.int32),
        units=shards.units[chosen],
    )


def random_scenarios(compiled: Compiled, count: int, rng: np.random.Generator) -> Scenarios:
    """Return scenarios of 64 states; loads between 70 % and 105 %, limits down by up to 1 %."""
    rows = [form for form in compiled.forms if isinstance(form, LinearLoad)]
    limit = np.concatenate([np.zeros(0, np.int64), *(form.limit for form in rows)])
    return Scenarios(
        state_of_row=rng.integers(0, 64, len(limit)).astype(np.int32),
        state=rng.integers(0, 64, count).astype(np.int32),
        profile_of_job=rng.integers(0, 3, compiled.num_jobs).astype(np.int32),
        load=rng.integers(LOAD_ONE * 70 // 100, LOAD_ONE * 105 // 100, (count, 3)),
        ambient=rng.integers(0, 11, count),
        slope=np.where(limit < 2**40, np.abs(limit) // 1000, 0),
    )


def batch_is_right(
    compiled: Compiled, base: Shards, sets: MoveSets, got: tuple[Ints, Ints, Ints]
) -> bool:
    """Return whether a sample of a batch equals the scores of the plans written out whole."""
    for plan in range(0, sets.num_plans, max(1, sets.num_plans // 3)):
        score = reference.score(compiled, apply(base, sets.moves(plan)))
        found = tuple(int(each[plan]) for each in got)
        if found != (score.violation, score.unmet_firm_gpus, score.margin_mills):
            return False
    return True


def scenarios_are_right(compiled: Compiled, base: Shards, sampled: Scenarios, got: Any) -> bool:
    """Return whether a few scenarios by themselves give the same numbers."""
    some = np.arange(0, sampled.num_scenarios, max(1, sampled.num_scenarios // 5))
    part = replace(
        sampled,
        state=sampled.state[some],
        load=sampled.load[some],
        ambient=sampled.ambient[some],
    )
    alone = score_scenarios(compiled, base, MoveSets.build([[]]), part)
    return bool((alone.violation == got.violation[:, some]).all())


def _sweep(shards: Shards, asked: Candidates, top: int) -> Run:
    return lambda who: who.sweep(shards, asked, top)


def _sweep_check(
    compiled: Compiled,
    shards: Shards,
    asked: Candidates,
    top: int,
    sweeper: Sweeper,
    rng: np.random.Generator,
) -> Callable[[Any], bool]:
    def is_right(got: Any) -> bool:
        some = np.sort(rng.permutation(len(asked))[:SAMPLE])
        rank = None if sweeper.layout is None else sweeper.layout.rank
        expected = rowwise.sweep(compiled, shards, asked.take(some), top, rank)
        names = ("rack", "violation", "unmet_firm_gpus", "margin_mills")
        return all((getattr(got, n)[some] == getattr(expected, n)).all() for n in names)

    return is_right


def _naive(
    compiled: Compiled, shards: Shards, asked: Candidates, rng: np.random.Generator
) -> Callable[[], float]:
    """Return how the row-by-row sweep is timed: on a sample, scaled to all candidates."""

    def seconds() -> float:
        some = np.sort(rng.permutation(len(asked))[:SAMPLE])
        rowwise.sweep(compiled, shards, asked.take(some[:1]))  # what is worked out once
        once = time.perf_counter()
        rowwise.sweep(compiled, shards, asked.take(some[:1]))
        began = time.perf_counter()
        rowwise.sweep(compiled, shards, asked.take(some))
        each = (time.perf_counter() - began - (began - once)) / (len(some) - 1)
        return each * len(asked)

    return seconds
