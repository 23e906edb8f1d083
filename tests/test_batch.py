"""Batches of plans: every score equals that of the plan written out whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import synthetic
from kernels import reference
from kernels.batch import MoveSets, swaps
from kernels.batch_loads import LoadChanges
from kernels.batch_moves import PlanMoves
from kernels.batch_score import BatchScorer, score_batch
from kernels.forms import NONE, Compiled, Ints, LinearLoad, Rows, Shards, Units
from kernels.moves import Move, apply
from tests.random_compiled import random_compiled, random_moves, random_shards

SEEDS = st.integers(0, 2**32 - 1)
Way = Callable[[LoadChanges, PlanMoves], Ints]


def whole_scores(compiled: Compiled, base: Shards, sets: list[list[Move]]) -> list[list[int]]:
    scores = [reference.score(compiled, apply(base, moves)) for moves in sets]
    return [
        [each.violation for each in scores],
        [each.unmet_firm_gpus for each in scores],
        [each.margin_mills for each in scores],
    ]


def batch_scores(compiled: Compiled, base: Shards, sets: list[list[Move]]) -> list[list[int]]:
    return [each.tolist() for each in score_batch(compiled, base, MoveSets.build(sets))]


def one_row(
    *, limit: int, demand: int = 5, units: int = 3, count: int = 1
) -> tuple[Compiled, Shards]:
    """Return 2 jobs and 3 racks under equal rows over all racks, with one shard of job 0."""
    rows = Rows.build([dict.fromkeys(range(3), 1)] * count)
    form = LinearLoad(
        term="power",
        unit="W",
        scale=1,
        kind_of_rack=np.zeros(3, np.int32),
        demand=np.full((2, 1), demand),
        rows=rows,
        base=np.zeros(count, np.int64),
        limit=np.full(count, limit),
        subject=("row",) * count,
        state=("normal",) * count,
    )
    many, none = np.full(2, 100), np.zeros(2, np.int64)
    units_of_jobs = Units(none + 1, many, many, none)
    compiled = Compiled(("a", "b"), ("r0", "r1", "r2"), units_of_jobs, (form,))
    return compiled, Shards.build(*np.array([[0, 0, units]], np.int64).T)


@settings(max_examples=250)
@given(
    seed=SEEDS,
    plan_seed=SEEDS,
    dense_cost=st.sampled_from((0.0, 0.5, 1e9)),
    keys=st.sampled_from((0, 40, 2**24)),
    at_once=st.sampled_from((1, 7, 20_000)),
    near=st.sampled_from((0, 2, 256)),
    far=st.sampled_from((0, 2**23)),
    shared=st.sampled_from((1, 2, 4)),
    one_thread=st.sampled_from((1, 2**18)),
)
def test_a_batch_equals_the_scores_of_whole_plans(
    seed: int,
    plan_seed: int,
    dense_cost: float,
    keys: int,
    at_once: int,
    near: int,
    far: int,
    shared: int,
    one_thread: int,
) -> None:
    compiled = random_compiled(seed)
    base = random_shards(compiled, plan_seed)
    sets = [random_moves(compiled, base, plan_seed + p) for p in range(4)] + [[]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kernels.batch_loads.DENSE_COST", dense_cost)
        patch.setattr("kernels.batch_loads.LOADS_AT_ONCE", at_once)
        patch.setattr("kernels.batch_loads.ENTRIES_AT_ONCE", at_once)
        patch.setattr("kernels.batch_sums.SCRATCH_KEYS", keys)
        patch.setattr("kernels.batch_sums.TABLE_KEYS", keys)
        patch.setattr("kernels.batch_score.MOVES_AT_ONCE", at_once)
        patch.setattr("kernels.batch_score.MOVES_BY_GROUP", at_once)
        patch.setattr("kernels.load_blocks.NEAR_RACKS", near)
        patch.setattr("kernels.load_blocks.ONE_THREAD", one_thread)
        patch.setattr("kernels.load_blocks.SHARED_CELLS", shared)
        patch.setattr("kernels.load_blocks.FAR_NUMBERS", far)
        found = batch_scores(compiled, base, sets)
    assert found == whole_scores(compiled, base, sets)


@settings(deadline=None)  # the first call may import much
@given(SEEDS)
def test_swaps_exchange_the_racks_of_two_shards(seed: int) -> None:
    compiled = random_compiled(seed)
    base = random_shards(compiled, seed)
    if len(base.job) < 2:
        return
    first, second = np.triu_indices(len(base.job), 1)
    found = score_batch(compiled, base, swaps(base, first, second))
    shards = [*zip(base.job.tolist(), base.rack.tolist(), base.units.tolist(), strict=True)]
    sets = [
        [
            Move(shards[a][0], shards[a][1], shards[b][1], shards[a][2]),
            Move(shards[b][0], shards[b][1], shards[a][1], shards[b][2]),
        ]
        for a, b in zip(first.tolist(), second.tolist(), strict=True)
    ]
    assert [each.tolist() for each in found] == whole_scores(compiled, base, sets)


def test_move_sets_come_back_as_moves() -> None:
    sets = [[Move(0, 1, 2, 3), Move(1, NONE, 0, 1)], [], [Move(2, 0, NONE, 4)]]
    built = MoveSets.build(sets)
    assert built.num_plans == 3
    assert [built.moves(p) for p in range(3)] == sets


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Move(0, 0, 1, 4), "more units of job 0 from rack 0"),
        (Move(0, 1, NONE, 1), "more units of job 0 from rack 1"),
        (Move(0, 0, 1, 0), "expected units > 0, got 0"),
    ],
)
def test_moves_that_cannot_be_made_are_refused(move: Move, words: str) -> None:
    base = Shards.build(*np.array([[0, 0, 3]], np.int64).T)
    with pytest.raises(ValueError, match=words):
        score_batch(random_compiled(2), base, MoveSets.build([[], [move]]))


@pytest.mark.parametrize("dense_cost", [0.0, 1e9])
def test_moves_that_meet_are_taken_as_one_change(
    dense_cost: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernels.batch_loads.DENSE_COST", dense_cost)
    compiled, base = one_row(limit=1)
    sets = [
        [],
        [Move(0, 0, 1, 2), Move(0, 1, 0, 2)],  # there and back
        [Move(0, 0, 1, 2), Move(0, 1, 2, 2)],  # through a rack on which none lie
        [Move(0, 0, 1, 1), Move(0, 0, 1, 1)],  # the same pair twice
        [Move(0, 0, 2, 3), Move(0, NONE, 0, 1)],  # all leave, one comes
        [Move(0, 0, NONE, 3)],
        [Move(1, NONE, 2, 1), Move(0, 0, 0, 2)],  # from a rack to itself
    ]
    assert batch_scores(compiled, base, sets) == whole_scores(compiled, base, sets)
    with pytest.raises(ValueError, match="more units of job 0 from rack 0"):
        batch_scores(compiled, base, [[Move(0, 0, 1, 2), Move(0, 0, 2, 2)]])


def test_the_same_pair_of_shards_may_be_swapped_in_several_plans() -> None:
    compiled = random_compiled(4)
    base = random_shards(compiled, 5)
    assert len(base.job) > 1
    once, other = (np.array([0]), np.array([1])), (np.array([0, 0]), np.array([1, 1]))
    found = score_batch(compiled, base, swaps(base, *other))
    expected = score_batch(compiled, base, swaps(base, *once))
    assert [each.tolist() for each in found] == [each.tolist() * 2 for each in expected]


@pytest.mark.parametrize("severity", ["normal", "broken"])
def test_small_and_large_sets_of_one_batch_take_their_own_way(severity: str) -> None:
    compiled, base = synthetic(300, 500, seed=3, severity=severity)
    rng, shards = np.random.default_rng(7), len(base.job)
    sets = []
    for count in (1, shards, 3, shards // 2, 0, shards):
        chosen = rng.permutation(shards)[:count].tolist()
        targets = rng.integers(NONE, compiled.num_racks, count).tolist()
        sets.append(
            [
                Move(int(base.job[n]), int(base.rack[n]), rack, int(base.units[n]))
                for n, rack in zip(chosen, targets, strict=True)
            ]
        )
    ways: list[tuple[str, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kernels.batch_loads.DENSE_COST", 0.2)
        for name in ("_all_rows", "_touched_rows"):
            way = getattr(LoadChanges, name)

            def told(self: LoadChanges, moves: PlanMoves, name: str = name, way: Way = way) -> Ints:
                ways.append((name, moves.num_plans))
                return way(self, moves)

            patch.setattr(LoadChanges, name, told)
        found = batch_scores(compiled, base, sets)
    assert ways == [("_all_rows", 3), ("_touched_rows", 3)]
    assert found == whole_scores(compiled, base, sets)


def test_loads_that_float64_cannot_hold_are_added_as_integers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kernels.batch_loads.DENSE_COST", 0.0)
    compiled, base = one_row(limit=0, demand=2**52 + 1, units=1)
    # The plans are within the range, but what passes through r1 adds up to three times as much.
    back_and_forth = [Move(0, 0, 1, 1), *[Move(0, 1, 2, 1), Move(0, 2, 1, 1)] * 2]
    sets = [[*back_and_forth, Move(0, 1, 2, 1)], back_and_forth]
    assert batch_scores(compiled, base, sets) == whole_scores(compiled, base, sets)


def test_excess_beyond_float64_is_added_as_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.batch_loads.DENSE_COST", 0.0)
    compiled, base = one_row(limit=-(2**50), count=9)
    sets = [[Move(0, 0, 1, 3)]]
    assert batch_scores(compiled, base, sets) == whole_scores(compiled, base, sets)
    assert batch_scores(compiled, base, sets)[0][0] > 2**53


def test_an_empty_batch_has_no_scores() -> None:
    compiled = random_compiled(1)
    scorer = BatchScorer(compiled, random_shards(compiled, 1))
    assert [len(each) for each in scorer.score(MoveSets.build([]))] == [0, 0, 0]
