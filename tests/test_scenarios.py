"""Scenarios: every number equals that of plain loops over plans, scenarios and rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.batch import MoveSets
from kernels.exactness import RangeError
from kernels.forms import UNLIMITED, Compiled, LinearLoad, Shards
from kernels.moves import apply
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


@given(SEEDS, SEEDS, st.sampled_from((1, 4, 2**22)))
def test_scenarios_equal_plain_loops(seed: int, plan_seed: int, at_once: int) -> None:
    compiled = random_compiled(seed)
    base = random_shards(compiled, plan_seed)
    sets = [[], *(random_moves(compiled, base, plan_seed + p) for p in range(2))]
    scenarios = random_scenarios(compiled, plan_seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kernels.scenarios.NUMBERS_AT_ONCE", at_once)
        found = score_scenarios(compiled, base, MoveSets.build(sets), scenarios)
    plans = [apply(base, moves) for moves in sets]
    assert as_lists(found) == as_lists(by_loops(compiled, plans, scenarios))


def test_loads_that_could_leave_64_bits_are_refused() -> None:
    compiled = random_compiled(4)
    scenarios = random_scenarios(compiled, 4)
    hard = replace(scenarios, load=np.full((1, 1), 2**60), state=np.zeros(1, np.int32))
    hard = replace(hard, ambient=np.zeros(1, np.int64), profile_of_job=hard.profile_of_job * 0)
    base = random_shards(compiled, 4)
    with pytest.raises(RangeError, match=r"load\d: i\d \(normal\): expected scenarios below"):
        score_scenarios(compiled, base, MoveSets.build([[]]), hard)
