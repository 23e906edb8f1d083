"""From forms to an integer program over (job, rack class): one function for each form.

Every row is implied by the forms, so with any classes the optimum bounds every plan; with every
rack a class of its own (`Classes.is_exact`) the program and the forms say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    GroupCount,
    GroupPresence,
    Ints,
    LinearLoad,
    Packing,
    Shards,
)
from scheduler.planner.classes import Classes
from scheduler.planner.loads import can_bind
from scheduler.planner.program import Arrays, Program

Point = Callable[[Ints], Ints]  # units per (job, class) -> values of a block of columns


@dataclass(frozen=True, eq=False)
class Lowered:
    """A finished program and how to read it."""

    classes: Classes
    arrays: Arrays
    firm: Ints  # (columns,) GPUs of firm obligation per unit of a column
    job: Ints  # (X,) job of each placement column
    rack_class: Ints  # (X,)
    column: Ints  # (X,) placement columns
    blocks: tuple[tuple[Ints, Point], ...]
    num_jobs: int

    def units(self, x: Ints) -> Ints:
        """Return the units per (job, class) of a solution, (J, C)."""
        units = np.zeros((self.num_jobs, self.classes.count), np.int64)
        units[self.job, self.rack_class] = x[self.column]
        return units

    def point(self, shards: Shards) -> Ints:
        """Return the solution that stands for a plan, for use as a start."""
        units = np.zeros((self.num_jobs, self.classes.count), np.int64)
        np.add.at(units, (shards.job, self.classes.of_rack[shards.rack]), shards.units)
        x = np.zeros(self.arrays.num_columns, np.int64)
        x[self.column] = units[self.job, self.rack_class]
        for columns, values in self.blocks:
            x[columns] = values(units)
        return np.clip(x, self.arrays.low, self.arrays.high)


def lower(compiled: Compiled, classes: Classes) -> Lowered:
    """Lower every form of `compiled` onto `classes`."""
    return _Lowering(compiled, classes).lower()


class _Lowering:
    def __init__(self, compiled: Compiled, classes: Classes) -> None:
        self.compiled, self.classes = compiled, classes
        self.forms = compiled.forms
        self.packing = next((f for f in self.forms if isinstance(f, Packing)), None)
        self.program = Program()
        self.blocks: list[tuple[Ints, Point]] = []
        self.firm: list[tuple[Ints, Ints]] = []
        self.most = self._most_units()
        self.job, self.rack_class = np.nonzero(self.most)
        self.size = self._size()

    def lower(self) -> Lowered:
        cost = self._cost()
        self.x = self.program.columns(
            len(self.job),
            high=self.most[self.job, self.rack_class],
            gain=-cost[self.job, self.rack_class],
        )
        self.counted = self._units()
        for form in self.forms:
            match form:
                case AssignmentCost():
                    self._assignment_cost(form)
                case Packing():
                    self._packing(form)
                case GroupCount():
                    self._group_count(form)
                case GroupPresence():
                    self._group_presence(form)
                case LinearLoad():
                    self._linear_load(form)
        firm = np.zeros(self.program.num_columns, np.int64)
        for columns, values in self.firm:
            np.add.at(firm, columns, values)
        return Lowered(
            self.classes,
            self.program.finish(),
            firm,
            self.job,
            self.rack_class,
            self.x,
            tuple(self.blocks),
            self.compiled.num_jobs,
        )

    # ---- placement columns

    def _most_units(self) -> Ints:
        """Most units of every job on every class, 0 where it is not allowed, (J, C)."""
        num_jobs, classes = self.compiled.num_jobs, self.classes
        most = np.repeat(self.compiled.units.most[:, None], classes.count, axis=1)
        if self.packing is not None:
            packing = self.packing
            slots = packing.bins * packing.bin_size
            alike, count = _distinct([classes.of_rack, packing.kind_of_rack, slots])
            room = np.zeros((num_jobs, classes.count), np.int64)
            for (rack_class, kind, slot), racks in zip(alike.T, count, strict=True):
                room[:, rack_class] += slot // np.maximum(packing.size[:, kind], 1) * racks
            most = np.minimum(most, room)
        for form in self.forms:
            if isinstance(form, AssignmentCost):
                allowed = np.zeros((num_jobs, classes.count), bool)
                pairs, _ = _distinct([classes.of_rack, form.kind_of_rack])
                for rack_class, kind in pairs.T:
                    allowed[:, rack_class] |= form.allowed[:, kind]
                most[~allowed] = 0
        return most

    def _cost(self) -> Ints:
        """Least cost of a unit of every job on every class, (J, C)."""
        cost = np.zeros((self.compiled.num_jobs, self.classes.count), np.int64)
        for form in self.forms:
            if isinstance(form, AssignmentCost):
                cost += self._least(form.cost_mills, form.kind_of_rack)
        return cost

    def _least(self, per_kind: Ints, kind_of_rack: np.ndarray) -> Ints:
        """Return the least of `per_kind` (J, K) over the racks of each class, (J, C)."""
        least = np.full((len(per_kind), self.classes.count), UNLIMITED, np.int64)
        pairs, _ = _distinct([self.classes.of_rack, kind_of_rack])
        for rack_class, kind in pairs.T:
            np.minimum(least[:, rack_class], per_kind[:, kind], out=least[:, rack_class])
        return least

    def _size(self) -> Ints:
        """Slots of every placement column's unit, 0 if it takes no bins, (X,)."""
        if self.packing is None:
            return np.zeros(len(self.job), np.int64)
        size = self._least(self.packing.size, self.packing.kind_of_rack)
        takes_bins = self.packing.group_of_job[self.job] != NONE
        return np.where(takes_bins, size[self.job, self.rack_class], 0)

    # ---- how many units, and which of them count

    def _units(self) -> dict[int, tuple[int, int | None]]:
        """Bound totals; return (column, big-M column) of jobs whose units count otherwise."""
        units, program = self.compiled.units, self.program
        all_or_part = units.least <= 1
        free = np.flatnonzero(all_or_part)
        row_of = np.full(self.compiled.num_jobs, -1)
        row_of[free] = program.rows(len(free), high=units.most[free])
        gangs = np.flatnonzero(~all_or_part)
        if len(gangs):
            active = program.columns(len(gangs))
            self.blocks.append((active, lambda u: (u[gangs].sum(axis=1) > 0).astype(np.int64)))
            row_of[gangs] = upper = program.rows(len(gangs), high=0)
            program.entries(upper, active, -units.most[gangs])
            lower_of = np.full(self.compiled.num_jobs, -1)
            lower_of[gangs] = lower_rows = program.rows(len(gangs), low=0)
            program.entries(lower_rows, active, -units.least[gangs])
            of_gang = lower_of[self.job] >= 0
            program.entries(lower_of[self.job[of_gang]], self.x[of_gang], 1)
        program.entries(row_of[self.job], self.x, 1)
        return {int(j): self._counted_column(int(j)) for j in np.flatnonzero(self._special())}

    def _special(self) -> Bools:
        """Jobs of which fewer units count than are placed, (J,)."""
        units = self.compiled.units
        special = (units.held_back > 0) | (units.counted_most < units.most)
        for form in self.forms:
            if isinstance(form, GroupCount):
                special |= form.survives
        return np.asarray(special)

    def _counted_column(self, job: int) -> tuple[int, int | None]:
        """Add ``q <= total - held * b``, ``q <= counted_most * b`` and return (q, b)."""
        units, program = self.compiled.units, self.program
        held, most = int(units.held_back[job]), int(units.counted_most[job])
        (column,) = program.columns(1, high=most).tolist()
        worst = self._worst_loss_of
        self.blocks.append(
            (
                np.array([column]),
                lambda u: np.clip(u[job].sum(keepdims=True) - held - worst(job, u), 0, most),
            )
        )
        mine = self.job == job
        (row,) = program.rows(1, high=0).tolist()
        program.entries(row, self.x[mine], -1)
        program.entries(row, column, 1)
        if not held:
            return column, None
        (enough,) = program.columns(1).tolist()
        counted = self.blocks[-1][1]
        self.blocks.append((np.array([enough]), lambda u: (counted(u) > 0).astype(np.int64)))
        program.entries(row, enough, held)
        (row,) = program.rows(1, high=0).tolist()
        program.entries(row, [column, enough], [1, -most])
        return column, enough

    def _worst_loss_of(self, job: int, units: Ints) -> int:
        worst = 0
        for form in self.forms:
            if isinstance(form, GroupCount) and form.survives[job]:
                domain, rack_class, whole, _ = self._domain_classes(form)
                inside = np.zeros(form.domains.num_rows, np.int64)
                np.add.at(inside, domain[whole], units[job, rack_class[whole]])
                worst = max(worst, int(inside.max(initial=0)))
        return worst

    def _assignment_cost(self, form: AssignmentCost) -> None:
        self.program.constant -= form.base_mills
        plain = np.array([j not in self.counted for j in range(self.compiled.num_jobs)])
        of_plain = plain[self.job]
        self.program.gain(self.x[of_plain], form.value_mills[self.job[of_plain]])
        self.firm.append((self.x[of_plain], form.firm_gpus[self.job[of_plain]]))
        special = np.array(list(self.counted), np.int64)
        columns = np.array([column for column, _ in self.counted.values()], np.int64)
        self.program.gain(columns, form.value_mills[special])
        self.firm.append((columns, form.firm_gpus[special]))
        self._moves(form)

    def _moves(self, form: AssignmentCost) -> None:
        """Units that stay at home save their move."""
        if not len(form.home_job):
            return
        self.program.constant -= int(form.home_units @ form.move_mills)
        column_of = np.full((self.compiled.num_jobs, self.classes.count), -1)
        column_of[self.job, self.rack_class] = self.x
        home_class = self.classes.of_rack[form.home_rack]
        pairs, index = np.unique(np.stack([form.home_job, home_class]), axis=1, return_inverse=True)
        homes = np.bincount(index.ravel(), form.home_units).astype(np.int64)
        price = np.zeros(pairs.shape[1], np.int64)
        np.maximum.at(price, index.ravel(), form.move_mills)
        job, rack_class = pairs
        there = column_of[job, rack_class] >= 0
        job, rack_class, homes, price = job[there], rack_class[there], homes[there], price[there]
        stay = self.program.columns(len(job), high=homes, gain=price)
        self.blocks.append((stay, lambda u: np.minimum(homes, u[job, rack_class])))
        rows = self.program.rows(len(job), high=0)
        self.program.entries(rows, stay, 1)
        self.program.entries(rows, column_of[job, rack_class], -1)

    # ---- packing

    def _packing(self, form: Packing) -> None:
        slots = self.classes.total(form.bins * form.bin_size)
        rows = self.program.rows(self.classes.count, high=slots)
        if not self.classes.is_exact:
            self.program.entries(rows[self.rack_class], self.x, self.size)
            return
        bin_size = form.bin_size[self.rack_class]  # a class is a rack here
        group = form.group_of_job[self.job]
        shares = np.zeros((int(group.max(initial=0)) + 1, self.classes.count), bool)
        part = (self.size % bin_size != 0) & (group != NONE)
        shares[group[part], self.rack_class[part]] = True
        rounded = (group != NONE) & shares[group, self.rack_class]
        whole = ~rounded
        self.program.entries(rows[self.rack_class[whole]], self.x[whole], self.size[whole])
        pair_group, pair_rack = np.nonzero(shares)
        if not len(pair_group):
            return
        number = np.full(shares.shape, -1)
        number[pair_group, pair_rack] = np.arange(len(pair_group))
        bins = self.program.columns(len(pair_group), high=form.bins[pair_rack])
        link = self.program.rows(len(pair_group), high=0)
        which = number[group[rounded], self.rack_class[rounded]]
        self.program.entries(link[which], self.x[rounded], self.size[rounded])
        self.program.entries(link, bins, -form.bin_size[pair_rack])
        self.program.entries(rows[pair_rack], bins, form.bin_size[pair_rack])
        job, rack, size = self.job[rounded], self.rack_class[rounded], self.size[rounded]

        def used(units: Ints) -> Ints:
            slots = np.bincount(which, units[job, rack] * size, len(pair_group)).astype(np.int64)
            return -(-slots // form.bin_size[pair_rack])

        self.blocks.append((bins, used))

    # ---- counts

    def _domain_classes(self, form: GroupCount) -> tuple[Ints, Ints, Bools, Ints]:
        """Return (domain, class) pairs, whether the class lies wholly inside, racks inside."""
        pairs, racks = _distinct([form.domains.row, self.classes.of_rack[form.domains.rack]])
        domain, rack_class = pairs
        return domain, rack_class, racks == self.classes.size[rack_class], racks

    def _group_count(self, form: GroupCount) -> None:
        domain, rack_class, whole, racks = self._domain_classes(form)
        inside = np.zeros((form.domains.num_rows, self.classes.count), bool)
        inside[domain[whole], rack_class[whole]] = True
        covered = np.bincount(rack_class, racks, self.classes.count) >= self.classes.size
        parts = np.bincount(rack_class[~whole], minlength=self.classes.count)
        split = covered & (parts > 0)  # classes that fall apart into `parts` domains
        for group in np.flatnonzero(form.limit < UNLIMITED):
            self._limit_group(form, int(group), inside, np.where(split, parts, 0))
        for job in np.flatnonzero(form.survives):
            self._survive(int(job), inside, np.where(split, parts, 0))

    def _limit_group(self, form: GroupCount, group: int, inside: Bools, parts: Ints) -> None:
        mine = form.group_of_job[self.job] == group
        rows = self.program.rows(len(inside), high=form.limit[group])
        domain, column = np.nonzero(inside[:, self.rack_class[mine]])
        self.program.entries(rows[domain], self.x[mine][column], 1)
        pieces = np.flatnonzero(parts)
        rows_of = np.full(self.classes.count, -1)
        rows_of[pieces] = self.program.rows(len(pieces), high=form.limit[group] * parts[pieces])
        split = mine & (rows_of[self.rack_class] >= 0)
        self.program.entries(rows_of[self.rack_class[split]], self.x[split], 1)

    def _survive(self, job: int, inside: Bools, parts: Ints) -> None:
        """Add ``q + held * b <= total - lost`` for every domain that may be lost."""
        column, enough = self.counted[job]
        mine = self.job == job
        rack_class, x = self.rack_class[mine], self.x[mine]
        losses = [(lost[rack_class].astype(np.int64), 1) for lost in inside]
        losses += [
            ((rack_class == c).astype(np.int64), int(parts[c])) for c in np.flatnonzero(parts)
        ]
        for lost, share in losses:
            if not lost.any():
                continue
            (row,) = self.program.rows(1, high=0).tolist()
            self.program.entries(row, column, share)
            self.program.entries(row, x, lost - share)
            if enough is not None:
                self.program.entries(row, enough, share * int(self.compiled.units.held_back[job]))

    # ---- presence

    def _group_presence(self, form: GroupPresence) -> None:
        cells = _Cells.of(form, self.classes, self.packing)
        share = form.may_share
        others = np.zeros(len(form.group_names), np.int64) if share is None else (~share).sum(0)
        exclusive = (others == len(form.group_names) - 1) & (others > 0)
        bounded = (form.max_domains < cells.total) | (form.price_mills > 0)
        needs = exclusive | (others > 0) | bounded
        group = form.group_of_job[self.job]
        cell = cells.of_class[self.rack_class]
        there = (group != NONE) & (cell != NONE)
        concerned = there & needs[group]
        pairs, which = np.unique(
            np.stack([group[concerned], cell[concerned]]), axis=1, return_inverse=True
        )
        which = which.ravel()
        present = self.program.columns(pairs.shape[1], high=cells.domains[pairs[1]])
        self._link_presence(cells, present, pairs, which, concerned)
        self._hint_presence(cells, present, pairs, which, concerned)
        self._domains_of_group(form, present, pairs, np.flatnonzero(bounded))
        if exclusive.any():
            self._exclude(cells, present, pairs, exclusive, there, group, cell)
        self._keep_apart(form, cells, present, pairs, exclusive)

    def _link_presence(
        self, cells: _Cells, present: Ints, pairs: Ints, which: Ints, concerned: Bools
    ) -> None:
        """Units lie only where their group is present."""
        size, x = self.size[concerned], self.x[concerned]
        in_bins = size > 0
        rows = self.program.rows(len(present), high=0)
        self.program.entries(rows[which[in_bins]], x[in_bins], size[in_bins])
        self.program.entries(rows, present, -cells.most_slots[pairs[1]])
        most = self.most[self.job, self.rack_class][concerned]
        free = np.flatnonzero(~in_bins | (cells.domains[pairs[1][which]] == 1))
        rows = self.program.rows(len(free), high=0)
        self.program.entries(rows, x[free], 1)
        self.program.entries(rows, present[which[free]], -most[free])

    def _hint_presence(
        self, cells: _Cells, present: Ints, pairs: Ints, which: Ints, concerned: Bools
    ) -> None:
        job, rack_class = self.job[concerned], self.rack_class[concerned]
        size = self.size[concerned]

        def values(units: Ints) -> Ints:
            here = units[job, rack_class]
            slots = np.bincount(which, here * size, len(present)).astype(np.int64)
            any_here = np.bincount(which, here, len(present)) > 0
            most = np.maximum(cells.most_slots[pairs[1]], 1)
            return np.maximum(-(-slots // most), any_here.astype(np.int64))

        self.blocks.append((present, values))

    def _domains_of_group(
        self, form: GroupPresence, present: Ints, pairs: Ints, groups: Ints
    ) -> None:
        """At most `max_domains`; each above `free_domains` has its price."""
        row_of = np.full(len(form.group_names), -1)
        row_of[groups] = self.program.rows(len(groups), high=form.max_domains[groups])
        mine = row_of[pairs[0]] >= 0
        self.program.entries(row_of[pairs[0][mine]], present[mine], 1)
        priced = groups[form.price_mills[groups] > 0]
        extra = self.program.columns(
            len(priced), high=form.num_domains, gain=-form.price_mills[priced]
        )
        row_of = np.full(len(form.group_names), -1)
        row_of[priced] = rows = self.program.rows(len(priced), high=form.free_domains[priced])
        mine = row_of[pairs[0]] >= 0
        self.program.entries(row_of[pairs[0][mine]], present[mine], 1)
        self.program.entries(rows, extra, -1)
        count = self.blocks[-1][1]

        def values(units: Ints) -> Ints:
            domains = np.bincount(pairs[0], count(units), len(form.group_names)).astype(np.int64)
            return np.maximum(domains[priced] - form.free_domains[priced], 0)

        self.blocks.append((extra, values))

    def _exclude(
        self,
        cells: _Cells,
        present: Ints,
        pairs: Ints,
        exclusive: Bools,
        there: Bools,
        group: Ints,
        cell: Ints,
    ) -> None:
        """What exclusive groups hold, nobody else uses."""
        rows = self.program.rows(len(cells.slots), high=cells.slots)
        owned = exclusive[pairs[0]]
        self.program.entries(
            rows[pairs[1][owned]], present[owned], cells.least_slots[pairs[1][owned]]
        )
        shared = there.copy()
        shared[there] = ~exclusive[group[there]]
        self.program.entries(rows[cell[shared]], self.x[shared], self.size[shared])
        single = shared & (self.size == 0)
        single[single] = cells.domains[cell[single]] == 1
        free = np.flatnonzero(single)
        most = self.most[self.job, self.rack_class]
        rows = self.program.rows(len(free), high=most[free])
        self.program.entries(rows, self.x[free], 1)
        for row, column in zip(rows.tolist(), free.tolist(), strict=True):
            owners = present[owned & (pairs[1] == cell[column])]
            self.program.entries(row, owners, most[column])

    def _keep_apart(
        self, form: GroupPresence, cells: _Cells, present: Ints, pairs: Ints, exclusive: Bools
    ) -> None:
        """Two groups in conflict are not present in the same domain."""
        if form.may_share is None:
            return
        of_pair = {(int(g), int(e)): int(c) for (g, e), c in zip(pairs.T, present, strict=True)}
        foes = np.argwhere(np.triu(~form.may_share))
        for a, b in foes.tolist():
            if exclusive[a] or exclusive[b]:
                continue  # already kept apart by the slots of the domain
            for cell, domains in enumerate(cells.domains.tolist()):
                if (a, cell) in of_pair and (b, cell) in of_pair:
                    (row,) = self.program.rows(1, high=domains).tolist()
                    self.program.entries(row, [of_pair[a, cell], of_pair[b, cell]], 1)

    # ---- loads

    def _linear_load(self, form: LinearLoad) -> None:
        """Rows over classes, with the least weight of a class's racks: never too strict."""
        rows, classes = form.rows, self.classes
        kept = can_bind(form, self.compiled)
        row, rack_class, least = self._class_weights(form)
        summed = self._row_of_its_class(form, row, rack_class)
        high = np.maximum(form.limit, form.base) - form.base
        demand = self._least(form.demand, form.kind_of_rack)[self.job, self.rack_class]
        if (form.demand < 0).any():
            self._brought_capacity(demand, summed, high)
            return
        inside = kept[row] & (least > 0)
        row, rack_class, least = row[inside], rack_class[inside], least[inside]
        used = np.unique(row)
        carried = np.unique(rack_class)
        if not len(used):
            return
        load = self._load_columns(demand, carried)
        number = np.full(rows.num_rows, -1)
        number[used] = self.program.rows(len(used), high=high[used])
        position = np.full(classes.count, -1)
        position[carried] = load
        self.program.entries(number[row], position[rack_class], least)

    def _class_weights(self, form: LinearLoad) -> tuple[Ints, Ints, Ints]:
        """Return (row, class, least weight over the class's racks) for every pair that meets."""
        rows = form.rows
        key = rows.row.astype(np.int64) * self.classes.count + self.classes.of_rack[rows.rack]
        pairs, index = np.unique(key, return_inverse=True)
        least = np.full(len(pairs), UNLIMITED, np.int64)
        np.minimum.at(least, index, rows.weight)
        racks = np.bincount(index, minlength=len(pairs))
        row, rack_class = np.divmod(pairs, self.classes.count)
        least[racks < self.classes.size[rack_class]] = 0
        return row, rack_class, least

    def _row_of_its_class(self, form: LinearLoad, row: Ints, rack_class: Ints) -> Ints:
        """Return the class of every row that touches one class only, else NONE, (I,)."""
        touched = np.bincount(row, minlength=form.rows.num_rows)
        of_row = np.full(form.rows.num_rows, NONE, np.int64)
        of_row[row] = rack_class
        return np.where(touched == 1, of_row, NONE)

    def _brought_capacity(self, demand: Ints, class_of_row: Ints, high: Ints) -> None:
        """Rows of single classes, added up: what is used is at most what is brought there."""
        single = class_of_row != NONE
        total = np.bincount(class_of_row[single], high[single], self.classes.count)
        rows = self.program.rows(self.classes.count, high=total.astype(np.int64))
        self.program.entries(rows[self.rack_class], self.x, demand)

    def _load_columns(self, demand: Ints, carried: Ints) -> Ints:
        """Add one column a class that is at least the load there; return the columns."""
        position = np.full(self.classes.count, -1)
        position[carried] = np.arange(len(carried))
        here = np.flatnonzero((position[self.rack_class] >= 0) & (demand > 0))
        where = position[self.rack_class[here]]
        most = np.bincount(
            where, demand[here] * self.most[self.job[here], self.rack_class[here]], len(carried)
        )
        load = self.program.columns(len(carried), high=most.astype(np.int64))
        rows = self.program.rows(len(carried), high=0)
        self.program.entries(rows[where], self.x[here], demand[here])
        self.program.entries(rows, load, -1)
        job, rack_class, watts = self.job[here], self.rack_class[here], demand[here]

        def values(units: Ints) -> Ints:
            return np.bincount(where, units[job, rack_class] * watts, len(carried)).astype(np.int64)

        self.blocks.append((load, values))
        return load


@dataclass(frozen=True, eq=False)
class _Cells:
    """Domains of a presence form as seen by the classes.

    A cell is one domain, or several that some class does not tell apart.
    """

    of_class: Ints  # (C,) NONE: in no domain
    domains: Ints  # (E,) domains in each cell
    slots: Ints  # (E,)
    most_slots: Ints  # (E,) of one domain
    least_slots: Ints  # (E,)

    @property
    def total(self) -> int:
        """Number of domains in all cells."""
        return int(self.domains.sum())

    @staticmethod
    def of(form: GroupPresence, classes: Classes, packing: Packing | None) -> _Cells:
        """Join the domains that lie in one class, again and again, into cells."""
        inside = form.domain_of_rack != NONE
        leader = np.arange(form.num_domains)
        of_class = np.full(classes.count, NONE, np.int64)
        pairs, _ = _distinct([classes.of_rack[inside], form.domain_of_rack[inside]])
        for rack_class, domain in pairs.T.tolist():
            if of_class[rack_class] == NONE:
                of_class[rack_class] = domain
            else:
                leader[leader == leader[domain]] = leader[of_class[rack_class]]
        whole = classes.total(inside.astype(np.int64)) == classes.size
        cell_of_domain = np.unique(leader, return_inverse=True)[1]
        slots = (
            np.ones(len(inside), np.int64) if packing is None else packing.bins * packing.bin_size
        )
        per_domain = np.bincount(
            form.domain_of_rack[inside], slots[inside], form.num_domains
        ).astype(np.int64)
        count = int(cell_of_domain.max(initial=-1)) + 1
        most, least = np.zeros(count, np.int64), np.full(count, UNLIMITED, np.int64)
        np.maximum.at(most, cell_of_domain, per_domain)
        np.minimum.at(least, cell_of_domain, per_domain)
        return _Cells(
            of_class=np.where(whole, cell_of_domain[of_class], NONE),
            domains=np.bincount(cell_of_domain, minlength=count).astype(np.int64),
            slots=np.bincount(cell_of_domain, per_domain, count).astype(np.int64),
            most_slots=most,
            least_slots=least,
        )


def _distinct(keys: list[np.ndarray]) -> tuple[Ints, Ints]:
    """Return the distinct columns of stacked `keys` and how often each occurs."""
    stacked = np.stack([np.asarray(key, np.int64) for key in keys])
    distinct, count = np.unique(stacked, axis=1, return_counts=True)
    return distinct, count.astype(np.int64)
