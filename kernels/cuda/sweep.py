"""The sweep of all moves on a device: labels, families, rows, overlaps, destinations.

Candidates travel to the device, destinations come back; all that lies between stays there. The
numbers are those of `kernels.sweep`; how candidates are grouped on the way may differ.
"""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates, Destinations
from kernels.cuda.device import THREADS, Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import WARP, Asked, Part, SomeOverlaps, SomeRows
from kernels.cuda.sweep_bins import SweepBins
from kernels.cuda.sweep_domains import SweepDomains
from kernels.cuda.sweep_families import SweepFamilies
from kernels.cuda.sweep_layout import LayoutArrays
from kernels.cuda.sweep_limits import SweepLimits
from kernels.cuda.sweep_places import SweepPlaces
from kernels.cuda.sweep_rows import SweepRows
from kernels.cuda.sweep_survivors import SweepSurvivors
from kernels.forms import AssignmentCost, GroupCount, GroupPresence, Ints, Packing
from kernels.sweep.layout import Layout
from kernels.sweep.ranges import Ranges

ROW_NUMBERS = 2**26  # numbers of rows of families that are on the device at a time: 512 MiB
CORRECTIONS = 2**24  # numbers of (candidate, signature or near rack) that are there at a time
MOST_TOP = 32


class CudaSweep:
    """A resident problem, arranged for sweeps over plans that the device holds."""

    def __init__(
        self, resident: Resident, plan: PlanScore, layout: Layout, types: Ints, ranges: Ranges
    ) -> None:
        self.resident = resident
        self.arrays = arrays = LayoutArrays(resident, layout)
        self.rows = SweepRows(resident, plan, arrays, types, ranges)
        self.by_class: list[SweepBins | SweepPlaces] = []
        self.parts: list[Part] = [self.rows, SweepSurvivors(resident, plan, arrays)]
        for number, form in enumerate(resident.compiled.forms):
            if isinstance(form, AssignmentCost):
                self.by_class.append(SweepPlaces(resident, plan, arrays, number, form))
            elif number not in plan.pairs:
                continue
            elif isinstance(form, Packing):
                self.by_class.append(SweepBins(resident, plan, number))
            elif isinstance(form, GroupPresence):
                self.parts.append(SweepDomains(resident, plan, arrays, number, form))
            elif isinstance(form, GroupCount):
                self.parts.append(SweepLimits(resident, plan, arrays, number, form))
        self.parts += self.by_class

    def sweep(self, candidates: Candidates, top: int) -> Destinations | None:
        """Return the best `top` racks of every candidate, None if changes leave 64 bits."""
        device, count = self.resident.device, len(candidates)
        asked = Asked(self.resident, candidates)
        packing = self.rows.packing(asked)
        if packing is None:
            return None
        asked.pack(packing)
        labels = device.empty(count * sum(part.columns for part in self.parts), np.int64)
        columns = [labels[n : n + count] for n in range(0, labels.size, count)]
        own: list[tuple[Part, list[Buffer]]] = []
        for part in self.parts:
            own.append((part, columns[: part.columns]))
            columns = columns[part.columns :]
            part.leave(asked, own[-1][1])
        racks = device.empty((count, top), np.int32)
        keys = device.empty((count, top), np.int64)
        self._search(asked, own, SweepFamilies(self.resident, asked, labels), top, racks, keys)
        changes = device.empty((3, count, top), np.int64)
        asked.launch(
            "unpack_changes", count * top, keys, asked.everywhere, asked.leaves, count, top,
            asked.step, asked.unmet_step, changes,
        )  # fmt: skip
        return Destinations(device.get(racks), *device.get(changes))

    def _search(
        self,
        asked: Asked,
        own: list[tuple[Part, list[Buffer]]],
        families: SweepFamilies,
        top: int,
        racks: Buffer,
        keys: Buffer,
    ) -> None:
        """Find the destinations, some families and some of their candidates at a time."""
        device, arrays = self.resident.device, self.arrays
        by_class = self.rows.class_rows(asked, families.class_example, families.classes)
        for each in self.by_class:
            each.add_to_classes(asked, families.class_example, families.classes, by_class)
        positions = arrays.layout.num_positions
        step = min(families.count, max(1, ROW_NUMBERS // (positions + 1)))
        rows = device.empty(step * (positions + 1), np.int64)
        minima = device.empty(step * arrays.blocks, np.int64)
        most = min(asked.count, max(1, CORRECTIONS // (arrays.signatures + arrays.width)))
        corrections = (
            device.empty(most * arrays.signatures, np.int64),
            device.empty(most * arrays.width, np.int64),
            *(device.empty(most, np.uint8) for _ in range(2)),
        )
        for first in range(0, families.count, step):
            some = min(step, families.count - first)
            to = SomeRows(families.example, first, some, arrays.rack_at, positions, rows)
            to.launch(
                asked, "class_rows_of", families.class_leader, families.class_number, by_class,
                arrays.rack_at, positions, self.resident.compiled.num_racks, rows,
            )  # fmt: skip
            for part, labels in own:
                part.add(asked, labels, to)
            asked.launch(
                "block_minima", some * arrays.blocks, rows, some, arrays.slots, arrays.blocks,
                minima,
            )  # fmt: skip
            end = int(families.start[first + some])
            for at in range(int(families.start[first]), end, most):
                of = SomeOverlaps(families.order, at, min(most, end - at), *corrections)
                for part, labels in own:
                    part.overlap(asked, labels, of)
                arguments = (
                    *(of.order, of.first, of.count, families.family, first, asked.source),
                    *(rows, minima, arrays.slots, arrays.blocks, *arrays.search, *of.found),
                    *(top, racks, keys),
                )
                blocks, shared = -(-of.count * WARP // THREADS), 4 * top * (THREADS // WARP)
                device.launch("destinations", blocks, THREADS, arguments, shared)
