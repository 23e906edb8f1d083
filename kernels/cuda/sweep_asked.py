"""What a sweep on a device works on: its candidates, rows of some families, overlaps of some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernels.candidates import Candidates
from kernels.cuda.device import THREADS, Buffer, blocks_for
from kernels.cuda.resident import Resident
from kernels.parts.changes import Packing3

WARP = 32


class Asked:
    """The candidates of a sweep on the device, and what each changes wherever it goes."""

    def __init__(self, resident: Resident, candidates: Candidates) -> None:
        self.device = resident.device
        self.count = len(candidates)
        self.job = resident.put(candidates.job.astype(np.int32, copy=False))
        self.source = resident.put(candidates.source.astype(np.int32, copy=False))
        self.units = resident.put(candidates.units.astype(np.int64, copy=False))
        self.leaves = self.device.empty(3 * self.count, np.int64)  # (3, N)
        self.everywhere = self.device.empty(self.count, np.int64)  # what all racks add, packed
        self.step = self.unmet_step = 0

    def pack(self, packing: Packing3) -> None:
        """Say how changes are packed."""
        self.step, self.unmet_step = packing.violation_step, packing.unmet_step

    @property
    def each(self) -> tuple[Buffer, Buffer, Buffer, int]:
        """Job, source and units of every candidate, and how many there are."""
        return self.job, self.source, self.units, self.count

    def launch(self, kernel: str, items: int, *arguments: Buffer | int) -> None:
        """Run a kernel with a thread for every item."""
        self.device.launch(kernel, blocks_for(items), THREADS, arguments)


@dataclass(frozen=True, eq=False)
class SomeRows:
    """The rows of some families: what they add on every position, packed, (count, P + 1)."""

    example: Buffer  # (F,) one candidate of every family
    first: int
    count: int
    rack_at: Buffer
    positions: int
    rows: Buffer

    @property
    def families(self) -> tuple[Buffer, int, int]:
        """Which families, as kernels take it."""
        return self.example, self.first, self.count

    def launch(self, asked: Asked, kernel: str, *arguments: Buffer | int) -> None:
        """Run a kernel with a block for every family."""
        asked.device.launch(kernel, self.count, THREADS, (*self.families, *arguments))


@dataclass(frozen=True, eq=False)
class SomeOverlaps:
    """What source and destination of some candidates share, packed."""

    order: Buffer  # (N,) candidates by family
    first: int
    count: int
    far: Buffer  # (count, E) by signature
    near_by: Buffer  # (count, W) by rack of the source's cell
    has_far: Buffer  # (count,) uint8, 0 where all are zero
    has_near: Buffer

    @property
    def found(self) -> tuple[Buffer, Buffer, Buffer, Buffer]:
        """Corrections and flags, as kernels take them."""
        return self.far, self.near_by, self.has_far, self.has_near

    def launch(self, asked: Asked, kernel: str, *arguments: Buffer | int) -> None:
        """Run a kernel with a warp for every candidate."""
        chosen = (self.order, self.first, self.count)
        asked.launch(kernel, self.count * WARP, *chosen, *arguments)


class Part(Protocol):
    """One form of a sweep: what it says of candidates, families and overlaps.

    All three methods get the part's own columns of labels, (N,) each.
    """

    columns: int  # labels that say which candidates are alike far from their sources

    def leave(self, asked: Asked, labels: Sequence[Buffer], /) -> None:
        """Add what leaving changes, and write the labels."""
        ...

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows, /) -> None:
        """Add what entering changes to the rows of families."""
        ...

    def overlap(self, asked: Asked, labels: Sequence[Buffer], of: SomeOverlaps, /) -> None:
        """Add what leaving and entering change at once."""
        ...
