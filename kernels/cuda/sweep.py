"""The sweep of all moves on a device: rows of classes, bundles and families, then destinations.

What depends on candidates alone (families, patches, overlaps of tight shared rows) is prepared
on the CPU by `kernels.sweep`; what depends on racks as well is worked out here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cuda.device import THREADS, Buffer, blocks_for
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.forms import NONE, GroupCount, GroupPresence, Ints, Packing
from kernels.parts.changes import NOWHERE
from kernels.sweep.families import Families
from kernels.sweep.layout import Layout
from kernels.sweep.overlaps import Overlaps
from kernels.sweep.plan_state import PlanState

ROW_NUMBERS = 2**24  # numbers of rows of families that are on the device at a time: 128 MiB
MOST_TOP = 32


class CudaSearch:
    """The best racks of every candidate, packed, like `kernels.sweep.search.Search`."""

    def __init__(
        self,
        resident: Resident,
        plan: PlanScore,
        state: PlanState,
        families: Families,
        overlaps: Overlaps,
        layout: Layout,
        top: int,
    ) -> None:
        self.resident, self.plan, self.state = resident, plan, state
        self.families, self.overlaps, self.layout, self.top = families, overlaps, layout, top
        self.racks = np.full((len(state.candidates), top), NONE, np.int32)
        self.keys = np.full((len(state.candidates), top), NOWHERE, np.int64)
        put = resident.put
        self._rack_at = put(layout.rack_at)
        self._position = put(layout.position_of_rack)
        self._static = (
            *(self._rack_at, put(layout.cell_of_block), put(layout.signature_of_block)),
            *(layout.num_signatures, put(layout.rank), self._position),
            *(put(layout.signature_of_rack), put(layout.cell_of_rack)),
            *(put(layout.racks_of_cell), layout.racks_of_cell.shape[1]),
        )

    def run(self) -> None:
        """Fill `racks` and `keys`, some families at a time."""
        classes, class_rows = self._class_rows()
        bundles, bundle_rows = self._bundle_rows()
        step = max(1, ROW_NUMBERS // (self.layout.num_positions + 1))
        for first in range(0, len(self.families), step):
            end = min(first + step, len(self.families))
            example = self.families.example[first:end]
            rows = self._family_rows(
                first, end, classes[example], bundles[example], class_rows, bundle_rows
            )
            members = self.families.members
            self._some(rows, members[self.families.start[first] : self.families.start[end]], first)

    def _class_rows(self) -> tuple[Ints, Buffer]:
        """Return (class of every candidate, what classes add on each rack, packed, (C, R))."""
        resident, candidates, packing = self.resident, self.state.candidates, self.families.packing
        first, number = np.unique(self.families.class_of, return_index=True, return_inverse=True)[
            1:
        ]
        job, units = candidates.job[first], candidates.units[first]
        count, racks = len(first), resident.compiled.num_racks
        out = resident.device.empty(count * racks, np.int64)
        own = (resident.put(job), resident.put(units), count)
        table, put, step = resident.table, resident.put, packing.violation_step
        self._launch(
            "class_loads", count * racks, *own, put(table.start), put(table.row), put(table.weight),
            put(table.table), resident.demand, resident.kind, resident.compiled.num_jobs,
            table.demand.shape[2], racks, self.plan.row_load, resident.limit, resident.scale, step,
            out,
        )  # fmt: skip
        for form_number, form in enumerate(resident.compiled.forms):
            constant = self.plan.constants[form_number]
            if isinstance(form, Packing) and form_number in self.plan.pairs:
                pairs, _ = self.plan.pairs[form_number]
                self._launch(
                    "class_bins", count * racks, *own, pairs.group_of_job, pairs.size, pairs.kind,
                    pairs.kinds, racks, constant["bin_size"], constant["bins"],
                    self.plan.used[form_number], step, out,
                )  # fmt: skip
        for assignment in self.state.assignments:
            form = assignment.form
            packed = [
                packing.pack(assignment.entering_kind(*each))
                for each in zip(job.tolist(), units.tolist(), strict=True)
            ]
            self._launch(
                "class_kinds", count * racks, put(np.array(packed)), put(form.kind_of_rack),
                form.cost_mills.shape[1], count, racks, out,
            )  # fmt: skip
        return number, out

    def _bundle_rows(self) -> tuple[Ints, Buffer]:
        """Return (bundle of every candidate, what bundles add on each rack, packed, (B, R))."""
        resident, families, state = self.resident, self.families, self.state
        first, number = np.unique(families.bundle_of, return_index=True, return_inverse=True)[1:]
        count, racks = len(first), resident.compiled.num_racks
        special = families.is_special(first)
        order = np.argsort(~special, kind="stable")  # rows that are not zero come first
        first, number = first[order], np.argsort(order)[number]
        out = resident.device.empty(count * racks, np.int64)
        resident.device.fill(out, 0)
        rows = [families.special_row(n) for n in first[: special.sum()].tolist()]
        if rows:
            resident.device.update(out, np.array(rows))
        forms = [*enumerate(resident.compiled.forms)]
        presences = [
            n for n, form in forms if isinstance(form, GroupPresence) and len(form.max_domains)
        ]
        limited = [n for n, form in forms if isinstance(form, GroupCount) and len(form.limit)]
        put, step = resident.put, families.packing.violation_step
        for m, form_number in enumerate(presences):
            if form_number in self.plan.pairs:
                pairs, table = self.plan.pairs[form_number]
                constant = self.plan.constants[form_number]
                groups = families.foes[m][first].astype(np.int32)
                self._launch(
                    "bundle_presence", count * racks, put(groups), put(families.charged[m][first]),
                    count, pairs.start, pairs.domain, pairs.domains, racks, table,
                    constant["foe_start"], constant["foe"], step, out,
                )  # fmt: skip
        for k, form_number in enumerate(limited):
            if form_number in self.plan.pairs:
                pairs, table = self.plan.pairs[form_number]
                groups = families.limits[k][first].astype(np.int32)
                self._launch(
                    "bundle_limits", count * racks, put(groups),
                    put(state.candidates.units[first]), count, pairs.start, pairs.domain,
                    pairs.domains, racks, table, self.plan.constants[form_number]["limit"], step,
                    out,
                )  # fmt: skip
        return number, out

    def _family_rows(
        self,
        first: int,
        end: int,
        classes: Ints,
        bundles: Ints,
        class_rows: Buffer,
        bundle_rows: Buffer,
    ) -> Buffer:
        """Return what families add on every position, packed, (f, P + 1)."""
        resident, layout, count = self.resident, self.layout, end - first
        start, racks, more = self.families.patches
        own = slice(int(start[first]), int(start[end]))
        rows = resident.device.empty(count * (layout.num_positions + 1), np.int64)
        put = resident.put
        resident.device.launch(
            "family_rows",
            count,
            THREADS,
            (
                *(put(classes.astype(np.int32)), put(bundles.astype(np.int32)), count),
                *(class_rows, bundle_rows, self._rack_at, layout.num_positions),
                *(resident.compiled.num_racks, put(start[first : end + 1] - start[first])),
                *(put(racks[own].astype(np.int32)), put(more[own])),
                *(self._position, rows),
            ),
        )
        return rows

    def _some(self, rows: Buffer, chosen: Ints, first: int) -> None:
        """Search the destinations of the candidates whose rows are there."""
        resident, layout, put = self.resident, self.layout, self.resident.put
        slots, blocks = layout.rack_at.shape
        count = len(rows) // (layout.num_positions + 1)
        minima = resident.device.empty(count * blocks, np.int64)
        self._launch("block_minima", count * blocks, rows, count, slots, blocks, minima)
        most = max(1, 2**24 // max(1, layout.num_signatures))
        for at in range(0, len(chosen), most):
            some = chosen[at : at + most]
            source = self.state.candidates.source[some]
            corrected, far = self.overlaps.far(some)
            placed = np.flatnonzero(source != NONE)
            near = self.overlaps.near(some[placed])
            nearby = np.flatnonzero(near.any(axis=1))
            found = resident.device.empty((len(some), self.top), np.int32)
            keys = resident.device.empty((len(some), self.top), np.int64)
            self._launch(
                "destinations", len(some) * 32,
                put((self.families.family_of[some] - first).astype(np.int32)), put(source),
                len(some), rows, minima, slots, blocks, *self._static,
                put(_index(len(some), corrected)), put(far),
                put(_index(len(some), placed[nearby])), put(near[nearby]), self.top, found, keys,
                shared_bytes=4 * self.top * (THREADS // 32),
            )  # fmt: skip
            self.racks[some] = resident.device.get(found)
            self.keys[some] = resident.device.get(keys)

    def _launch(self, kernel: str, items: int, *arguments: Any, shared_bytes: int = 0) -> None:
        blocks = blocks_for(items)
        self.resident.device.launch(kernel, blocks, THREADS, arguments, shared_bytes)


def _index(size: int, chosen: Ints) -> np.ndarray:
    """Return the place of every number in `chosen`, `NONE` for those that are not, (size,)."""
    index = np.full(size, NONE, np.int32)
    index[chosen] = np.arange(len(chosen))
    return index
