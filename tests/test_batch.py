"""Batches of plans: every score equals that of the plan written out whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import reference
from kernels.batch import MoveSets, swaps
from kernels.batch_score import BatchScorer, score_batch
from kernels.forms import NONE, Compiled, Shards
from kernels.moves import Move, apply
from tests.random_compiled import random_compiled, random_moves, random_shards

SEEDS = st.integers(0, 2**32 - 1)


def whole_scores(compiled: Compiled, base: Shards, sets: list[list[Move]]) -> list[list[int]]:
    scores = [reference.score(compiled, apply(base, moves)) for moves in sets]
    return [
        [each.violation for each in scores],
        [each.unmet_firm_gpus for each in scores],
        [each.margin_mills for each in scores],
    ]


def batch_scores(compiled: Compiled, base: Shards, sets: list[list[Move]]) -> list[list[int]]:
    return [each.tolist() for each in score_batch(compiled, base, MoveSets.build(sets))]


@settings(max_examples=250)
@given(
    seed=SEEDS,
    plan_seed=SEEDS,
    dense_cost=st.sampled_from((0.0, 0.5, 1e9)),
    keys=st.sampled_from((0, 40, 2**24)),
    at_once=st.sampled_from((1, 7, 20_000)),
    near=st.sampled_from((0, 2, 256)),
    far=st.sampled_from((0, 2**23)),
)
def test_a_batch_equals_the_scores_of_whole_plans(
    seed: int, plan_seed: int, dense_cost: float, keys: int, at_once: int, near: int, far: int
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
        patch.setattr("kernels.load_blocks.FAR_NUMBERS", far)
        found = batch_scores(compiled, base, sets)
    assert found == whole_scores(compiled, base, sets)


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


def test_an_empty_batch_has_no_scores() -> None:
    compiled = random_compiled(1)
    scorer = BatchScorer(compiled, random_shards(compiled, 1))
    assert [len(each) for each in scorer.score(MoveSets.build([]))] == [0, 0, 0]
