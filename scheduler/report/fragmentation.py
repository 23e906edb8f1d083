"""Fragmentation by segment size: how many more gangs of 8, 16, 32 ... nodes would find room.

The board that operators of block fabrics know: free nodes say little, free nodes that lie
together say what can still be sold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from scheduler.model import Job, Level, Plan, Problem, Rack, Tenant
from scheduler.room import Room

SIZES = tuple(2**k for k in range(12))  # nodes of one gang
WITHIN = (Level.RACK, Level.ARRAY, Level.POD, Level.HALL, Level.SITE)
NEWCOMER = "newcomer"

Free = tuple[Rack, int]  # a rack and its free nodes


@dataclass(frozen=True, slots=True)
class Gangs:
    """How many gangs of one size would find room at the same time."""

    gpu_type: str
    isolation: str  # of the gangs; each is a tenant of its own
    within: str  # domain that holds a gang whole
    nodes: int  # of one gang
    count: int


def fragmentation_of(problem: Problem, plan: Plan) -> tuple[Gangs, ...]:
    """Return how many more gangs would find free nodes, for every size up to the first with none.

    With host isolation: ``sum over domains of floor(free nodes / gang)``. With a higher one, every
    gang takes domains of that level whole and alone, the roomiest first, so the count is reached
    but may not be the most possible where domains differ in size. Nodes and isolation decide;
    power and cooling are not asked. A gang has one GPU type.
    """
    return tuple(
        gangs
        for isolation in _levels(problem)
        for gpu_type, free in _free_nodes(problem, plan, isolation)
        for within in WITHIN
        for gangs in _by_size(problem, isolation, gpu_type, within, free)
    )


def _levels(problem: Problem) -> list[Level]:
    ladder = problem.site.isolation_ladder
    above = [level for level in WITHIN[:-1] if ladder.get(level.value)]
    return [Level.HOST, *above]


def _free_nodes(
    problem: Problem, plan: Plan, isolation: Level
) -> Iterator[tuple[str, tuple[Free, ...]]]:
    """Yield the racks with free nodes that a newcomer could use, by GPU type."""
    name = NEWCOMER
    while name in problem.jobs or name in problem.workload.tenants:
        name += "+"
    sizes: dict[str, set[int]] = {}
    for rack in problem.site.racks.values():
        rack_type = problem.site.type_of(rack)
        sizes.setdefault(rack_type.gpu_type, set()).add(rack_type.gpus_per_node)
    for gpu_type, per_node in sizes.items():
        free: list[Free] = []
        for gpus in sorted(per_node):
            job = _newcomer(problem, name, gpu_type, gpus)
            room = Room(_with(problem, Tenant(name=name, isolation=isolation), job), plan)
            free += [
                (spot.rack, spot.units)
                for spot in room.spots(job)
                if spot.units
                and not spot.keeper
                and problem.site.type_of(spot.rack).gpus_per_node == gpus
            ]
        yield gpu_type, tuple(free)


def _newcomer(problem: Problem, name: str, gpu_type: str, gpus: int) -> Job:
    return Job(
        name=name,
        tenant=name,
        units=1,
        gpus_per_unit=gpus,
        min_units=1,
        gpu_types=(gpu_type,),
        profile=next(iter(problem.workload.profiles), ""),
    )


def _with(problem: Problem, tenant: Tenant, job: Job) -> Problem:
    """Return the problem with one tenant and one job more."""
    workload = problem.workload
    return replace(
        problem,
        workload=replace(
            workload,
            tenants={**workload.tenants, tenant.name: tenant},
            jobs={**workload.jobs, job.name: job},
        ),
    )


def _by_size(
    problem: Problem, isolation: Level, gpu_type: str, within: Level, free: Iterable[Free]
) -> Iterator[Gangs]:
    site = problem.site
    kinds = site.isolation_ladder.get(isolation.value, ()) if isolation is not Level.HOST else ()
    domains: dict[str | None, dict[object, int]] = {}
    for rack, nodes in free:
        piece = tuple(site.domain_of(rack, kind) for kind in kinds)
        pieces = domains.setdefault(site.domain_of(rack, within), {})
        pieces[piece] = pieces.get(piece, 0) + nodes
    for size in SIZES:
        count = _shared(domains, size) if not kinds else _alone(domains, size)
        yield Gangs(gpu_type, isolation.value, within.value, size, count)
        if not count:
            return


def _shared(domains: Mapping[str | None, Mapping[object, int]], size: int) -> int:
    return sum(sum(pieces.values()) // size for pieces in domains.values())


def _alone(domains: Mapping[str | None, Mapping[object, int]], size: int) -> int:
    """Count gangs that each take pieces whole; a piece that two domains share is taken once."""
    taken: set[object] = set()
    count = 0
    for pieces in sorted(domains.values(), key=lambda each: -max(each.values())):
        gang: list[object] = []
        nodes = 0
        for piece in sorted(pieces, key=lambda each: -pieces[each]):
            if piece in taken:
                continue
            gang.append(piece)
            nodes += pieces[piece]
            if nodes >= size:
                taken.update(gang)
                count, gang, nodes = count + 1, [], 0
    return count
