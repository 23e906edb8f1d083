"""Sampled states of the world: which failure holds, how hot it is, how hard the jobs draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.batch import MoveSets
from kernels.batch_loads import entries_before
from kernels.batch_moves import MoveReader, PlanMoves, pieces
from kernels.batch_sums import KeySums
from kernels.exactness import RangeError
from kernels.forms import UNLIMITED, Bools, Compiled, Index, Ints, LinearLoad, Shards
from kernels.linear_table import LinearTable
from kernels.moves import apply
from kernels.reference import row_load
from kernels.scenario_changes import LOAD_ONE, SampledRows, touched_rows

__all__ = [
    "LOAD_ONE",
    "ScenarioRows",
    "ScenarioScores",
    "Scenarios",
    "check_scenarios",
    "score_scenarios",
]

MOST = 2**62  # sums stay below it
MOVES_AT_ONCE = 2**16  # moves of the plans that are worked out together, one plan at least
ENTRIES_AT_ONCE = 2**18  # entries of rows that they touch, one plan at least
WHOLE_SHARE = 0.5  # share of all entries that plans touch from which on they are written anew


@dataclass(frozen=True, eq=False)
class Scenarios:
    """S samples that shift limits and loads of all linear rows, in the order of the forms.

    In scenario s only rows i with ``state_of_row[i] == state[s]`` are looked at. Their load is
    ``base[i] * 1024 + sum_z load[s, z] * dynamic[i, z]``, where ``dynamic[i, z]`` is what jobs of
    profile z put on the row, and their limit ``1024 * (limit[i] - ambient[s] * slope[i])``.
    The excess of a row is ``ceil(max(0, load - limit) / (1024 * scale))`` in the form's unit.
    """

    state_of_row: Index  # (I,) rows of all LinearLoad forms, one form after the other
    state: Index  # (S,)
    profile_of_job: Index  # (J,) in 0..Z-1
    load: Ints  # (S, Z) in 1/1024, >= 0
    ambient: Ints  # (S,)
    slope: Ints  # (I,) what one step of `ambient` takes from the limit, scaled like the limit

    @property
    def num_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.state)

    @property
    def num_profiles(self) -> int:
        """Number of power profiles."""
        return int(self.load.shape[1])


@dataclass(frozen=True, eq=False)
class ScenarioScores:
    """What P plans exceed in S scenarios."""

    violation: Ints  # (P, S) sum of the excess of all rows that are looked at
    rows_over: Ints  # (P, S) number of rows above their limit
    times_over: Ints  # (P, I) number of scenarios in which the row is above its limit


@dataclass(frozen=True, eq=False)
class ScenarioRows:
    """All linear rows of a problem as scenarios see them; row i of each array is row i of all."""

    base: Ints  # (I,)
    limit: Ints  # (I,)
    scale: Ints  # (I,)
    binds: Bools  # (I,) whether there is a limit at all; where not, the limit above is 0
    most_dynamic: NDArray[np.float64]  # (I,) a bound on what jobs can add at load 1

    @staticmethod
    def build(compiled: Compiled) -> ScenarioRows:
        """Collect the rows of all forms."""
        forms = [form for form in compiled.forms if isinstance(form, LinearLoad)]
        none = np.zeros(0, np.int64)
        scale = [np.full(form.rows.num_rows, form.scale, np.int64) for form in forms]
        limit = np.concatenate([none, *(form.limit for form in forms)])
        binds = limit < UNLIMITED
        return ScenarioRows(
            base=np.concatenate([none, *(form.base for form in forms)]),
            limit=np.where(binds, limit, 0),
            scale=np.concatenate([none, *scale]),
            binds=binds,
            most_dynamic=np.concatenate(
                [none.astype(float), *(_most_dynamic(compiled, form) for form in forms)]
            ),
        )

    def dynamic(self, compiled: Compiled, shards: Shards, scenarios: Scenarios) -> Ints:
        """Return what jobs of each profile put on every row, base aside, (Z, I)."""
        forms = [form for form in compiled.forms if isinstance(form, LinearLoad)]
        profile = scenarios.profile_of_job[shards.job]
        loads = []
        for z in range(scenarios.num_profiles):
            own = np.flatnonzero(profile == z)
            part = Shards(shards.job[own], shards.rack[own], shards.units[own])
            loads.append(np.concatenate([self.base[:0], *(row_load(f, part) for f in forms)]))
        return np.array(loads, np.int64).reshape(scenarios.num_profiles, -1) - self.base


def _most_dynamic(compiled: Compiled, form: LinearLoad) -> NDArray[np.float64]:
    """Return the heaviest weight of every row times what all jobs together can draw, (I,)."""
    drawn = np.abs(form.demand).max(axis=1, initial=0).astype(float) @ compiled.units.most
    heaviest = np.zeros(form.rows.num_rows)
    np.maximum.at(heaviest, form.rows.row, form.rows.weight.astype(float))
    most: NDArray[np.float64] = heaviest * drawn
    return most


def check_scenarios(compiled: Compiled, rows: ScenarioRows, scenarios: Scenarios) -> None:
    """Raise if any load or limit of a scenario could leave 64 bits.

    Raises
    ------
    RangeError
        Names the term, the row and the unit.
    """
    forms = [form for form in compiled.forms if isinstance(form, LinearLoad)]
    first = 0
    for form in forms:
        own = slice(first, first + form.rows.num_rows)
        first = own.stop
        load = np.abs(rows.base[own]) * LOAD_ONE + rows.most_dynamic[own] * float(
            scenarios.load.max(initial=0)
        )
        shift = np.abs(scenarios.slope[own]) * float(np.abs(scenarios.ambient).max(initial=0))
        limit = np.abs(rows.limit[own]) + shift
        bound = np.where(rows.binds[own], load + LOAD_ONE * limit.astype(float), 0)
        if len(bound) and bound.max() >= MOST:
            row = int(bound.argmax())
            raise RangeError(
                f"{form.term}: {form.subject[row]} ({form.state[row]}): expected scenarios below "
                f"2^62, got {bound[row]:.3g} {form.unit} x {form.scale * LOAD_ONE}"
            )


def score_scenarios(
    compiled: Compiled, base: Shards, move_sets: MoveSets, scenarios: Scenarios
) -> ScenarioScores:
    """Return what `base` after each set of moves exceeds in every scenario.

    Rows that the largest load factors and the hottest ambient of their state cannot lift above
    their limit are left out, and so are rows that no move of a plan touches: they are as in the
    base. Neither changes a number.
    """
    rows = ScenarioRows.build(compiled)
    check_scenarios(compiled, rows, scenarios)
    return _PlanScenarios(compiled, rows, base, scenarios).scores(move_sets)


class _PlanScenarios:
    """A base plan in all scenarios, and plans as what differs from it."""

    def __init__(
        self, compiled: Compiled, rows: ScenarioRows, base: Shards, scenarios: Scenarios
    ) -> None:
        self._compiled, self._base, self._scenarios = compiled, base, scenarios
        self._rows, self._table = rows, LinearTable(compiled)
        self._number = np.flatnonzero(rows.binds)  # of the rows that can bind among all
        self._sampled = SampledRows(
            state_of_row=scenarios.state_of_row[self._number],
            base=rows.base[self._number],
            limit=rows.limit[self._number],
            scale=rows.scale[self._number],
            slope=scenarios.slope[self._number],
            state=scenarios.state,
            load=scenarios.load,
            ambient=scenarios.ambient,
        )
        self._dynamic = self._dynamic_of(base)

    def scores(self, move_sets: MoveSets) -> ScenarioScores:
        """Return what the base after each set of moves exceeds."""
        table, scenarios, sums = self._table, self._scenarios, KeySums()
        found = _zeros(1, scenarios, len(self._rows.base))
        every = np.arange(table.num_rows)
        self._add(found, every * 0, every, self._dynamic, 1)
        arrays = (found.violation, found.rows_over, found.times_over)
        found = ScenarioScores(*(np.repeat(each, move_sets.num_plans, axis=0) for each in arrays))
        reader = MoveReader(self._compiled, self._base, sums)
        for plans, moves in reader.pieces(move_sets, MOVES_AT_ONCE):
            touched = np.diff(entries_before(table, moves))
            whole = touched > WHOLE_SHARE * len(table.row)
            for p in (plans.start + np.flatnonzero(whole)).tolist():
                self._whole(found, p, self._dynamic_of(apply(self._base, move_sets.moves(p))))
            few = np.flatnonzero(~whole)
            before = np.concatenate((np.zeros(1, np.int64), np.cumsum(touched[few])))
            for some in pieces(before, ENTRIES_AT_ONCE):
                self._touched(found, plans.start + few[some], moves.take(few[some]), sums)
        return found

    def _touched(
        self, found: ScenarioScores, number: Ints, moves: PlanMoves, sums: KeySums
    ) -> None:
        """Take the touched rows as they were away and add them as they are now."""
        profile, profiles = self._scenarios.profile_of_job, self._scenarios.num_profiles
        changes = moves.changes()
        plan, row, more = touched_rows(self._table, changes, profile, profiles, sums)
        self._add(found, number[plan], row, self._dynamic[row], -1)
        self._add(found, number[plan], row, self._dynamic[row] + more, 1)

    def _whole(self, found: ScenarioScores, plan: int, dynamic: Ints) -> None:
        """Write a plan that touches most rows anew."""
        for each in (found.violation, found.rows_over, found.times_over):
            each[plan] = 0
        every = np.arange(self._table.num_rows)
        self._add(found, np.full(len(every), plan), every, dynamic, 1)

    def _add(self, found: ScenarioScores, plan: Ints, row: Ints, dynamic: Ints, sign: int) -> None:
        """Add what rows of plans exceed, or take it away."""
        tight = np.flatnonzero(self._sampled.could_exceed(row, dynamic))
        order = tight[np.lexsort((plan[tight], self._sampled.state_rank(row[tight])))]
        plan, row, dynamic = plan[order], row[order], dynamic[order]
        for pairs, sample, excess in self._sampled.excess(row, dynamic):
            heads = np.flatnonzero(np.diff(plan[pairs], prepend=-1))
            at = plan[pairs][heads][:, None], sample
            over = excess > 0
            found.violation[at] += sign * np.add.reduceat(excess, heads, axis=0)
            found.rows_over[at] += sign * np.add.reduceat(over, heads, axis=0, dtype=np.int64)
            found.times_over[plan[pairs], self._number[row[pairs]]] += sign * over.sum(axis=1)

    def _dynamic_of(self, shards: Shards) -> Ints:
        """Return what jobs of each profile put on the rows that can bind, (I, Z)."""
        dynamic = self._rows.dynamic(self._compiled, shards, self._scenarios)
        return np.ascontiguousarray(dynamic[:, self._number].T)


def _zeros(plans: int, scenarios: Scenarios, rows: int) -> ScenarioScores:
    shape = plans, scenarios.num_scenarios
    return ScenarioScores(*(np.zeros(s, np.int64) for s in (shape, shape, (plans, rows))))
