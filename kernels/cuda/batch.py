"""Batches of plans on a device: a base that stays there, and moves that travel."""

from __future__ import annotations

import numpy as np

from kernels.batch import MoveSets
from kernels.cuda.device import THREADS, Buffer
from kernels.cuda.resident import Resident, costs_of
from kernels.cuda.score import PlanScore
from kernels.forms import GroupCount, GroupPresence, Ints, Packing, Shards

PLANS_AT_ONCE = 512  # blocks of a launch; each has scratch memory of its own


class BatchScore:
    """Scores of a base plan after sets of moves; the base is what `PlanScore` holds."""

    def __init__(self, resident: Resident, plan: PlanScore) -> None:
        self.resident = resident
        self.plan = plan
        device, table = resident.device, resident.table
        put = resident.put
        self._entries = (*(put(table.start), put(table.row), put(table.weight), put(table.table)),)
        sizes = [1, table.num_rows, resident.compiled.num_racks, plan.risk.domains]
        sizes += [pairs.groups for pairs, _ in plan.pairs.values()]
        self._scratch = device.empty(max(sizes) * PLANS_AT_ONCE, np.int64)
        device.fill(self._scratch, 0)
        costs = costs_of(resident.compiled)
        none = np.zeros(resident.compiled.num_jobs, np.int64)
        self._value = put(sum((form.value_mills for form in costs), none))
        self._firm = put(sum((form.firm_gpus for form in costs), none))

    def score(self, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin after each set of moves, (P,) each.

        Raises
        ------
        ValueError
            A move takes no unit, or more units leave a rack than the job has there.
        """
        device, plans = self.resident.device, move_sets.num_plans
        whole = self.plan.hold(base)
        if not plans:
            return (np.zeros(0, np.int64),) * 3
        put = self.resident.put
        moves = (
            *(put(move_sets.start), put(move_sets.job), put(move_sets.source)),
            *(put(move_sets.target), put(move_sets.units), plans),
        )
        sums, impossible = device.empty((3, plans), np.int64), device.empty(1, np.int32)
        device.fill(sums, 0)
        device.fill(impossible, 0)
        self._steps = device.empty(2 * max(1, len(move_sets.job)), np.int32)
        self._run(moves, sums, impossible)
        if (move_sets.units <= 0).any() or device.get(impossible)[0]:
            raise ValueError("moves take units that are not there, or none at all")
        violation, margin, unmet = device.get(sums)
        return (
            whole.violation + violation,
            whole.unmet_firm_gpus + unmet,
            whole.margin_mills + margin,
        )

    def _run(self, moves: tuple[Buffer | int, ...], sums: Buffer, impossible: Buffer) -> None:
        resident, plan, units = self.resident, self.plan, self.resident.units
        violation, margin, unmet = (sums[n] for n in range(3))
        compiled, table = resident.compiled, resident.table
        jobs, racks = compiled.num_jobs, compiled.num_racks
        if table.num_rows:
            self._launch(
                "moved_loads", *moves, *self._entries, resident.demand, resident.kind, jobs,
                table.demand.shape[2], racks, resident.limit, resident.scale, plan.row_load,
                table.num_rows, self._scratch, violation,
            )  # fmt: skip
        for number, form in enumerate(compiled.forms):
            if number in plan.pairs:
                self._pairs(moves, number, form, violation, margin)
        risk = plan.risk
        self._launch(
            "moved_jobs", *moves, risk.start, risk.domain, risk.domains, risk.group_of_job,
            plan.at_risk, plan.risk_counts, plan.total, plan.counted, units["least"], units["most"],
            units["counted_most"], units["held_back"], self._value, self._firm, self._scratch,
            violation, margin, unmet, shared_bytes=8 * (THREADS // 32),
        )  # fmt: skip
        for number, constant in enumerate(plan.constants):
            if "cost_mills" in constant:
                self._launch(
                    "moved_costs", *moves, constant["cost_mills"], constant["allowed"],
                    constant["kind_of_rack"], constant["cost_mills"].shape[1], plan.job, plan.rack,
                    plan.units, plan.shards, constant["home_job"], constant["home_rack"],
                    constant["home_units"], constant["move_mills"], plan.homes[number], violation,
                    margin, impossible,
                )  # fmt: skip

    def _pairs(
        self,
        moves: tuple[Buffer | int, ...],
        number: int,
        form: object,
        violation: Buffer,
        margin: Buffer,
    ) -> None:
        (pairs, base), constant = self.plan.pairs[number], self.plan.constants[number]
        own = (pairs.group_of_job, pairs.size, pairs.kind, pairs.kinds, pairs.start, pairs.domain)
        if isinstance(form, GroupCount):
            self._launch(
                "moved_counts", *moves, *own, pairs.domains, constant["limit"], base, violation
            )
        elif isinstance(form, Packing):
            self._launch(
                "moved_bins", *moves, *own, pairs.domains, constant["bin_size"], constant["bins"],
                base, self.plan.used[number], self._scratch, violation,
            )  # fmt: skip
        elif isinstance(form, GroupPresence):
            self._launch(
                "moved_presence", *moves, *own, pairs.domains, pairs.groups, constant["foe_start"],
                constant["foe"], constant["are_foes"], constant["max_domains"],
                constant["free_domains"], constant["price_mills"], base, self.plan.used[number],
                self._steps, self._scratch, violation, margin,
            )  # fmt: skip

    def _launch(self, kernel: str, *arguments: Buffer | int, shared_bytes: int = 0) -> None:
        plans = arguments[5]
        self.resident.device.launch(
            kernel, min(int(plans), PLANS_AT_ONCE), THREADS, arguments, shared_bytes
        )
