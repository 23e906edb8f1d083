"""Sampled states of the world: which failure holds, how hot it is, how hard the jobs draw."""

from __future__ import annotations

from dataclasses import dataclass

from kernels.forms import Index, Ints

LOAD_ONE = 1024  # a load factor of 1


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
    load: Ints  # (S, Z) in 1/1024
    ambient: Ints  # (S,)
    slope: Ints  # (I,) what one step of `ambient` takes from the limit, scaled like the limit

    @property
    def num_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.state)


@dataclass(frozen=True, eq=False)
class ScenarioScores:
    """What P plans exceed in S scenarios."""

    violation: Ints  # (P, S) sum of the excess of all rows that are looked at
    rows_over: Ints  # (P, S) number of rows above their limit
    times_over: Ints  # (P, I) number of scenarios in which the row is above its limit
