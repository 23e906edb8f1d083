"""What a plan does to each form, kept up to date while units are placed and taken.

Each ledger costs time in proportion to the rows and domains of the one rack that is touched.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kernels import reference
from kernels.forms import (
    NONE,
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)
from kernels.linear_table import LinearTable

Sums = dict[tuple[int, int], int]  # only sums that are not zero


class Ledger(Protocol):
    """Violation and cost of a form."""

    violation: int
    cost_mills: int

    def place(self, job: int, rack: int, units: int) -> None:
        """Add units of a job on a rack; take them if negative."""
        ...


class LoadLedger:
    """All linear rows in one table by rack; a row holds each rack at most once."""

    cost_mills = 0

    def __init__(self, compiled: Compiled, shards: Shards) -> None:
        self._table = LinearTable(compiled)
        self._which = np.arange(len(self._table.kind))  # (Q,)
        self._load = self._table.load(shards)  # (I,)
        self._excess = self._table.excess(self._load)  # (I,)
        self.violation = int(self._excess.sum())

    def place(self, job: int, rack: int, units: int) -> None:
        """Add the units to the load of every row of the rack."""
        table = self._table
        touched = slice(table.start[rack], table.start[rack + 1])
        added = table.demand[self._which, job, table.kind[:, rack]] * units
        rows = table.row[touched]
        load = self._load[rows] + table.weight[touched] * added[table.table[touched]]
        excess = table.excess(load, rows)
        self.violation += int(excess.sum() - self._excess[rows].sum())
        self._load[rows] = load
        self._excess[rows] = excess


class BinLedger:
    """Slots by rack and group, bins by rack."""

    cost_mills = 0

    def __init__(self, form: Packing, shards: Shards) -> None:
        self._form = form
        self._slots = _sums(*reference.bin_slots(form, shards))
        self._used = reference.bins_used(form, shards)
        self.violation = int(np.maximum(self._used - form.bins, 0).sum())

    def place(self, job: int, rack: int, units: int) -> None:
        """Fill or empty bins of the job's group."""
        group = int(self._form.group_of_job[job])
        if group == NONE:
            return
        size, bins = int(self._form.bin_size[rack]), int(self._form.bins[rack])
        before = self._slots.get((rack, group), 0)
        after = before + units * int(self._form.size[job, self._form.kind_of_rack[rack]])
        _put(self._slots, (rack, group), after)
        used = int(self._used[rack])
        new_used = used - (-after // size) + (-before // size)
        self.violation += max(0, new_used - bins) - max(0, used - bins)
        self._used[rack] = new_used


class CountLedger:
    """Units by group and domain, and by surviving job and domain."""

    cost_mills = 0

    def __init__(self, form: GroupCount, shards: Shards, num_racks: int) -> None:
        self._form = form
        self._start, self._domain, _ = reference.transposed(form.domains, num_racks)
        group, domain, units = reference.group_units(form, shards)
        self._units = _sums(group, domain, units)
        self._at_risk: dict[int, dict[int, int]] = {}  # job -> domain -> units
        survivors = reference.survivor_units(form, shards)
        for job, at, lost in zip(*(each.tolist() for each in survivors), strict=True):
            self._at_risk.setdefault(job, {})[at] = lost
        self.violation = int(np.maximum(units - form.limit[group], 0).sum())

    def loss(self, job: int) -> int:
        """Return the units of the job in its worst domain, 0 if it need not survive."""
        return max(self._at_risk.get(job, {}).values(), default=0)

    def place(self, job: int, rack: int, units: int) -> None:
        """Count the units in every domain of the rack."""
        group = int(self._form.group_of_job[job])
        for domain in self._domain[self._start[rack] : self._start[rack + 1]].tolist():
            if group != NONE:
                limit = int(self._form.limit[group])
                before = self._units.get((group, domain), 0)
                _put(self._units, (group, domain), before + units)
                self.violation += max(0, before + units - limit) - max(0, before - limit)
            if self._form.survives[job]:
                at_risk = self._at_risk.setdefault(job, {})
                at_risk[domain] = at_risk.get(domain, 0) + units


class PresenceLedger:
    """Units by group and domain, the groups in each domain, the domains of each group."""

    def __init__(self, form: GroupPresence, shards: Shards) -> None:
        self._form = form
        self._units: Sums = {}
        self._groups_in: dict[int, set[int]] = {}
        self._used = [0] * len(form.max_domains)
        self.violation = 0
        self.cost_mills = 0
        placements = (shards.job.tolist(), shards.rack.tolist(), shards.units.tolist())
        for job, rack, units in zip(*placements, strict=True):
            self.place(job, rack, units)

    def place(self, job: int, rack: int, units: int) -> None:
        """Let the job's group enter or leave the rack's domain, if the units make it do so."""
        group, domain = int(self._form.group_of_job[job]), int(self._form.domain_of_rack[rack])
        if NONE in (group, domain):
            return
        before = self._units.get((group, domain), 0)
        _put(self._units, (group, domain), before + units)
        groups = self._groups_in.setdefault(domain, set())
        if before == 0:
            self._step(group, groups, 1)
            groups.add(group)
        elif before + units == 0:
            groups.remove(group)
            self._step(group, groups, -1)

    def _step(self, group: int, others: set[int], step: int) -> None:
        """Count one domain more or less for the group, shared with the others."""
        used = self._used[group]
        self._used[group] = used + step
        larger = max(used, used + step)
        if larger > self._form.max_domains[group]:
            self.violation += step
        if larger > self._form.free_domains[group]:
            self.cost_mills += step * int(self._form.price_mills[group])
        if self._form.may_share is not None and others:
            allowed = self._form.may_share[group, list(others)]
            self.violation += step * int(len(others) - allowed.sum())


class CostLedger:
    """Cost of places, units that moved away from home, units where they may not be."""

    def __init__(self, form: AssignmentCost, shards: Shards) -> None:
        self._form = form
        homes = zip(form.home_job.tolist(), form.home_rack.tolist(), strict=True)
        num_racks = len(form.kind_of_rack)
        stayed = reference.units_at(shards, form.home_job, form.home_rack, num_racks)
        self._home = {pair: h for h, pair in enumerate(homes)}
        self._stayed = stayed.tolist()
        nothing_counts = np.zeros(len(form.value_mills), np.int64)
        self.violation = reference.forbidden_units(form, shards)
        self.cost_mills = -reference.assignment_margin(form, shards, nothing_counts)

    def place(self, job: int, rack: int, units: int) -> None:
        """Pay for the units, and for what has left home."""
        kind = int(self._form.kind_of_rack[rack])
        self.cost_mills += units * int(self._form.cost_mills[job, kind])
        if not self._form.allowed[job, kind]:
            self.violation += units
        h = self._home.get((job, rack))
        if h is not None:
            home, stayed = int(self._form.home_units[h]), self._stayed[h]
            moved = max(0, home - stayed - units) - max(0, home - stayed)
            self.cost_mills += moved * int(self._form.move_mills[h])
            self._stayed[h] = stayed + units


def _sums(first: Ints, second: Ints, values: Ints) -> Sums:
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    return dict(zip(pairs, values.tolist(), strict=True))


def _put(sums: Sums, pair: tuple[int, int], value: int) -> None:
    if value:
        sums[pair] = value
    else:
        sums.pop(pair, None)
