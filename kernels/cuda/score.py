"""Full score of one plan on a device: one launch after another, recorded once and replayed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernels.cuda.device import THREADS, Buffer, blocks_for
from kernels.cuda.form_arrays import constants_of
from kernels.cuda.resident import PairForm, Resident, costs_of
from kernels.forms import AssignmentCost, Form, GroupCount, GroupPresence, Packing, Shards
from kernels.reference import UNITS
from kernels.score import Score, TermScore

Step = Callable[[], None]


class PlanScore:
    """The plan of a resident problem, what it adds up to, and the steps that add it up."""

    def __init__(self, resident: Resident) -> None:
        self.resident = resident
        device, compiled = resident.device, resident.compiled
        self._room = 0  # shards that the buffers below hold
        self._steps: list[Step] = []
        self._replay: Step | None = None
        self._held: tuple[Shards, Score] | None = None
        self.shards = 0
        self.loads = device.empty(max(1, resident.table.kind.size), np.int64)
        self.row_load = device.empty(max(1, resident.table.num_rows), np.int64)
        self.total = device.empty(max(1, compiled.num_jobs), np.int64)
        self.loss = device.empty(max(1, compiled.num_jobs), np.int64)
        self.counted = device.empty(max(1, compiled.num_jobs), np.int64)
        self.sums = device.empty((3, len(resident.slots)), np.int64)  # violation, margin, unmet
        self.violation, self.margin, self.unmet = (self.sums[n] for n in range(3))
        self.pairs: dict[int, tuple[PairForm, Buffer]] = {}  # by the number of the form
        self.used: dict[int, Buffer] = {}
        self._forms = [*enumerate(compiled.forms)]
        self.homes = {
            number: len(f.home_job) for number, f in self._forms if isinstance(f, AssignmentCost)
        }
        self.constants = [self._constants(number, form) for number, form in self._forms]
        self.risk, jobs, counts = resident.risk()
        self.at_risk = self._table(self.risk)
        self.survivors, self.risk_counts = resident.put(jobs), resident.put(counts)

    def load(self, shards: Shards) -> None:
        """Copy a plan to the device."""
        device, count = self.resident.device, len(shards.job)
        self._held = None
        if count > self._room or not self._room:
            self._room = max(1, count + count // 4)
            self.job, self.rack = (device.empty(self._room, np.int32) for _ in range(2))
            self.units = device.empty(self._room, np.int64)
            self._replay = None
        if count:
            device.update(self.job, shards.job)
            device.update(self.rack, shards.rack)
            device.update(self.units, shards.units)
        if count != self.shards:
            self._replay = None
        self.shards = count

    def hold(self, shards: Shards) -> Score:
        """Return the score of a base plan that stays on the device until another one comes.

        Batches and sweeps that start from the same plan send nothing of it again.
        """
        if self._held is None or self._held[0] is not shards:
            self._held = shards, self.score(shards)
        return self._held[1]

    def run(self) -> None:
        """Add everything up."""
        if self._replay is None:
            self._replay = self.resident.device.recorded(self._add_up)
        self._replay()

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        self.load(shards)
        self.run()
        violation, margin, unmet = self.resident.device.get(self.sums).tolist()
        for form in costs_of(self.resident.compiled):
            margin[self.resident.slots[form.term]] -= form.base_mills
        by_term = {
            term: TermScore(violation[slot], margin[slot])
            for term, slot in self.resident.slots.items()
        }
        return Score(sum(violation), sum(unmet), sum(margin), by_term)

    def _add_up(self) -> None:
        device, resident, units = self.resident.device, self.resident, self.resident.units
        jobs, table = resident.compiled.num_jobs, resident.table
        for buffer in (self.sums, self.loads, self.total, self.loss):
            device.fill(buffer, 0)
        tables, racks = table.kind.shape
        if self.shards and tables:
            self._launch(
                "rack_loads", self.shards * tables, self.job, self.rack, self.units, self.shards,
                resident.demand, resident.kind, tables, jobs, table.demand.shape[2], racks,
                self.loads,
            )  # fmt: skip
        if table.num_rows:
            self._launch(
                "row_excess", table.num_rows * 32, resident.row_start, resident.row_rack,
                resident.row_weight, resident.row_table, resident.base, resident.limit,
                resident.scale, resident.row_slot, table.num_rows, racks, self.loads, self.row_load,
                self.violation,
            )  # fmt: skip
        if self.shards:
            self._launch("job_totals", self.shards, self.job, self.units, self.shards, self.total)
        if self.risk.groups:
            self._add_pairs(self.risk, self.at_risk)
            self._launch(
                "worst_losses", self.risk.groups * 32, self.at_risk, self.risk_counts,
                self.survivors, self.risk.groups, self.risk.domains, self.loss,
            )  # fmt: skip
        if jobs:
            self._launch(
                "count_units", jobs, self.total, self.loss, units["least"], units["most"],
                units["counted_most"], units["held_back"], jobs, resident.slots[UNITS],
                self.counted, self.violation,
            )  # fmt: skip
        for (number, form), constant in zip(self._forms, self.constants, strict=True):
            self._form(number, form, constant)

    def _form(self, number: int, form: Form, constant: dict[str, Buffer]) -> None:
        slot = self.resident.slots[form.term]
        if isinstance(form, AssignmentCost):
            self._assignment(form, slot, constant)
            return
        if number not in self.pairs:
            return
        pairs, table = self.pairs[number]
        self._add_pairs(pairs, table)
        size, groups, domains = pairs.groups * pairs.domains, pairs.groups, pairs.domains
        if isinstance(form, Packing):
            used = self.used[number]
            self.resident.device.fill(used, 0)
            self._launch("bins_taken", size, table, groups, domains, constant["bin_size"], used)
            self._launch(
                "bins_over", domains, used, constant["bins"], domains, slot, self.violation
            )
        elif isinstance(form, GroupCount):
            self._launch(
                "counts_over", size, table, constant["limit"], groups, domains, slot, self.violation
            )
        else:
            used = self.used[number]
            self.resident.device.fill(used, 0)
            self._launch(
                "presence_pairs", size, table, constant["foe_start"], constant["foe"], groups,
                domains, slot, used, self.violation,
            )  # fmt: skip
            self._launch(
                "domains_paid", groups, used, constant["max_domains"], constant["free_domains"],
                constant["price_mills"], groups, slot, self.violation, self.margin,
            )  # fmt: skip

    def _assignment(self, form: AssignmentCost, slot: int, constant: dict[str, Buffer]) -> None:
        jobs, homes = self.resident.compiled.num_jobs, len(form.home_job)
        plan = (self.job, self.rack, self.units, self.shards)
        if self.shards:
            self._launch(
                "place_costs", self.shards, *plan, constant["cost_mills"], constant["allowed"],
                constant["kind_of_rack"], form.cost_mills.shape[1], slot, self.violation,
                self.margin,
            )  # fmt: skip
        if jobs:
            self._launch(
                "values", jobs, self.counted, self.resident.units["counted_most"],
                constant["value_mills"], constant["firm_gpus"], jobs, slot, self.margin, self.unmet,
            )  # fmt: skip
        if homes:
            self._launch(
                "moves_paid", homes, *plan, constant["home_job"], constant["home_rack"],
                constant["home_units"], constant["move_mills"], homes, slot, self.margin,
            )  # fmt: skip

    def _constants(self, number: int, form: Form) -> dict[str, Buffer]:
        """Copy what a form's kernels read, and make room for what they add up."""
        if isinstance(form, Packing | GroupCount | GroupPresence):
            pairs = self.resident.pairs(form)
            if pairs.groups:
                self.pairs[number] = pairs, self._table(pairs)
                size = pairs.groups if isinstance(form, GroupPresence) else pairs.domains
                self.used[number] = self.resident.device.empty(size, np.int64)
        return constants_of(self.resident, form)

    def _table(self, pairs: PairForm) -> Buffer:
        return self.resident.device.empty(max(1, pairs.groups * pairs.domains), np.int64)

    def _add_pairs(self, pairs: PairForm, table: Buffer) -> None:
        self.resident.device.fill(table, 0)
        if self.shards:
            self._launch(
                "add_pairs", self.shards, self.job, self.rack, self.units, self.shards,
                pairs.group_of_job, pairs.size, pairs.kind, pairs.kinds, pairs.start, pairs.domain,
                pairs.domains, table,
            )  # fmt: skip

    def _launch(self, kernel: str, items: int, *arguments: Buffer | int) -> None:
        self.resident.device.launch(kernel, blocks_for(items), THREADS, arguments)
