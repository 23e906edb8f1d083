"""An earlier plan as the start of a search: what of it still holds."""

from __future__ import annotations

from kernels.forms import Compiled, Shards
from scheduler.planner.state import Ground, State


def kept(ground: Ground | Compiled, shards: Shards) -> tuple[Shards, int]:
    """Return the part of a plan that breaks no limit, and how many units were dropped.

    Units are added shard by shard as far as they fit, job after job in the order of the problem,
    reservations first. A job of which less than its least fits is dropped whole, so gangs are
    kept whole or not at all. A plan that breaks nothing is kept as it is.
    """
    state = State(ground)
    least = state.compiled.units.least
    by_job: dict[int, list[tuple[int, int]]] = {}
    for job, rack, units in zip(
        shards.job.tolist(), shards.rack.tolist(), shards.units.tolist(), strict=True
    ):
        by_job.setdefault(job, []).append((rack, units))
    for job, racks in sorted(by_job.items()):
        allowed = state.allowed(job)
        for rack, units in racks:
            fit = min(units, state.fit_one(job, rack)) if allowed[rack] else 0
            if fit > 0:
                state.add(job, rack, fit)
        if state.total[job] < least[job]:
            state.remove(job)
    return state.shards(), int(shards.units.sum() - state.total.sum())
