"""The sweep of all moves: the fast path, the row-by-row path and the deltas of moves agree."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.forms import NONE, Compiled, GroupPresence, Ints, Shards
from kernels.moves import Move, Workspace
from kernels.parts.changes import Changes, Packing3
from kernels.parts.expand import merged
from kernels.sweep import Candidates, Destinations, Sweeper, absent_jobs, all_candidates, rowwise
from kernels.sweep.layout import arrange
from tests.random_compiled import random_compiled, random_shards

SEEDS = st.integers(0, 2**32 - 1)
CELL_RACKS = st.sampled_from((0, 1, 2, 4, 32))  # from everything far to everything near


def some_candidates(compiled: Compiled, shards: Shards, seed: int) -> Candidates:
    """Return every shard whole and in part, every absent job, and more units of every job."""
    rng = np.random.default_rng(seed)
    whole = all_candidates(compiled, shards)
    jobs = np.arange(compiled.num_jobs, dtype=np.int32)
    return Candidates(
        np.concatenate((whole.job, shards.job, jobs)),
        np.concatenate((whole.source, shards.rack, np.full(len(jobs), NONE, np.int32))),
        np.concatenate(
            (whole.units, rng.integers(1, shards.units + 1), rng.integers(1, 4, len(jobs)))
        ),
    )


def columns(found: Destinations) -> list[list[list[int]]]:
    return [getattr(found, each.name).tolist() for each in fields(found)]


def by_deltas(
    compiled: Compiled, shards: Shards, candidates: Candidates, top: int, rank: Ints
) -> Destinations:
    """Try every rack for every candidate, one move at a time."""
    workspace = Workspace(compiled, shards)
    table = np.zeros((4, len(candidates), top), np.int64)
    table[0] = NONE
    asked = (candidates.job.tolist(), candidates.source.tolist(), candidates.units.tolist())
    for n, (job, source, units) in enumerate(zip(*asked, strict=True)):
        found = []
        for rack in range(compiled.num_racks):
            if rack != source:
                delta = workspace.delta([Move(job, source, rack, units)])
                key = delta.violation, delta.unmet_firm_gpus, -delta.margin_mills
                found.append((*key, int(rank[rack]), rack))
        for k, (violation, unmet, cost, _, rack) in enumerate(sorted(found)[:top]):
            table[:, n, k] = rack, violation, unmet, -cost
    return Destinations(table[0].astype(np.int32), *table[1:])


@settings(max_examples=60)
@given(SEEDS, st.integers(1, 9))
def test_the_row_by_row_sweep_equals_the_deltas_of_moves(seed: int, top: int) -> None:
    compiled = random_compiled(seed)
    shards = random_shards(compiled, seed)
    candidates = some_candidates(compiled, shards, seed)
    rank = np.random.default_rng(seed).permutation(compiled.num_racks)
    found = rowwise.sweep(compiled, shards, candidates, top, rank)
    assert columns(found) == columns(by_deltas(compiled, shards, candidates, top, rank))


@settings(max_examples=250)
@given(SEEDS, CELL_RACKS, st.integers(1, 9))
def test_the_fast_sweep_equals_the_row_by_row_sweep(seed: int, cell_racks: int, top: int) -> None:
    compiled = random_compiled(seed)
    shards = random_shards(compiled, seed)
    candidates = some_candidates(compiled, shards, seed)
    sweeper = Sweeper(compiled, cell_racks)
    assert sweeper.layout is not None
    found = sweeper.sweep(shards, candidates, top)
    expected = rowwise.sweep(compiled, shards, candidates, top, sweeper.layout.rank)
    assert columns(found) == columns(expected)


@given(SEEDS, CELL_RACKS)
def test_a_layout_holds_every_rack_once(seed: int, cell_racks: int) -> None:
    compiled = random_compiled(seed)
    layout = arrange(compiled, Sweeper(compiled).table, cell_racks)
    racks = np.arange(compiled.num_racks)
    assert sorted(layout.rack_at[layout.rack_at != NONE].tolist()) == racks.tolist()
    assert sorted(layout.rank.tolist()) == racks.tolist()
    assert (layout.rack_at.ravel()[layout.position_of_rack] == racks).all()
    assert (layout.signature_of_block[layout.block_of_rack] == layout.signature_of_rack).all()
    assert (layout.cell_of_block[layout.block_of_rack] == layout.cell_of_rack).all()
    assert (np.diff(layout.signature_of_block) >= 0).all()
    by_rank = np.argsort(layout.rank)
    assert (np.diff(layout.block_of_rack[by_rank]) >= 0).all()


@pytest.mark.parametrize(
    ("limit", "why"), [("MOST_CELL_RACKS", "near rows"), ("MOST_SIGNATURES", "far rows")]
)
def test_a_problem_that_the_fast_sweep_cannot_hold_is_swept_row_by_row(
    monkeypatch: pytest.MonkeyPatch, limit: str, why: str
) -> None:
    monkeypatch.setattr(f"kernels.sweep.layout.{limit}", 0)
    compiled = random_compiled(5)
    shards = random_shards(compiled, 5)
    candidates = some_candidates(compiled, shards, 5)
    sweeper = Sweeper(compiled)
    assert sweeper.layout is None
    assert why in sweeper.why_general
    expected = rowwise.sweep(compiled, shards, candidates, 2)
    assert columns(sweeper.sweep(shards, candidates, 2)) == columns(expected)


def test_changes_too_large_for_one_integer_are_swept_row_by_row() -> None:
    compiled = random_compiled(8)
    forms = tuple(
        replace(form, price_mills=form.price_mills + 2**50)
        if isinstance(form, GroupPresence)
        else form
        for form in compiled.forms
    )
    compiled = replace(compiled, forms=forms)
    shards = random_shards(compiled, 8)
    candidates = some_candidates(compiled, shards, 8)
    sweeper = Sweeper(compiled)
    assert sweeper.layout is not None
    expected = rowwise.sweep(compiled, shards, candidates, 3, sweeper.layout.rank)
    assert columns(sweeper.sweep(shards, candidates, 3)) == columns(expected)


@given(
    st.lists(st.tuples(*[st.integers(-50, 50)] * 3), min_size=2, max_size=9),
)
def test_packed_changes_are_ordered_and_added_like_the_three(
    changes: list[tuple[int, int, int]],
) -> None:
    packing = Packing3(most_unmet=100, most_margin=100)
    columns_of = [np.array(column, np.int64) for column in zip(*changes, strict=True)]
    packed = packing.pack(Changes(*columns_of))
    assert [each.tolist() for each in packing.unpack(packed)] == [c.tolist() for c in columns_of]
    order = sorted(range(len(changes)), key=lambda n: (*changes[n][:2], -changes[n][2]))
    assert packed[order].tolist() == sorted(packed.tolist())
    total = packing.unpack(packed[:1] + packed[1:2])
    assert [int(each[0]) for each in total] == [a + b for a, b in zip(*changes[:2], strict=True)]


@given(st.lists(st.tuples(st.integers(-3, 9), st.integers(-900, 900)), max_size=30))
def test_rows_are_numbered_alike_by_a_table_and_by_a_sort(rows: list[tuple[int, int]]) -> None:
    labels = [np.array(column, np.int64) for column in np.array(rows).reshape(-1, 2).T]
    numbers = {row: n for n, row in enumerate(sorted(set(rows)))}
    for slots in (0, 16, 2**20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kernels.parts.expand.MOST_SLOTS", slots)
            first, number = merged(labels)
        assert number.tolist() == [numbers[row] for row in rows]
        assert first.tolist() == [rows.index(row) for row in sorted(numbers)]


def test_absent_jobs_enter_with_what_an_empty_rack_could_hold() -> None:
    compiled = random_compiled(2)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    absent = absent_jobs(compiled, nothing)
    assert absent.job.tolist() == list(range(compiled.num_jobs))
    assert (absent.source == NONE).all()
    assert (absent.units >= 1).all()
    assert (absent.units <= np.maximum(compiled.units.least, 1)).all()


def test_a_sweep_of_nothing_is_empty() -> None:
    compiled = random_compiled(1)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    none = Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64))
    assert Sweeper(compiled).sweep(nothing, none, 4).rack.shape == (0, 4)
