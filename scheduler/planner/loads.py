"""All linear limits as one sparse matrix by rack, for fast "how many units fit here?"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import UNLIMITED, Compiled, Index, Ints, LinearLoad

WIDE_ROW = 24  # racks; rows over more of them are looked up once for all racks that are alike


class Loads:
    """The rows of every `LinearLoad` form that can ever bind, stored by rack.

    A row whose load stays within its limit with every rack full of its hungriest job is left
    out, and so is a row that another one makes redundant. A limit that the base load alone breaks
    is raised to the base load: it cannot be repaired by placement, and may not get worse.
    """

    def __init__(self, forms: list[LinearLoad], compiled: Compiled) -> None:
        self.num_racks = compiled.num_racks
        pairs = {_pair(form): (form.demand, form.kind_of_rack) for form in forms}
        self.demands = [demand for demand, _ in pairs.values()]
        self.kinds = [kinds for _, kinds in pairs.values()]
        table = _Table.of(forms, compiled, {pair: n for n, pair in enumerate(pairs)})
        self.slack = table.slack
        self.num_rows = len(table.slack)
        self.by_rack = _Lists.build(table, table.rack, self.num_racks)
        self._kind = np.stack([*self.kinds, np.zeros(self.num_racks, np.int32)])  # (Q + 1, R)
        wide = np.bincount(table.row, minlength=self.num_rows)[table.row] > WIDE_ROW
        self._near = _Lists.build(table.take(~wide), table.rack[~wide], self.num_racks)
        self._alike, first = _alike_in(table.take(wide), self._kind)
        kept = wide & np.isin(table.rack, first)
        number = np.full(self.num_racks, -1)
        number[first] = np.arange(len(first))
        self._far = _Lists.build(table.take(kept), number[table.rack[kept]], len(first))
        self._far_kind = self._kind[:, first]

    def fit(self, job: int, slack: Ints) -> Ints:
        """Units of `job` that the slack allows on every rack, (R,)."""
        if not self.demands:
            return np.full(self.num_racks, UNLIMITED, np.int64)
        per_kind = [demand[job] for demand in self.demands]
        far = self._far.fit(per_kind, self._far_kind, slack)
        return np.minimum(far[self._alike], self._near.fit(per_kind, self._kind, slack))

    def fit_one(self, job: int, rack: int, slack: Ints) -> int:
        """Units of `job` that the slack allows on `rack`."""
        need, row = self.need(job, rack)
        tight = need > 0
        if not tight.any():
            return UNLIMITED
        return int((slack[row[tight]] // need[tight]).min())

    def add(self, job: int, rack: int, units: int, slack: Ints) -> None:
        """Take the load of `units` of `job` on `rack` off the slack."""
        need, row = self.need(job, rack)
        slack[row] -= need * units

    def need(self, job: int, rack: int) -> tuple[Ints, Ints]:
        """Return what one unit of `job` takes of each row of `rack`, and these rows."""
        lists = self.by_rack
        entries = slice(int(lists.start[rack]), int(lists.start[rack + 1]))
        if not self.demands:
            return np.zeros(1, np.int64), lists.row[entries]
        per_demand = np.array(
            [d[job, k[rack]] for d, k in zip(self.demands, self.kinds, strict=True)]
        )
        return lists.weight[entries] * per_demand[lists.demand_id[entries]], lists.row[entries]


@dataclass(frozen=True, eq=False)
class _Table:
    """Entries of all rows, in no order."""

    rack: Index  # (N,)
    row: Ints  # (N,)
    weight: Ints  # (N,)
    demand_id: Ints  # (N,)
    slack: Ints  # (I,)

    def take(self, kept: np.ndarray) -> _Table:
        return _Table(
            self.rack[kept], self.row[kept], self.weight[kept], self.demand_id[kept], self.slack
        )

    @staticmethod
    def of(
        forms: list[LinearLoad], compiled: Compiled, demand_of: dict[tuple[int, int], int]
    ) -> _Table:
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
        racks.append(np.arange(compiled.num_racks, dtype=np.int32))
        rows.append(np.full(compiled.num_racks, offset))
        weights.append(np.zeros(compiled.num_racks, np.int64))
        demand_ids.append(np.zeros(compiled.num_racks, np.int64))
        slacks.append(np.array([UNLIMITED]))
        table = _Table(
            np.concatenate(racks),
            np.concatenate(rows),
            np.concatenate(weights),
            np.concatenate(demand_ids),
            np.concatenate(slacks),
        )
        return table._without_doubles()

    def _without_doubles(self) -> _Table:
        """Keep the tightest of rows that weigh the same demand on the same racks the same way."""
        order = np.lexsort((self.rack, self.row))
        start = np.searchsorted(self.row[order], np.arange(len(self.slack) + 1))
        columns = np.stack((self.rack, self.weight, self.demand_id))[:, order]
        tightest: dict[bytes, int] = {}
        for row in np.argsort(self.slack, kind="stable").tolist():
            tightest.setdefault(columns[:, start[row] : start[row + 1]].tobytes(), row)
        kept = np.zeros(len(self.slack), bool)
        kept[list(tightest.values())] = True
        number = np.cumsum(kept) - 1
        entry = kept[self.row]
        return _Table(
            self.rack[entry],
            number[self.row[entry]],
            self.weight[entry],
            self.demand_id[entry],
            self.slack[kept],
        )


@dataclass(frozen=True, eq=False)
class _Lists:
    """Entries by place: racks, or racks that are alike."""

    start: Ints  # (P + 1,)
    place: Ints  # (N,)
    row: Ints  # (N,)
    weight: Ints  # (N,)
    demand_id: Ints  # (N,)
    some: Ints  # places with entries

    @staticmethod
    def build(table: _Table, place: Ints | Index, count: int) -> _Lists:
        order = np.argsort(place, kind="stable")
        sorted_place = place[order].astype(np.int64)
        start = np.searchsorted(sorted_place, np.arange(count + 1))
        return _Lists(
            start,
            sorted_place,
            table.row[order],
            table.weight[order],
            table.demand_id[order],
            np.flatnonzero(np.diff(start)),
        )

    def fit(self, per_kind: list[Ints], kind: Index, slack: Ints) -> Ints:
        """Units that the rows of every place allow, (P,)."""
        per_place = np.stack([d[k] for d, k in zip(per_kind, kind, strict=False)])
        need = self.weight * per_place[self.demand_id, self.place]
        units = np.full(len(need), UNLIMITED, np.int64)
        np.floor_divide(slack[self.row], need, out=units, where=need > 0)
        fits = np.full(len(self.start) - 1, UNLIMITED, np.int64)
        if len(self.some):
            fits[self.some] = np.minimum.reduceat(units, self.start[self.some])
        return fits


def _alike_in(wide: _Table, kind: Index) -> tuple[Ints, Ints]:
    """Label racks that have the same wide rows and kinds, (R,), and name one of each label."""
    num_racks = kind.shape[1]
    order = np.lexsort((wide.row, wide.rack))
    start = np.searchsorted(wide.rack[order], np.arange(num_racks + 1))
    columns = np.stack((wide.row, wide.weight, wide.demand_id))[:, order]
    known: dict[tuple[bytes, bytes], int] = {}
    label = np.empty(num_racks, np.int64)
    first: list[int] = []
    for rack in range(num_racks):
        key = (columns[:, start[rack] : start[rack + 1]].tobytes(), kind[:, rack].tobytes())
        label[rack] = known.setdefault(key, len(known))
        if label[rack] == len(first):
            first.append(rack)
    return label, np.array(first, np.int64)


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
