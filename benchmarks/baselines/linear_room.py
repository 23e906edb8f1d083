"""What linear limits leave: the slack of every row, and per rack the tightest of its rows.

A rack lies in a dozen rows or more, and a row (a UPS, a utility line) in hundreds of racks. Kept
per rack is ``tightest[r] = min over rows i of slack[i] // weight[i, r]``, so that "how many units
fit" is one division a rack: ``(slack // weight) // need == slack // (weight * need)``.
"""

from __future__ import annotations

import numpy as np

from kernels.forms import UNLIMITED, Compiled, Index, Ints, LinearLoad


class LoadRoom:
    """Rows that add up the same demand: one or several `LinearLoad` forms."""

    def __init__(self, forms: list[LinearLoad], num_racks: int) -> None:
        self.demand: Ints = forms[0].demand  # (J, K)
        self.kind_of_rack: Index = forms[0].kind_of_rack
        # What the base alone breaks cannot be repaired by a placement, and may not get worse.
        slack = [np.maximum(form.limit - form.base, 0) for form in forms]
        lengths = [np.diff(form.rows.start) for form in forms]
        racks = [form.rows.rack for form in forms]
        weights = [form.rows.weight for form in forms]
        # One more row that never binds, so that no rack is without any.
        self.slack = np.concatenate([*slack, np.array([UNLIMITED])])
        self.start = np.append(0, np.cumsum(np.concatenate([*lengths, np.array([num_racks])])))
        self.rack = np.concatenate([*racks, np.arange(num_racks, dtype=np.int32)])
        self.weight = np.concatenate([*weights, np.ones(num_racks, np.int64)])
        row = np.repeat(np.arange(len(self.slack)), np.diff(self.start))
        by_rack = np.argsort(self.rack, kind="stable")
        self.row_by_rack, self.weight_by_rack = row[by_rack], self.weight[by_rack]
        self.start_of_rack = np.searchsorted(self.rack[by_rack], np.arange(num_racks + 1))
        self.unbounded = len(self.slack) - 1
        self.tightest = np.zeros(num_racks, np.int64)
        self.is_stale = True

    def fit(self, job: int) -> Ints:
        """Units of `job` that every rack could take, (R,)."""
        self._freshen()
        need = self.demand[job, self.kind_of_rack]
        units = np.full(len(need), UNLIMITED, np.int64)
        np.floor_divide(self.tightest, need, out=units, where=need > 0)
        return units

    def fit_one(self, job: int, rack: int) -> int:
        """Units of `job` that `rack` could take."""
        self._freshen()
        need = int(self.demand[job, self.kind_of_rack[rack]])
        return int(self.tightest[rack]) // need if need > 0 else UNLIMITED

    def add(self, job: int, rack: int, units: int) -> None:
        """Take the load of `units` (fewer, if negative) off the rows of the rack."""
        load = int(self.demand[job, self.kind_of_rack[rack]]) * units
        if not load:
            return
        entries = slice(self.start_of_rack[rack], self.start_of_rack[rack + 1])
        rows = self.row_by_rack[entries]
        self.slack[rows] -= self.weight_by_rack[entries] * load
        self.slack[self.unbounded] = UNLIMITED
        if load < 0 or self.is_stale:  # room is back: worked out anew when somebody asks
            self.is_stale = True
            return
        for row in rows[rows != self.unbounded].tolist():
            within = slice(self.start[row], self.start[row + 1])
            racks = self.rack[within]
            left = self.slack[row] // self.weight[within]
            self.tightest[racks] = np.minimum(self.tightest[racks], left)

    def _freshen(self) -> None:
        if self.is_stale:
            left = self.slack[self.row_by_rack] // self.weight_by_rack
            self.tightest = np.minimum.reduceat(left, self.start_of_rack[:-1])
            self.is_stale = False


def load_rooms(compiled: Compiled) -> list[LoadRoom]:
    """Return the room of all linear limits, one for each distinct demand."""
    alike: dict[tuple[bytes, bytes], list[LinearLoad]] = {}
    for form in compiled.forms:
        if isinstance(form, LinearLoad) and len(form.rows.rack):
            key = (form.demand.tobytes(), form.kind_of_rack.tobytes())
            alike.setdefault(key, []).append(form)
    return [LoadRoom(forms, compiled.num_racks) for forms in alike.values()]
