"""What a plan draws, what it leaves free, and what changed against another plan."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import gcd

from scheduler.it_power import planned_w
from scheduler.model import Level, Plan, Problem
from scheduler.questions.release.changed import held_name, with_held
from scheduler.room import Room


def peak_draw_w(problem: Problem, plan: Plan) -> int:
    """Return the peak IT draw: idle of every rack, base loads, peak of all placed work, in W.

    After a failure jobs are capped or shed, so no other state draws more.
    """
    return planned_w(problem, plan, problem.peak_w)


def node_gpus(problem: Problem, gpu_types: Collection[str] = ()) -> int:
    """Return the GPUs of one node; where nodes differ, what divides them all. 0 without nodes."""
    return gcd(
        *(
            problem.site.type_of(rack).gpus_per_node
            for rack in problem.site.racks.values()
            if not gpu_types or problem.site.type_of(rack).gpu_type in gpu_types
        )
    )


def free_by_rack(
    problem: Problem, plan: Plan, gpu_types: Collection[str] = (), level: Level = Level.HOST
) -> dict[str, int]:
    """Return free GPUs on whole nodes that a newcomer could have, by rack.

    The newcomer has domains of `level` to itself: with HOST every free node outside of what other
    tenants keep to themselves counts, with ARRAY or HALL only whole empty arrays or halls do.
    """
    size = node_gpus(problem, gpu_types)
    if size == 0:
        return {}
    types = tuple(gpu_types) or tuple(
        dict.fromkeys(each.gpu_type for each in problem.site.rack_types.values())
    )
    asking = with_held(problem, size, size, types, level)
    spots = Room(asking, plan).spots(asking.jobs[held_name(problem)])
    return {spot.rack.name: spot.units * size for spot in spots if spot.units and not spot.keeper}


@dataclass(frozen=True, slots=True)
class Change:
    """What a job loses between two plans, in units."""

    job: str
    left: int  # units that leave their racks
    moved: int  # of them, units that run on another rack afterwards
    stopped: int  # units fewer in all


def changes(before: Plan, after: Plan) -> tuple[Change, ...]:
    """Return what changes for every job that runs before, unchanged ones left out."""
    found = []
    for job, racks in before.units.items():
        stay = after.units.get(job, {})
        left = sum(max(0, units - stay.get(rack, 0)) for rack, units in racks.items())
        stopped = max(0, before.placed_units(job) - after.placed_units(job))
        if left:
            found.append(Change(job, left, left - stopped, stopped))
    return tuple(found)


def gpus_left(problem: Problem, before: Plan, after: Plan) -> int:
    """Return the GPUs whose work leaves its rack: to run elsewhere or to stop."""
    return sum(
        change.left * problem.jobs[change.job].gpus_per_unit for change in changes(before, after)
    )
