"""What racks draw idle and with jobs at their peak: in all, into liquid, into air."""

from __future__ import annotations

import numpy as np

from kernels.forms import Compiled, Index, Ints, Shards
from scheduler.model import Problem, Rack
from scheduler.model.climate import air_permille
from scheduler.model.units import PERMILLE, part


class RackDraws:
    """Watts of every rack by where they go: ``all``, ``liquid`` or ``air``."""

    def __init__(self, problem: Problem, compiled: Compiled, shards: Shards) -> None:
        site = problem.site
        self._problem = problem
        self.racks = tuple(site.racks.values())
        kinds: dict[tuple[str, bool], int] = {}
        of_rack = [kinds.setdefault((r.type, r.loop is not None), len(kinds)) for r in self.racks]
        samples = {kinds[r.type, r.loop is not None]: r for r in self.racks}
        self.kind_of_rack: Index = np.array(of_rack, np.int32)
        self.demand: dict[str, Ints] = {}
        self.idle: dict[str, Ints] = {}
        self.peak: dict[str, Ints] = {}
        for drawn in ("all", "liquid", "air"):
            permille = [self._permille(drawn, samples[k]) for k in range(len(kinds))]
            types = [site.type_of(samples[k]) for k in range(len(kinds))]
            demand = [
                [part(problem.peak_w(job, t), p) for t, p in zip(types, permille, strict=True)]
                for job in problem.jobs.values()
            ]
            self.demand[drawn] = np.array(demand, np.int64).reshape(-1, len(kinds))
            idle = np.array(
                [part(t.idle_w, p) for t, p in zip(types, permille, strict=True)], np.int64
            )
            self.idle[drawn] = idle[self.kind_of_rack] if len(kinds) else idle
            unit_w = self.demand[drawn][shards.job, self.kind_of_rack[shards.rack]]
            self.peak[drawn] = np.zeros(compiled.num_racks, np.int64)
            np.add.at(self.peak[drawn], shards.rack, unit_w * shards.units)

    def _permille(self, drawn: str, rack: Rack) -> int:
        rack_type = self._problem.site.type_of(rack)
        if drawn == "all":
            return PERMILLE
        in_air = air_permille(rack, rack_type)
        return in_air if drawn == "air" else PERMILLE - in_air
