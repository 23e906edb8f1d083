"""Lower bounds on moves by counting: GPUs that leave their racks in any plan that meets the goal.

Each holds for every plan, whatever it earns. They need no solver, so they are there at any size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import ceil

from scheduler.model import Job, Plan, Problem, RackType, slots_per_unit
from scheduler.node_packing import pack_nodes
from scheduler.questions.release.cover import cheapest_cover, step_of

Piece = tuple[Fraction, Fraction]  # GPUs that leave, and what that gives back


def gpus_on(problem: Problem, plan: Plan, racks: Collection[str]) -> int:
    """Return the GPUs of work on some racks: all of it leaves when they are emptied."""
    return sum(
        units * problem.jobs[job].gpus_per_unit
        for rack in racks
        for job, units in plan.by_rack.get(rack, {}).items()
    )


def least_for_watts(problem: Problem, plan: Plan, watts: int) -> int:
    """Return the fewest GPUs that leave so that the draw falls by `watts`.

    A GPU that leaves gives back at most what it draws, and if it may not stop, what it draws
    less than on the thriftiest rack type that it may go to. The hungriest leave first.
    """
    pieces = []
    for name, rack, units in plan.shards():
        job = problem.jobs[name]
        gain_w = _most_saved_w(problem, job, problem.site.type_of(problem.site.racks[rack]))
        pieces.append((Fraction(units * job.gpus_per_unit), Fraction(units * gain_w)))
    return fewest(pieces, watts)


def least_for_gpus(problem: Problem, plan: Plan, gpus: int, gpu_types: Collection[str] = ()) -> int:
    """Return the fewest GPUs that leave so that `gpus` more are free on whole nodes.

    To free ``k`` of the ``n`` nodes in use on a rack, ``slots - (n - k) * gpus_per_node`` slots
    leave it at least. What comes back to other nodes only makes it harder.
    """
    packed = pack_nodes(problem, plan)
    pieces: list[Piece] = []
    for name, uses in packed.items():
        rack_type = problem.site.type_of(problem.site.racks[name])
        if gpu_types and rack_type.gpu_type not in gpu_types:
            continue
        size = rack_type.gpus_per_node
        used, slots = len({use.node for use in uses}), sum(use.slots for use in uses)
        per_gpu = _slots_per_gpu(problem, plan.by_rack[name], rack_type)
        before = Fraction(0)
        for k in range(1, used + 1):
            leaving = Fraction(max(0, slots - (used - k) * size)) / per_gpu
            pieces.append((leaving - before, Fraction(size)))
            before = leaving
    return fewest(pieces, gpus)


def least_for_domains(costs: Sequence[int], amounts: Sequence[int], target: int) -> int:
    """Return the fewest GPUs that leave so that whole domains of `target` together are empty.

    Amounts are rounded up to steps of the target, so that the bound stays a bound.
    """
    step = step_of(target, len(costs))
    rounded = [-(-amount // step) for amount in amounts]
    found = cheapest_cover(costs, rounded, -(-target // step))
    return sum(costs) if found is None else found[0]


def fewest(pieces: Sequence[Piece], target: int) -> int:
    """Return the least cost by which pieces, whole or in part, give `target`; all if they lack."""
    cost, left = Fraction(0), Fraction(target)
    for gpus, gain in sorted(pieces, key=_cost_of_one):
        if left <= 0 or gain <= 0:
            break
        share = min(Fraction(1), left / gain)
        cost += gpus * share
        left -= gain * share
    return ceil(cost)


def _cost_of_one(piece: Piece) -> tuple[bool, Fraction]:
    gpus, gain = piece
    return (gain <= 0, gpus / gain if gain > 0 else Fraction(0))


def _most_saved_w(problem: Problem, job: Job, rack_type: RackType) -> int:
    drawn_w = problem.peak_w(job, rack_type)
    if not job.firm:
        return drawn_w
    elsewhere = [
        problem.peak_w(job, other)
        for other in problem.site.rack_types.values()
        if other.gpu_type in job.gpu_types
    ]
    return max(0, drawn_w - min(elsewhere, default=drawn_w))


def _slots_per_gpu(problem: Problem, units: Mapping[str, int], rack_type: RackType) -> Fraction:
    """Return the most slots that one GPU on the rack takes: 1, more for odd sizes."""
    jobs = [problem.jobs[name] for name in units]
    return max(Fraction(slots_per_unit(job, rack_type), job.gpus_per_unit) for job in jobs)
