"""A limit that can be exceeded, as a row for the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.forms import Compiled, Index, Ints, LinearLoad, Rows
from scheduler.questions.risk.rack_draws import RackDraws

POWER_NORMAL, POWER_FAILOVER = "power_normal", "power_failover"
BEFORE_ACTION = "power_failover, before action"
LOOPS, RETURNS, AIR_COOLING, INLETS = (
    "cooling_loops",
    "return_temperature",
    "air_cooling",
    "inlet_temperature",
)
KINDS = (POWER_NORMAL, POWER_FAILOVER, BEFORE_ACTION, LOOPS, RETURNS, AIR_COOLING, INLETS)


@dataclass(frozen=True, eq=False)
class Limit:
    """One row: ``base + sum of weight * power of the rack <= limit - slope * ambient``."""

    kind: str  # one of `KINDS`
    subject: str
    drawn: str  # which power of a rack counts: all, liquid or air
    racks: Index  # (N,)
    weights: Ints  # (N,)
    base: int
    limit: int
    scale: int
    ambient: str | None = None  # column of `Sky.ambient`
    slope: int = 0


def compile_limits(
    compiled: Compiled, draws: RackDraws, limits: Sequence[Limit]
) -> tuple[Compiled, Index]:
    """Return limits as a problem of linear rows alone, and the row of each limit."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number, limit in enumerate(limits):
        groups.setdefault((limit.drawn, limit.scale), []).append(number)
    forms = []
    row_of = np.zeros(len(limits), np.int32)
    first = 0
    for (drawn, scale), members in groups.items():
        own = [limits[number] for number in members]
        row_of[members] = np.arange(first, first + len(own))
        first += len(own)
        none = np.zeros(0, np.int64)
        forms.append(
            LinearLoad(
                term="risk",
                unit="W",
                scale=scale,
                kind_of_rack=draws.kind_of_rack,
                demand=draws.demand[drawn],
                rows=Rows(
                    np.cumsum([0, *(len(each.racks) for each in own)], dtype=np.int64),
                    np.concatenate([none, *(each.racks for each in own)]).astype(np.int32),
                    np.concatenate([none, *(each.weights for each in own)]),
                ),
                base=np.array([each.base for each in own], np.int64),
                limit=np.array([each.limit for each in own], np.int64),
                subject=tuple(each.subject for each in own),
                state=tuple(each.kind for each in own),
            )
        )
    problem = Compiled(compiled.job_names, compiled.rack_names, compiled.units, tuple(forms))
    return problem, row_of
