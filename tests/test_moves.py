"""Deltas of moves equal the difference of two scores, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.forms import NONE, Compiled, Shards
from kernels.moves import Delta, Move, Workspace, apply, delta, score_batch
from kernels.reference import score
from tests.random_compiled import random_compiled, random_moves, random_shards

SEEDS = st.integers(0, 2**32 - 1)


def triples(shards: Shards) -> list[tuple[int, ...]]:
    columns = (shards.job.tolist(), shards.rack.tolist(), shards.units.tolist())
    return [*zip(*columns, strict=True)]


def plan(*entries: tuple[int, int, int]) -> Shards:
    return Shards.build(*np.array(entries, np.int64).reshape(-1, 3).T)


def difference(problem: Compiled, before: Shards, after: Shards) -> Delta:
    old, new = score(problem, before), score(problem, after)
    return Delta(
        new.violation - old.violation,
        new.unmet_firm_gpus - old.unmet_firm_gpus,
        new.margin_mills - old.margin_mills,
    )


def test_apply_moves_adds_and_removes_units() -> None:
    before = plan((0, 0, 3), (1, 2, 1))
    moves = [Move(0, 0, 1, 2), Move(0, NONE, 2, 4), Move(1, 2, NONE, 1)]
    assert triples(apply(before, moves)) == [(0, 0, 1), (0, 1, 2), (0, 2, 4)]


def test_moves_count_as_one_in_any_order() -> None:
    before = plan((0, 0, 1))
    chain = [Move(0, 1, 2, 1), Move(0, 0, 1, 1)]  # through rack 1, where nothing lies
    assert triples(apply(before, chain)) == [(0, 2, 1)]
    assert triples(apply(before, chain[::-1])) == [(0, 2, 1)]
    assert triples(apply(before, [Move(0, 0, 0, 5)])) == [(0, 0, 1)]


@pytest.mark.parametrize("move", [Move(0, 0, 1, 4), Move(0, 1, NONE, 1), Move(1, 0, 1, 1)])
def test_units_that_are_not_there_cannot_move(move: Move) -> None:
    problem = random_compiled(3)
    before = plan((0, 0, 3))
    workspace = Workspace(problem, before)
    with pytest.raises(ValueError, match=f"units of job {move.job} from rack {move.source}"):
        apply(before, [move])
    with pytest.raises(ValueError, match=f"units of job {move.job} from rack {move.source}"):
        workspace.commit([Move(0, 0, NONE, 1), move])
    assert triples(workspace.shards) == triples(before)


def test_a_move_takes_at_least_one_unit() -> None:
    with pytest.raises(ValueError, match="expected units > 0, got 0"):
        apply(plan((0, 0, 3)), [Move(0, 0, 1, 0)])


@settings(max_examples=400)
@given(SEEDS, SEEDS)
def test_delta_equals_the_difference_of_scores(seed: int, plan_seed: int) -> None:
    problem = random_compiled(seed)
    before = random_shards(problem, plan_seed)
    moves = random_moves(problem, before, plan_seed)
    assert delta(problem, before, moves) == difference(problem, before, apply(before, moves))


@given(SEEDS, SEEDS)
def test_a_workspace_follows_a_walk_of_moves(seed: int, plan_seed: int) -> None:
    problem = random_compiled(seed)
    shards = random_shards(problem, plan_seed)
    workspace = Workspace(problem, shards)
    for step in range(6):
        moves = random_moves(problem, shards, plan_seed + step)
        after = apply(shards, moves)
        assert workspace.delta(moves) == difference(problem, shards, after)
        assert triples(workspace.shards) == triples(shards)  # trying changes nothing
        workspace.commit(moves)
        shards = after
        expected = score(problem, shards)
        assert triples(workspace.shards) == triples(shards)
        assert workspace.violation == expected.violation
        assert workspace.unmet_firm_gpus == expected.unmet_firm_gpus
        assert workspace.margin_mills == expected.margin_mills


@given(SEEDS, SEEDS)
def test_a_batch_scores_the_base_with_each_set_of_moves(seed: int, plan_seed: int) -> None:
    problem = random_compiled(seed)
    base = random_shards(problem, plan_seed)
    move_sets = [random_moves(problem, base, plan_seed + p) for p in range(4)] + [[]]
    violation, unmet, margin = score_batch(problem, base, move_sets)
    scores = [score(problem, apply(base, moves)) for moves in move_sets]
    assert violation.tolist() == [each.violation for each in scores]
    assert unmet.tolist() == [each.unmet_firm_gpus for each in scores]
    assert margin.tolist() == [each.margin_mills for each in scores]


def test_an_empty_batch_has_no_scores() -> None:
    problem = random_compiled(1)
    assert [len(each) for each in score_batch(problem, plan(), [])] == [0, 0, 0]
