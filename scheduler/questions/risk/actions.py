"""Loads of sampled moments against their limits, and the power actions that follow.

A moment is an instant of a scenario: what is out, an hour of weather, a level for every class of
jobs. Where a load is above its limit, jobs on the racks behind it act: first those that may be
capped, then, if that is not enough, those that may be shed. Each overload calls on the racks
behind it alone. All loads are worked out by the kernels, in integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kernels.backend import Backend
from kernels.batch import MoveSets
from kernels.forms import Bools, Compiled, Ints, Shards
from kernels.scenarios import Scenarios
from scheduler.questions.risk.limits import BEFORE_ACTION, Limit, compile_limits
from scheduler.questions.risk.load_levels import LoadClasses
from scheduler.questions.risk.rack_draws import RackDraws

PAIRS_AT_ONCE = 2**17  # (limit, moment) pairs that the kernels are asked about together
STAYS = MoveSets.build([[]])  # one plan, and no move of it


@dataclass(frozen=True, eq=False)
class Overloads:
    """Limits that are exceeded at moments; those of a moment stand together."""

    moment: Ints  # (O,)
    limit: Ints  # (O,) position in `limits`
    limits: Sequence[Limit]
    sheds: Bools  # (O,) caps are not enough
    remains: Bools  # (O,) neither are sheds, or there is no time for any


class Assessor:
    """Asks the kernels which limits are exceeded."""

    def __init__(
        self,
        backend: Backend,
        compiled: Compiled,
        shards: Shards,
        draws: RackDraws,
        classes: LoadClasses,
        ambient: Mapping[str, Ints],
    ) -> None:
        self._backend, self._compiled, self._shards = backend, compiled, shards
        self._draws, self._classes, self._ambient = draws, classes, ambient
        self.notes: dict[str, None] = {}

    def overloads(self, asked: Sequence[Sequence[Limit]], level: Ints, hour: Ints) -> Overloads:
        """Return every limit that is exceeded at a moment, and what it takes.

        Parameters
        ----------
        asked
            Limits that can be exceeded at each moment, (M,).
        level
            How hard the classes of jobs draw, (M, Z).
        hour
            Of the weather, (M,).
        """
        place: dict[Limit, int] = {}
        pairs = [
            (place.setdefault(limit, len(place)), moment)
            for moment, limits in enumerate(asked)
            for limit in limits
        ]
        limits = tuple(place)
        limit, moment = np.array(pairs, np.int64).reshape(-1, 2).T
        gauge = self._gauge(limits)
        over = np.flatnonzero(gauge(limit, moment, level, hour))
        limit, moment = limit[over], moment[over]
        sheds = gauge(limit, moment, self._classes.after_caps(level), hour)
        remains = gauge(limit, moment, self._classes.after_sheds(level), hour)
        brief = np.array([row.kind == BEFORE_ACTION for row in limits], bool)[limit]
        return Overloads(moment, limit, limits, sheds & ~brief, remains | brief)

    def _gauge(self, limits: Sequence[Limit]) -> Callable[[Ints, Ints, Ints, Ints], Bools]:
        """Return what says of pairs of a limit and a moment whether the limit is exceeded."""
        problem, row_of = compile_limits(self._compiled, self._draws, limits)
        evaluator = self._backend.load(problem)
        slope = np.zeros(len(limits), np.int64)
        slope[row_of] = [row.slope for row in limits]

        def exceeded(limit: Ints, moment: Ints, level: Ints, hour: Ints) -> Bools:
            found = np.zeros(len(limit), bool)
            for first in range(0, len(limit), PAIRS_AT_ONCE):
                some = slice(first, first + PAIRS_AT_ONCE)
                scenarios = Scenarios(
                    state_of_row=np.arange(len(limits), dtype=np.int32),
                    state=row_of[limit[some]],
                    profile_of_job=self._classes.of_job,
                    load=level[moment[some]],
                    ambient=self._ambients(limits, limit[some], hour[moment[some]]),
                    slope=slope,
                )
                scores = evaluator.score_scenarios(self._shards, STAYS, scenarios)
                found[some] = scores.violation[0] > 0
            self.notes.update(dict.fromkeys(evaluator.notes))
            return found

        return exceeded

    def _ambients(self, rows: Sequence[Limit], limit: Ints, hour: Ints) -> Ints:
        """Return the ambient of every pair: that of the row's loop or hall in its hour."""
        found = np.zeros(len(limit), np.int64)
        names = np.array([row.ambient is not None for row in rows], bool)
        for number in np.unique(limit[names[limit]]).tolist():
            own = np.flatnonzero(limit == number)
            found[own] = self._ambient[str(rows[number].ambient)][hour[own]]
        return found
