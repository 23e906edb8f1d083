"""The fast sweep: what candidates share is worked out once."""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates, Destinations
from kernels.forms import Compiled, Ints, Shards
from kernels.linear_table import LinearTable
from kernels.parts.changes import NOWHERE, Packing3
from kernels.parts.survival import RiskDomains
from kernels.sweep import rowwise
from kernels.sweep.classes import job_types
from kernels.sweep.families import Families
from kernels.sweep.layout import CELL_RACKS, Layout, NotHeldError, arrange
from kernels.sweep.overlaps import Overlaps
from kernels.sweep.plan_state import PlanState
from kernels.sweep.ranges import Ranges
from kernels.sweep.search import Search


class Sweeper:
    """A compiled problem, arranged for sweeps over many plans."""

    def __init__(self, compiled: Compiled, cell_racks: int = CELL_RACKS) -> None:
        self.compiled = compiled
        self.table = LinearTable(compiled)
        self.domains = RiskDomains.build(compiled)
        self.ranges = Ranges(compiled, self.domains)
        self.types = job_types(compiled, self.table)
        self.layout: Layout | None = None
        try:
            self.layout = arrange(compiled, self.table, cell_racks)
        except NotHeldError as error:
            self.why_general = str(error)

    def sweep(self, shards: Shards, candidates: Candidates, top: int = 1) -> Destinations:
        """Return the best `top` racks of every candidate."""
        rank = None if self.layout is None else self.layout.rank
        if self.layout is not None and len(candidates):
            state = PlanState(self.compiled, self.table, self.domains, shards, candidates)
            largest = self.ranges.largest(candidates)
            packing = self.ranges.packing(largest, state.loads.most_violation)
            if packing is not None:
                return self._fast(self.layout, state, packing, top)
        return rowwise.sweep(self.compiled, shards, candidates, top, rank)

    def _fast(self, layout: Layout, state: PlanState, packing: Packing3, top: int) -> Destinations:
        families = Families(state, self.types, layout, packing)
        search = Search(state, families, Overlaps(state, families, layout), layout, top)
        search.run()
        there = search.keys != NOWHERE
        keys = search.keys + families.everywhere[:, None]
        changes = packing.unpack(np.where(there, keys, 0))
        total: list[Ints] = [
            np.where(there, leaves[:, None] + change, 0)
            for leaves, change in zip(state.leaving(), changes, strict=True)
        ]
        return Destinations(search.racks, *total)
