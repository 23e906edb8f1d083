"""All linear rows of a problem in one table that is sorted by rack."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from kernels import reference
from kernels.forms import UNLIMITED, Bools, Compiled, Index, Ints, LinearLoad, Rows, Shards


class LinearTable:
    """Rows of all `LinearLoad` forms that can bind, as entries by rack.

    Entry n says that a unit of job j on rack r adds
    ``weight[n] * demand[table[n], j, kind[table[n], r]]`` to row ``row[n]``; the entries of rack r
    are ``start[r]:start[r + 1]``. Forms that hold the same `demand` object share a table.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.forms = [form for form in compiled.forms if isinstance(form, LinearLoad)]
        keys = [(id(form.demand), id(form.kind_of_rack)) for form in self.forms]
        shared = dict(zip(keys, self.forms, strict=True))
        number = {key: q for q, key in enumerate(shared)}
        kinds = max((form.demand.shape[1] for form in self.forms), default=1)
        self.demand = np.zeros((len(shared), compiled.num_jobs, kinds), np.int64)  # (Q, J, K)
        self.kind = np.zeros((len(shared), compiled.num_racks), np.int32)  # (Q, R)
        for q, form in enumerate(shared.values()):
            self.demand[q, :, : form.demand.shape[1]] = form.demand
            self.kind[q] = form.kind_of_rack

        self.binds = _joined([form.limit for form in self.forms]) < UNLIMITED  # (all rows,)
        self.base = _joined([form.base for form in self.forms])[self.binds]  # (I,)
        self.limit = _joined([form.limit for form in self.forms])[self.binds]  # (I,)
        counts = [form.rows.num_rows for form in self.forms]
        scale = np.repeat(np.array([form.scale for form in self.forms], np.int64), counts)
        self.scale = scale[self.binds]  # (I,)
        table_of_row = np.repeat(np.array([number[key] for key in keys], np.int32), counts)
        self.table_of_row = table_of_row[self.binds]  # (I,)
        self.form_of_row = np.repeat(np.arange(len(counts)), counts)[self.binds]  # (I,)

        offsets = np.cumsum([0, *counts])[:-1]
        row = _joined([f.rows.row + at for f, at in zip(self.forms, offsets, strict=True)])
        rack = _joined([form.rows.rack.astype(np.int64) for form in self.forms])
        weight = _joined([form.rows.weight for form in self.forms])
        kept = np.flatnonzero(self.binds[row])
        order = kept[np.argsort(rack[kept], kind="stable")]
        self.rack: Index = rack[order].astype(np.int32)  # (N,)
        self.row: Index = (np.cumsum(self.binds) - 1)[row[order]].astype(np.int32)  # (N,)
        self.weight: Ints = weight[order]  # (N,)
        self.table: Index = self.table_of_row[self.row]  # (N,)
        self.start: Ints = np.searchsorted(self.rack, np.arange(compiled.num_racks + 1))

    @property
    def num_rows(self) -> int:
        """Number of rows that can bind."""
        return len(self.limit)

    @cached_property
    def racks_in_row(self) -> Ints:
        """Number of racks of every row, (I,)."""
        return np.bincount(self.row, minlength=self.num_rows)

    def load(self, shards: Shards) -> Ints:
        """Return the load of every row, base included, (I,)."""
        loads = [reference.row_load(form, shards) for form in self.forms]
        total: Ints = _joined(loads)[self.binds]
        return total

    def excess(self, load: Ints, rows: Ints | Index | Bools | slice = slice(None)) -> Ints:
        """Return ``ceil(max(0, load - limit) / scale)``; `rows` are those that `load` is of."""
        return in_units(load - self.limit[rows], self.scale[rows])

    def rows_of(self, table: int) -> tuple[Rows, Ints]:
        """Return (the rows of a demand table, compressed by row, their numbers here)."""
        if table not in self._rows_of:
            rows = np.flatnonzero(self.table_of_row == table)
            entry = np.flatnonzero(self.table == table)
            entry = entry[np.argsort(self.row[entry], kind="stable")]
            start = np.searchsorted(self.row[entry], np.append(rows, self.num_rows))
            self._rows_of[table] = Rows(start, self.rack[entry], self.weight[entry]), rows
        return self._rows_of[table]

    @cached_property
    def _rows_of(self) -> dict[int, tuple[Rows, Ints]]:
        return {}

    def added(self, job: int, units: int) -> Ints:
        """Return what `units` of a job would add to the row of every entry on its rack, (N,)."""
        tables = np.arange(len(self.kind))[:, None]
        per_rack = self.demand[tables, job, self.kind] * units  # (Q, R)
        added: Ints = self.weight * per_rack[self.table, self.rack]
        return added


def in_units(over: Ints, scale: Ints) -> Ints:
    """Return ``ceil(max(0, over) / scale)``; divides only where that is needed, for it is dear."""
    excess: Ints = np.maximum(over, 0)
    divided = np.flatnonzero((excess > 0) & (scale > 1))
    if len(divided):
        by = np.broadcast_to(scale, excess.shape).flat[divided]
        excess.flat[divided] = -(-excess.flat[divided] // by)
    return excess


def _joined(arrays: list[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, np.int64), *arrays])
