"""Moves: units of a job that leave one rack for another, start or stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scheduler.model import Plan, Problem


@dataclass(frozen=True, slots=True)
class Move:
    """`units` of a job go from one rack to another."""

    job: str
    units: int  # > 0
    source: str | None  # rack, None: the units start
    target: str | None  # rack, None: the units stop

    @property
    def is_move(self) -> bool:
        """Whether running units change their rack; otherwise they start or stop."""
        return self.source is not None and self.target is not None

    def of(self, units: int) -> Move:
        """Return the same move of other `units`."""
        return replace(self, units=units)


def moves_between(before: Plan, after: Plan) -> tuple[Move, ...]:
    """Return the fewest moves that turn one plan into the other, job by job.

    Of every job, units that leave racks are matched with units that come to racks, both in the
    order of rack names: ``min(leaving, coming)`` units move, the rest stops or starts. No other
    matching moves fewer.
    """
    names = dict.fromkeys((*before.units, *after.units))
    return tuple(
        move
        for job in names
        for move in _of_job(job, before.units.get(job, {}), after.units.get(job, {}))
    )


def applied(plan: Plan, moves: Iterable[Move]) -> Plan:
    """Return the plan after the moves.

    Raises
    ------
    ValueError
        More units leave a rack than the job has there.
    """
    units = {job: dict(racks) for job, racks in plan.units.items()}
    for move in moves:
        racks = units.setdefault(move.job, {})
        if move.target is not None:
            racks[move.target] = racks.get(move.target, 0) + move.units
        if move.source is not None:
            racks[move.source] = racks.get(move.source, 0) - move.units
    for job, racks in units.items():
        short = next((rack for rack, count in racks.items() if count < 0), None)
        if short is not None:
            raise ValueError(f"moves take more units of {job} from rack {short} than lie there")
    kept = {job: {r: count for r, count in racks.items() if count} for job, racks in units.items()}
    return Plan({job: racks for job, racks in kept.items() if racks})


def known_part(problem: Problem, plan: Plan) -> Plan:
    """Return what of `plan` lies on racks and belongs to jobs that the problem has."""
    racks = problem.site.racks
    kept = {
        job: {rack: units for rack, units in placed.items() if rack in racks}
        for job, placed in plan.units.items()
        if job in problem.jobs
    }
    return Plan({job: placed for job, placed in kept.items() if placed})


def moved_units(moves: Iterable[Move]) -> int:
    """Return the running units that change their rack; starts and stops are no moves."""
    return sum(move.units for move in moves if move.is_move)


def moved_gpus(problem: Problem, moves: Iterable[Move]) -> int:
    """Return the GPUs of the running units that change their rack."""
    return sum(move.units * problem.jobs[move.job].gpus_per_unit for move in moves if move.is_move)


def units_by_tenant(problem: Problem, moves: Iterable[Move]) -> Mapping[str, int]:
    """Return the running units of every tenant that change their rack."""
    counts: dict[str, int] = {}
    for move in moves:
        if move.is_move:
            tenant = problem.jobs[move.job].tenant
            counts[tenant] = counts.get(tenant, 0) + move.units
    return counts


def _of_job(job: str, before: Mapping[str, int], after: Mapping[str, int]) -> list[Move]:
    leaving = _surplus(before, after)
    coming = _surplus(after, before)
    found = []
    while leaving and coming:
        (source, left), (target, wanted) = leaving[-1], coming[-1]
        units = min(left, wanted)
        found.append(Move(job, units, source, target))
        for stack, rack, rest in ((leaving, source, left), (coming, target, wanted)):
            stack.pop()
            if rest > units:
                stack.append((rack, rest - units))
    found += [Move(job, units, source, None) for source, units in reversed(leaving)]
    found += [Move(job, units, None, target) for target, units in reversed(coming)]
    return found


def _surplus(of: Mapping[str, int], over: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return where `of` has more units, and how many more: the first rack by name comes last."""
    more = {rack: units - over.get(rack, 0) for rack, units in of.items()}
    return sorted(((rack, units) for rack, units in more.items() if units > 0), reverse=True)
