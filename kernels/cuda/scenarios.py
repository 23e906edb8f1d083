"""Scenarios on a device: loads by power profile stay there, moves and samples travel."""

from __future__ import annotations

import numpy as np

from kernels.batch import MoveSets
from kernels.cuda.device import THREADS, blocks_for
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.forms import NONE, Shards
from kernels.scenarios import ScenarioRows, Scenarios, ScenarioScores, check_scenarios

NUMBERS_AT_ONCE = 2**26  # loads of plans that are on the device at a time: 512 MiB
BLOCKS_AT_ONCE = 2**20


class ScenarioScore:
    """What a base plan after sets of moves exceeds in scenarios."""

    def __init__(self, resident: Resident, plan: PlanScore) -> None:
        self.resident = resident
        self.plan = plan
        table, put = resident.table, resident.put
        self._rows = ScenarioRows.build(resident.compiled)
        self._entries = (
            *(put(table.start), put(table.row), put(table.weight), put(table.table)),
            *(resident.demand, resident.kind, resident.compiled.num_jobs),
            *(table.demand.shape[2], resident.compiled.num_racks),
        )

    def score(self, base: Shards, move_sets: MoveSets, scenarios: Scenarios) -> ScenarioScores:
        """Return what `base` after each set of moves exceeds in every scenario."""
        resident, device = self.resident, self.resident.device
        compiled, table = resident.compiled, resident.table
        every = self._rows
        check_scenarios(compiled, every, scenarios)
        plans, samples, rows = move_sets.num_plans, scenarios.num_scenarios, table.num_rows
        violation, rows_over = np.zeros((2, plans, samples), np.int64)
        times_over = np.zeros((plans, len(every.base)), np.int64)
        if not (plans and samples and rows):
            return ScenarioScores(violation, rows_over, times_over)
        self.plan.hold(base)
        put, profiles = resident.put, scenarios.num_profiles
        profile = put(scenarios.profile_of_job)
        loads = device.empty(profiles * rows, np.int64)
        device.fill(loads, 0)
        shards = (self.plan.job, self.plan.rack, self.plan.units, self.plan.shards)
        device.launch(
            "base_profiles",
            blocks_for(self.plan.shards * 32),
            THREADS,
            (*shards, *self._entries, profile, rows, loads),
        )
        moves = [put(getattr(move_sets, n)) for n in ("start", "job", "source", "target", "units")]
        states = self._states(scenarios)
        sampled = [put(getattr(scenarios, name)) for name in ("state", "load", "ambient")]
        slope = put(scenarios.slope[table.binds])
        step = max(1, min(NUMBERS_AT_ONCE // (profiles * rows), BLOCKS_AT_ONCE // samples))
        for first in range(0, plans, step):
            count = min(step, plans - first)
            own = device.empty(count * profiles * rows, np.int64)
            device.launch(
                "moved_profiles",
                count,
                THREADS,
                (*moves, first, count, *self._entries, profile, rows, profiles, loads, own),
            )
            found = device.empty((2, count * samples), np.int64)
            times = device.empty((count, rows), np.int64)
            device.fill(found, 0)
            device.fill(times, 0)
            limits = (slope, resident.base, resident.limit, resident.scale)
            device.launch(
                "scenario_excess",
                count * samples,
                THREADS,
                (
                    *(own, count, profiles, rows, *states, *sampled, samples, *limits),
                    *(found[0], found[1], times),
                ),
            )
            some = slice(first, first + count)
            violation[some], rows_over[some] = device.get(found).reshape(2, count, samples)
            times_over[some, table.binds] = device.get(times)
        return ScenarioScores(violation, rows_over, times_over)

    def _states(self, scenarios: Scenarios) -> tuple[object, object]:
        """Return the rows of every state, compressed: offsets and rows."""
        of_row = scenarios.state_of_row[self.resident.table.binds]
        most = int(max(scenarios.state.max(initial=NONE), of_row.max(initial=NONE)))
        order = np.argsort(of_row, kind="stable")
        start = np.searchsorted(of_row[order], np.arange(most + 2))
        return self.resident.put(start), self.resident.put(order.astype(np.int32))
