"""Plans are built and improved part by part: never worse, never broken, the same everywhere."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.instances import instance
from kernels.cpu import NumpyBackend
from kernels.forms import NONE, Compiled, Shards
from scheduler.compile import compile_problem
from scheduler.planner import starts
from scheduler.planner.engine import make_engine
from scheduler.planner.engine.choose import Name
from scheduler.planner.improve import Rounds, rounds
from scheduler.planner.improve.regions import choose_parts, regions
from scheduler.planner.improve.tasks import Found
from scheduler.planner.placing import Placer
from scheduler.planner.ruin import Ruin
from scheduler.planner.state import Ground, State
from scheduler.topology import Topology


@cache
def compiled_of(size: str, seed: int) -> Compiled:
    problem = instance(size, seed)
    return compile_problem(problem, Topology(problem.site))


def score_key(compiled: Compiled, shards: Shards) -> tuple[int, int, int]:
    return NumpyBackend().load(compiled).score(shards).key


def built(compiled: Compiled, order: str = "density") -> Shards:
    (start,) = starts.in_parts(Placer(Ground(compiled)), order, seed=1)
    return starts.build(compiled, replace(start, steps=0))


def same(a: Shards, b: Shards) -> bool:
    return all(
        np.array_equal(x, y) for x, y in ((a.job, b.job), (a.rack, b.rack), (a.units, b.units))
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("order", starts.ORDERS)
def test_first_plans_break_nothing_and_keep_what_is_firm(order: str, seed: int) -> None:
    compiled = compiled_of("S", seed)
    violation, unmet, minus_margin = score_key(compiled, built(compiled, order))
    assert (violation, unmet) == (0, 0)
    assert minus_margin < 0


def test_a_large_site_is_dealt_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """S has 2 halls of 32 racks: with a tiny limit it is built as two parts."""
    monkeypatch.setattr(starts, "PART_PLACEMENTS", 1_000)
    compiled = compiled_of("S", 0)
    parts = starts.in_parts(Placer(Ground(compiled)), "density", seed=0)
    assert len(parts) == 2
    jobs = np.concatenate([part.jobs for part in parts])
    racks = np.concatenate([part.racks for part in parts])
    assert sorted(jobs.tolist()) == list(range(compiled.num_jobs))
    assert sorted(racks.tolist()) == list(range(compiled.num_racks))
    for part in parts:
        violation, _, _ = score_key(compiled, starts.build(compiled, part))
        assert violation == 0


def test_what_is_wanted_is_dealt_evenly_whatever_else_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Shares of the room of two halls that wanted jobs ask for: alike, where half is wanted."""
    monkeypatch.setattr(starts, "PART_PLACEMENTS", 20_000)
    compiled = compiled_of("M", 0)
    placer = Placer(Ground(compiled))
    packing = compiled.packing
    assert packing is not None
    slots = packing.bins * packing.bin_size
    shared = np.flatnonzero(placer.owner.form_of_job == NONE)
    uneven = {False: 0.0, True: 0.0}
    for seed in range(5):
        wanted = np.zeros(compiled.num_jobs, bool)
        wanted[np.random.default_rng(seed).choice(shared, len(shared) // 2, replace=False)] = True
        for known in uneven:
            parts = starts.in_parts(placer, "root", seed, wanted if known else None)
            asked = [placer.slots[part.jobs[wanted[part.jobs]]].sum() for part in parts]
            share = np.array(asked) / [slots[part.racks].sum() for part in parts]
            uneven[known] += float(np.ptp(share))
    assert uneven[True] < 0.3 * uneven[False]


@pytest.mark.parametrize("seed", range(4))
def test_ruin_and_recreate_is_never_worse_and_counts_its_profit_exactly(seed: int) -> None:
    compiled = compiled_of("S", seed)
    first = built(compiled)
    search = Ruin(Placer(Ground(compiled)), first, seed)
    before = search.profit
    best = search.run(25, lambda: False)
    old, new = score_key(compiled, first), score_key(compiled, best)
    assert new <= old
    assert search.best_profit - before == old[2] - new[2]  # the scores hold minus the margin


def test_ruin_and_recreate_finds_something() -> None:
    compiled = compiled_of("S", 0)
    first = built(compiled)
    best = Ruin(Placer(Ground(compiled)), first, 0).run(25, lambda: False)
    assert score_key(compiled, best) < score_key(compiled, first)


def test_a_step_that_loses_too_much_is_undone() -> None:
    compiled = compiled_of("S", 1)
    first = built(compiled)
    search = Ruin(Placer(Ground(compiled)), first, 0)
    slack, free = search.state.slack.copy(), search.state.free_slots.copy()
    for _ in range(10):
        search.step(tolerated=-1e18)  # nothing gains so much
    assert same(search.state.shards(), first)
    assert (search.state.slack == slack).all()
    assert (search.state.free_slots == free).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_state_that_was_emptied_again_is_as_new(seed: int) -> None:
    """Who may come, what fits: after adding and removing all jobs nothing is left behind."""
    compiled = compiled_of("S", seed)
    state, new = State.of(Ground(compiled), built(compiled)), State(Ground(compiled))
    for job in np.flatnonzero(state.total).tolist():
        state.remove(job)
    for job in range(compiled.num_jobs):
        assert (state.fit(job) == new.fit(job)).all()


@pytest.mark.parametrize("seed", range(3))
def test_what_one_rack_takes_is_what_the_whole_row_of_racks_says(seed: int) -> None:
    compiled = compiled_of("S", seed)
    state = State.of(Ground(compiled), built(compiled))
    for job in range(0, compiled.num_jobs, 3):
        fits = state.fit(job)
        for rack in range(0, compiled.num_racks, 5):
            if state.allowed(job)[rack]:
                assert state.fit_one(job, rack) == fits[rack]


def test_parts_share_no_rack_and_are_not_too_large() -> None:
    compiled = compiled_of("M", 0)
    places = regions(compiled)
    assert sorted(np.concatenate(places).tolist()) == list(range(512))
    parts = choose_parts(places, np.ones(512, np.int64), 4, 256, np.random.default_rng(0))
    together = np.concatenate(parts)
    assert len(set(together.tolist())) == len(together)
    assert max(map(len, parts)) <= 256


def three_rounds(engine: Name, workers: int) -> list[Shards]:
    compiled = compiled_of("S", 0)
    evaluator = NumpyBackend().load(compiled)
    shards, plans = built(compiled), []
    score = evaluator.score(shards)
    with make_engine(engine, compiled, workers=workers) as crew:
        search = Rounds(compiled, Placer(Ground(compiled)), evaluator.score, crew, seed=5)
        for _ in range(3):
            far = time.monotonic() + 600
            shards, new = search.run(shards, score, deadline=far, stopped=lambda: False)
            assert new <= score
            score = new
            plans.append(shards)
    return plans


def test_the_same_seed_gives_the_same_plans_in_processes_as_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "STEPS", 10)
    here, there = three_rounds("inline", 1), three_rounds("local", 1)
    assert all(same(a, b) for a, b in zip(here, there, strict=True))


def test_parts_that_break_together_what_none_breaks_alone_are_not_taken() -> None:
    compiled = compiled_of("S", 0)
    evaluator = NumpyBackend().load(compiled)
    shards = built(compiled)
    score = evaluator.score(shards)
    with make_engine("inline", compiled, workers=1) as crew:
        search = Rounds(compiled, Placer(Ground(compiled)), evaluator.score, crew, seed=0)
        job = int(shards.job[0])
        everywhere = np.arange(compiled.num_racks)
        broken = Shards.build(np.full(64, job), everywhere, np.full(64, 100))
        found = Found(np.array([job]), broken)
        kept, same_score = search._take(shards, score, found)
    assert same(kept, shards)
    assert same_score == score
