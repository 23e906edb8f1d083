"""All linear limits as one sparse matrix by rack, for fast "how many units fit here?"."""

from __future__ import annotations

import numpy as np

from kernels.forms import UNLIMITED, Compiled, Ints, LinearLoad


class Loads:
    """The rows of every `LinearLoad` form that can ever bind, stored by rack.

    A row whose load stays within its limit with every rack full of its hungriest job is left
    out. A limit that the base load alone breaks is raised to the base load: it cannot be
    repaired by placement, and may not get worse.
    """

    def __init__(self, forms: list[LinearLoad], compiled: Compiled) -> None:
        self.num_racks = compiled.num_racks
        pairs = {_pair(form): (form.demand, form.kind_of_rack) for form in forms}
        self.demands = [demand for demand, _ in pairs.values()]
        self.kinds = [kinds for _, kinds in pairs.values()]
        demand_of = {pair: number for number, pair in enumerate(pairs)}
        racks, rows, weights, demand_ids, slacks = [], [], [], [], []
        offset = 0
        for form in forms:
            kept = can_bind(form, compiled)
            new_row = np.full(len(kept), -1)
            new_row[kept] = np.arange(kept.sum()) + offset
            entry = kept[form.rows.row]
            racks.append(form.rows.rack[entry])
            rows.append(new_row[form.rows.row[entry]])
            weights.append(form.rows.weight[entry])
            demand_ids.append(np.full(entry.sum(), demand_of[_pair(form)]))
            slacks.append(np.maximum(form.limit - form.base, 0)[kept])
            offset += int(kept.sum())
        # One row that never binds touches every rack, so that no rack is without entries.
        racks.append(np.arange(self.num_racks, dtype=np.int32))
        rows.append(np.full(self.num_racks, offset))
        weights.append(np.zeros(self.num_racks, np.int64))
        demand_ids.append(np.zeros(self.num_racks, np.int64))
        slacks.append(np.array([UNLIMITED]))

        rack = np.concatenate(racks)
        order = np.argsort(rack, kind="stable")
        self.rack = rack[order]
        self.row = np.concatenate(rows)[order]
        self.weight = np.concatenate(weights)[order]
        self.demand_id = np.concatenate(demand_ids)[order]
        self.slack = np.concatenate(slacks)
        self.start = np.searchsorted(self.rack, np.arange(self.num_racks + 1))

    def fit(self, job: int, slack: Ints) -> Ints:
        """Units of `job` that the slack allows on every rack, (R,)."""
        if not self.demands:
            return np.full(self.num_racks, UNLIMITED, np.int64)
        per_rack = np.array([d[job, k] for d, k in zip(self.demands, self.kinds, strict=True)])
        need = self.weight * per_rack[self.demand_id, self.rack]
        units = np.full(len(need), UNLIMITED, np.int64)
        np.floor_divide(slack[self.row], need, out=units, where=need > 0)
        return np.minimum.reduceat(units, self.start[:-1])

    def fit_one(self, job: int, rack: int, slack: Ints) -> int:
        """Units of `job` that the slack allows on `rack`."""
        need, row = self._need(job, rack)
        tight = need > 0
        if not tight.any():
            return UNLIMITED
        return int((slack[row[tight]] // need[tight]).min())

    def add(self, job: int, rack: int, units: int, slack: Ints) -> None:
        """Take the load of `units` of `job` on `rack` off the slack."""
        need, row = self._need(job, rack)
        slack[row] -= need * units

    def _need(self, job: int, rack: int) -> tuple[Ints, Ints]:
        entries = slice(self.start[rack], self.start[rack + 1])
        if not self.demands:
            return np.zeros(1, np.int64), self.row[entries]
        per_demand = np.array(
            [d[job, k[rack]] for d, k in zip(self.demands, self.kinds, strict=True)]
        )
        return self.weight[entries] * per_demand[self.demand_id[entries]], self.row[entries]


def can_bind(form: LinearLoad, compiled: Compiled) -> np.ndarray:
    """Return which rows could exceed their limit with every rack full, (I,) bool."""
    most = most_load_per_rack(form, compiled)
    worst = form.base + form.rows.dot(most)
    return np.asarray((worst > form.limit) & (np.diff(form.rows.start) > 0))


def most_load_per_rack(form: LinearLoad, compiled: Compiled) -> Ints:
    """Return an upper bound on the demand of any full rack, (R,).

    By slots where a job takes bins: ``slots * max_j demand / size``; jobs that take none may
    come on top with all their units.
    """
    most = np.zeros(compiled.num_racks, np.int64)
    packing = compiled.packing
    demand = np.maximum(form.demand, 0)
    if packing is None or not demand.any():
        per_kind = (demand * compiled.units.most[:, None]).sum(axis=0)
        return np.asarray(per_kind[form.kind_of_rack])
    takes_bins = packing.group_of_job >= 0
    pairs, pair_of_rack = np.unique(
        np.stack([form.kind_of_rack, packing.kind_of_rack]), axis=1, return_inverse=True
    )
    slots = packing.bins * packing.bin_size
    for index, (kind, size_kind) in enumerate(pairs.T):
        here = pair_of_rack.ravel() == index
        size = np.maximum(packing.size[takes_bins, size_kind], 1)
        per_slot = (demand[takes_bins, kind] / size).max(initial=0.0)
        free_riders = int((demand[:, kind] * compiled.units.most)[~takes_bins].sum())
        most[here] = np.ceil(slots[here] * per_slot * (1 + 1e-9)).astype(np.int64) + free_riders
    return most


def _pair(form: LinearLoad) -> tuple[int, int]:
    """Return what tells demands apart: many forms share one array."""
    return id(form.demand), id(form.kind_of_rack)
