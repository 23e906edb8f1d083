"""What outages and overloads do to jobs and tenants, each case worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.forms import Ints
from scheduler.questions.risk.actions import Overloads
from scheduler.questions.risk.limits import BEFORE_ACTION, Limit
from scheduler.questions.risk.moments import Moments
from scheduler.questions.risk.outages import Outage
from scheduler.questions.risk.stakes import Effect, Stakes

Acting = tuple[Limit, ...]


@dataclass(frozen=True, eq=False)
class Effects:
    """The effect of every moment."""

    distinct: Sequence[Effect]
    of_moment: Ints  # (M,)

    def numbers(self, name: str) -> Ints:
        """Return a field of the effect of every moment, (M,) or (M, P)."""
        values = np.array([getattr(effect, name) for effect in self.distinct], np.int64)
        return np.asarray(values[self.of_moment])


class EffectBook:
    """Effects by the racks that are lost and the limits that call for action."""

    def __init__(self, stakes: Stakes, rack_names: Sequence[str]) -> None:
        self._stakes, self._rack_names = stakes, rack_names
        self._known: dict[tuple[frozenset[str], Acting, Acting], Effect] = {}
        self._behind: dict[Limit, frozenset[str]] = {}

    def of(self, outage: Outage, called: Acting = (), sheds: Acting = ()) -> Effect:
        """Return what an outage does while some limits call for caps, and some for sheds."""
        key = (outage.lost, called, sheds)
        found = self._known.get(key)
        if found is None:
            capped, shed = (self._racks(limits) - outage.lost for limits in (called, sheds))
            found = self._known[key] = self._stakes.effect(outage.lost, capped, shed)
        return found

    def at(self, moments: Moments, overloads: Overloads) -> Effects:
        """Return the effect of every moment."""
        distinct = [self.of(outage) for outage in moments.outages]
        place = {id(effect): number for number, effect in enumerate(distinct)}
        of_moment = moments.outage.copy()
        for moment, called, sheds in _calls(overloads):
            outage = moments.outages[int(moments.outage[moment])]
            effect = self.of(outage, called, sheds)
            if id(effect) not in place:
                place[id(effect)] = len(distinct)
                distinct.append(effect)
            of_moment[moment] = place[id(effect)]
        return Effects(distinct, of_moment)

    def _racks(self, limits: Acting) -> frozenset[str]:
        """Return the racks behind limits."""
        for limit in limits:
            if limit not in self._behind:
                names = (self._rack_names[r] for r in limit.racks.tolist())
                self._behind[limit] = frozenset(names)
        return frozenset().union(*(self._behind[limit] for limit in limits))


def _calls(overloads: Overloads) -> list[tuple[int, Acting, Acting]]:
    """Return the moments at which limits call for action, with those that do."""
    acting = np.array([limit.kind != BEFORE_ACTION for limit in overloads.limits], bool)
    own = np.flatnonzero(acting[overloads.limit])
    heads = np.flatnonzero(np.diff(overloads.moment[own], prepend=-1))
    found = []
    for rows in np.split(own, heads[1:]) if len(own) else ():
        called = tuple(overloads.limits[i] for i in overloads.limit[rows].tolist())
        shed_rows = rows[overloads.sheds[rows]]
        sheds = tuple(overloads.limits[i] for i in overloads.limit[shed_rows].tolist())
        found.append((int(overloads.moment[rows[0]]), called, sheds))
    return found
