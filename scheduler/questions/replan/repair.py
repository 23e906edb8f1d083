"""What must stop so that no limit is broken: the least value for what is repaired."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count

from scheduler.model import Problem
from scheduler.questions.moves import Move
from scheduler.questions.replan.live import Live


def repair(live: Live) -> None:
    """Stop units until nothing is broken, or until no stop repairs anything further.

    Each time the units go that earn least for what their stop takes off the sum of violations:
    ``value / (violation before - violation after)``, in mills per hour and unit of violation.
    Firm contracts go after everything else. A gang stops whole, an elastic job unit by unit down
    to the least that it needs, jobs inside a contract with the nodes that they run on.
    A stop never gets better while others are carried out, so a stop is looked at again only when
    it is the best that is known.
    """
    for firm in (False, True):
        _stop(live, firm)


def _stop(live: Live, firm: bool) -> None:
    problem, tie = live.ground.problem, count()
    heap: list[tuple[float, int, str, str]] = []
    for job, rack, _ in list(live.plan.shards()):
        if problem.jobs[job].firm == firm:
            heapq.heappush(heap, (0.0, next(tie), job, rack))
    while live.violation and heap:
        _, _, job, rack = heapq.heappop(heap)
        stops = tuple(stops_of(live, job, rack))
        repaired = -live.delta(stops).violation if stops else 0
        if repaired <= 0:
            continue
        price = _value(problem, stops) / repaired
        if heap and price > heap[0][0]:
            heapq.heappush(heap, (price, next(tie), job, rack))
            continue
        live.commit(stops)
        heapq.heappush(heap, (price, next(tie), job, rack))


def stops_of(live: Live, job: str, rack: str) -> Iterator[Move]:
    """Yield what has to stop so that one unit of `job` on `rack` stops."""
    problem, plan = live.ground.problem, live.plan
    record, here = problem.jobs[job], plan.units.get(job, {}).get(rack, 0)
    if not here:
        return
    if plan.placed_units(job) <= record.min_units:
        yield from whole(live, job)
    else:
        yield Move(job, 1, rack, None)
    if record.contract is not None:
        for other in plan.by_rack[rack]:
            inside = problem.jobs[other]
            if problem.is_inside_contract(inside) and inside.tenant == record.tenant:
                yield from whole(live, other)


def whole(live: Live, job: str) -> Iterator[Move]:
    """Yield the stops of all units of a job."""
    for rack, units in live.plan.units.get(job, {}).items():
        yield Move(job, units, rack, None)


def _value(problem: Problem, stops: tuple[Move, ...]) -> int:
    jobs = ((problem.jobs[stop.job], stop.units) for stop in stops)
    return sum(job.value_mills_per_gpu_h * job.gpus_per_unit * units for job, units in jobs)
