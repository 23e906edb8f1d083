"""Scenarios: every number equals that of plain loops over plans, scenarios and rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.batch import MoveSets
from kernels.exactness import RangeError
from kernels.forms import NONE, UNLIMITED, Compiled, LinearLoad, Rows, Shards, Units
from kernels.moves import Move, apply
from kernels.scenarios import LOAD_ONE, Scenarios, ScenarioScores, score_scenarios
from tests.random_compiled import random_compiled, random_moves, random_shards

SEEDS = st.integers(0, 2**32 - 1)


def linear_forms(compiled: Compiled) -> list[LinearLoad]:
    return [form for form in compiled.forms if isinstance(form, LinearLoad)]


def random_scenarios(compiled: Compiled, seed: int) -> Scenarios:
    rng = np.random.default_rng(seed)
    rows = sum(form.rows.num_rows for form in linear_forms(compiled))
    samples, profiles = int(rng.integers(0, 7)), int(rng.integers(1, 4))
    return Scenarios(
        state_of_row=rng.integers(-1, 3, rows).astype(np.int32),
        state=rng.integers(0, 4, samples).astype(np.int32),
        profile_of_job=rng.integers(0, profiles, compiled.num_jobs).astype(np.int32),
        load=rng.integers(0, 2 * LOAD_ONE, (samples, profiles)),
        ambient=rng.integers(-5, 20, samples),
        slope=rng.integers(-1, 4, rows),
    )


def by_loops(compiled: Compiled, plans: list[Shards], scenarios: Scenarios) -> ScenarioScores:
    rows = len(scenarios.slope)
    shape = len(plans), scenarios.num_scenarios
    found = ScenarioScores(*(np.zeros(s, np.int64) for s in (shape, shape, (len(plans), rows))))
    for p, shards in enumerate(plans):
        placed = [
            *zip(shards.job.tolist(), shards.rack.tolist(), shards.units.tolist(), strict=True)
        ]
        for s in range(scenarios.num_scenarios):
            number = -1
            for form in linear_forms(compiled):
                for i in range(form.rows.num_rows):
                    number += 1
                    if scenarios.state_of_row[number] != scenarios.state[s]:
                        continue
                    own = slice(form.rows.start[i], form.rows.start[i + 1])
                    weight = dict(zip(form.rows.rack[own], form.rows.weight[own], strict=True))
                    load = int(form.base[i]) * LOAD_ONE
                    for job, rack, units in placed:
                        drawn = int(form.demand[job, form.kind_of_rack[rack]]) * units
                        factor = int(scenarios.load[s, scenarios.profile_of_job[job]])
                        load += int(weight.get(rack, 0)) * drawn * factor
                    shift = int(scenarios.ambient[s] * scenarios.slope[number])
                    over = load - LOAD_ONE * (int(form.limit[i]) - shift)
                    if over > 0 and form.limit[i] < UNLIMITED:
                        found.violation[p, s] += -(-over // (LOAD_ONE * form.scale))
                        found.rows_over[p, s] += 1
                        found.times_over[p, number] += 1
    return found


def as_lists(found: ScenarioScores) -> list[list[list[int]]]:
    return [each.tolist() for each in (found.violation, found.rows_over, found.times_over)]


@settings(max_examples=150)
@given(
    SEEDS,
    SEEDS,
    st.sampled_from((1, 4, 2**22)),
    st.sampled_from((0.0, 0.4, 100.0)),
    st.sampled_from((0, 2**24)),
)
def test_scenarios_equal_plain_loops(
    seed: int, plan_seed: int, at_once: int, whole_share: float, keys: int
) -> None:
    compiled = random_compiled(seed)
    base = random_shards(compiled, plan_seed)
    sets = [[], *(random_moves(compiled, base, plan_seed + p) for p in range(3))]
    scenarios = random_scenarios(compiled, plan_seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kernels.scenario_changes.NUMBERS_AT_ONCE", at_once)
        patch.setattr("kernels.scenarios.MOVES_AT_ONCE", at_once)
        patch.setattr("kernels.scenarios.ENTRIES_AT_ONCE", at_once)
        patch.setattr("kernels.scenarios.WHOLE_SHARE", whole_share)
        patch.setattr("kernels.batch_sums.SCRATCH_KEYS", keys)
        found = score_scenarios(compiled, base, MoveSets.build(sets), scenarios)
    plans = [apply(base, moves) for moves in sets]
    assert as_lists(found) == as_lists(by_loops(compiled, plans, scenarios))


def test_moves_that_cannot_be_made_are_refused() -> None:
    compiled = random_compiled(2)
    base = Shards.build(*np.array([[0, 0, 3]], np.int64).T)
    with pytest.raises(ValueError, match="more units of job 0 from rack 0"):
        score_scenarios(
            compiled, base, MoveSets.build([[Move(0, 0, 1, 4)]]), random_scenarios(compiled, 2)
        )


def test_no_plan_and_no_scenario_give_empty_arrays() -> None:
    compiled = random_compiled(3)
    base, scenarios = random_shards(compiled, 3), random_scenarios(compiled, 3)
    rows = len(scenarios.slope)
    none = score_scenarios(compiled, base, MoveSets.build([]), scenarios)
    assert none.violation.shape == none.rows_over.shape == (0, scenarios.num_scenarios)
    assert none.times_over.shape == (0, rows)
    never = replace(
        scenarios, state=scenarios.state[:0], load=scenarios.load[:0], ambient=scenarios.ambient[:0]
    )
    found = score_scenarios(compiled, base, MoveSets.build([[]]), never)
    assert found.violation.shape == (1, 0)
    assert found.times_over.tolist() == [[0] * rows]


@pytest.mark.parametrize("whole_share", [0.0, 100.0])
def test_moves_that_cancel_leave_every_scenario_as_it_was(whole_share: float) -> None:
    compiled = random_compiled(2)
    base, scenarios = random_shards(compiled, 2), random_scenarios(compiled, 3)
    job, rack, units = int(base.job[0]), int(base.rack[0]), int(base.units[0])
    there = Move(job, rack, NONE, units)
    back = Move(job, NONE, rack, units)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kernels.scenarios.WHOLE_SHARE", whole_share)
        found = score_scenarios(
            compiled, base, MoveSets.build([[], [there, back], [there]]), scenarios
        )
    assert scenarios.num_scenarios
    assert found.violation[1].tolist() == found.violation[0].tolist()
    assert found.times_over[1].tolist() == found.times_over[0].tolist()
    assert found.violation[2].tolist() != found.violation[0].tolist()


def test_jobs_that_bring_capacity_are_missed_most_where_they_draw_least() -> None:
    form = LinearLoad(
        term="power",
        unit="W",
        scale=1,
        kind_of_rack=np.zeros(1, np.int32),
        demand=np.array([[-5]]),
        rows=Rows.build([{0: 1}]),
        base=np.array([10]),
        limit=np.array([4]),
        subject=("row",),
        state=("normal",),
    )
    one = np.ones(1, np.int64)
    compiled = Compiled(("generator",), ("r0",), Units(one, one, one, one * 0), (form,))
    scenarios = Scenarios(
        state_of_row=np.zeros(1, np.int32),
        state=np.zeros(3, np.int32),
        profile_of_job=np.zeros(1, np.int32),
        load=np.array([[0], [LOAD_ONE], [2 * LOAD_ONE]]),
        ambient=np.zeros(3, np.int64),
        slope=np.zeros(1, np.int64),
    )
    plan = Shards.build(*np.array([[0, 0, 1]], np.int64).T)
    found = score_scenarios(compiled, plan, MoveSets.build([[]]), scenarios)
    assert found.violation.tolist() == [[6, 1, 0]]
    assert found.times_over.tolist() == [[2]]


def test_loads_that_could_leave_64_bits_are_refused() -> None:
    compiled = random_compiled(4)
    scenarios = random_scenarios(compiled, 4)
    hard = replace(scenarios, load=np.full((1, 1), 2**60), state=np.zeros(1, np.int32))
    hard = replace(hard, ambient=np.zeros(1, np.int64), profile_of_job=hard.profile_of_job * 0)
    base = random_shards(compiled, 4)
    with pytest.raises(RangeError, match=r"load\d: i\d \(normal\): expected scenarios below"):
        score_scenarios(compiled, base, MoveSets.build([[]]), hard)
