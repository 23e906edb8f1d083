"""Sampled states of the world: which failure holds, how hot it is, how hard the jobs draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kernels.batch import MoveSets
from kernels.exactness import RangeError
from kernels.forms import UNLIMITED, Bools, Compiled, Index, Ints, LinearLoad, Shards
from kernels.moves import apply
from kernels.reference import row_load

LOAD_ONE = 1024  # a load factor of 1
MOST = 2**62  # sums stay below it
NUMBERS_AT_ONCE = 2**22  # (scenario, row) pairs that are worked out together


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
        drawn = np.abs(form.demand).max(axis=1, initial=0).astype(float) @ compiled.units.most
        heaviest = np.zeros(form.rows.num_rows)
        np.maximum.at(heaviest, form.rows.row, form.rows.weight.astype(float))
        load = np.abs(rows.base[own]) * LOAD_ONE + heaviest * drawn * float(
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

    Only rows that the largest load factors and the hottest ambient of their state could lift
    above their limit are looked at scenario by scenario, which changes no number.
    """
    rows = ScenarioRows.build(compiled)
    check_scenarios(compiled, rows, scenarios)
    shape = move_sets.num_plans, scenarios.num_scenarios
    violation, rows_over = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    times_over = np.zeros((move_sets.num_plans, len(rows.base)), np.int64)
    states = [*_states(scenarios)]
    for p in range(move_sets.num_plans):
        shards = apply(base, move_sets.moves(p))
        dynamic = rows.dynamic(compiled, shards, scenarios)
        for row, sample in states:
            tight = row[_could_exceed(rows, dynamic, scenarios, row, sample)]
            step = max(1, NUMBERS_AT_ONCE // max(1, len(tight)))
            for first in range(0, len(sample) if len(tight) else 0, step):
                some = sample[first : first + step]
                excess = _excess(rows, dynamic, scenarios, tight, some)
                violation[p, some] += excess.sum(axis=1)
                rows_over[p, some] += (excess > 0).sum(axis=1)
                times_over[p, tight] += (excess > 0).sum(axis=0)
    return ScenarioScores(violation, rows_over, times_over)


def _states(scenarios: Scenarios) -> Iterator[tuple[Ints, Ints]]:
    """Yield (rows, scenarios) of every state that has both."""
    by_row = np.argsort(scenarios.state_of_row, kind="stable")
    by_sample = np.argsort(scenarios.state, kind="stable")
    of_rows, of_samples = scenarios.state_of_row[by_row], scenarios.state[by_sample]
    for state in np.intersect1d(of_rows, of_samples).tolist():
        row = slice(*np.searchsorted(of_rows, (state, state + 1)).tolist())
        sample = slice(*np.searchsorted(of_samples, (state, state + 1)).tolist())
        yield by_row[row], by_sample[sample]


def _could_exceed(
    rows: ScenarioRows, dynamic: Ints, scenarios: Scenarios, row: Ints, sample: Ints
) -> np.ndarray:
    """Return whether any scenario of a state could lift its rows above their limit."""
    load, ambient = scenarios.load[sample], scenarios.ambient[sample]
    own = dynamic[:, row]  # (Z, rows); negative where jobs bring capacity
    most = np.where(own > 0, own * load.max(axis=0)[:, None], own * load.min(axis=0)[:, None])
    shift = np.maximum(scenarios.slope[row] * ambient.max(), scenarios.slope[row] * ambient.min())
    room = LOAD_ONE * (rows.limit[row] - shift - rows.base[row])
    return np.asarray((most.sum(axis=0) > room) & rows.binds[row])


def _excess(
    rows: ScenarioRows, dynamic: Ints, scenarios: Scenarios, row: Ints, sample: Ints
) -> Ints:
    """Return the excess of rows in scenarios, (samples, rows)."""
    shift = scenarios.ambient[sample][:, None] * scenarios.slope[row]
    over = LOAD_ONE * (rows.base[row] - rows.limit[row] + shift)
    for z in range(scenarios.num_profiles):
        over += scenarios.load[sample, z][:, None] * dynamic[z, row]
    excess: Ints = np.maximum(over, 0)
    above = np.nonzero(excess)
    scale = LOAD_ONE * rows.scale[row][above[1]]
    excess[above] = -(-excess[above] // scale)
    return excess
