"""Which whole arrays or halls to empty: a quick score of each, then a few sets worth a solve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Plan, Problem
from scheduler.questions.release.cover import cheapest_cover, step_of
from scheduler.questions.release.least_moves import gpus_on, least_for_domains

MOST_SETS = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A domain that may be emptied."""

    name: str
    racks: tuple[str, ...]
    gives: int  # GPUs or watts, by which the goal is measured
    gpus: int  # of the work on it, which leaves
    cost_mills: int  # about what emptying it costs


@dataclass(frozen=True)
class Scoring:
    """What emptying a domain costs, about.

    All work on it leaves, at the price of a move for every GPU. Work that may stop costs what it
    earns, a gang as a whole, or what the cheapest work earns that could make room for it
    elsewhere, whichever is less; obligations always need such room.
    """

    problem: Problem
    plan: Plan
    move_mills_per_gpu: int
    needed_gpus: int  # room that has to be made, less what is free elsewhere

    def cost_mills(self, racks: tuple[str, ...]) -> int:
        """Return the cost of emptying some racks."""
        room_mills, on = self._room_mills_per_gpu, dict[str, int]()
        for rack in racks:
            for name, units in self.plan.by_rack.get(rack, {}).items():
                on[name] = on.get(name, 0) + units
        cost = 0
        for name, units in on.items():
            job, placed = self.problem.jobs[name], self.plan.placed_units(name)
            gpus = units * job.gpus_per_unit
            lost = gpus * room_mills
            if not job.firm:
                stop = units if placed - units >= job.min_units else placed
                lost = min(lost, stop * job.gpus_per_unit * job.value_mills_per_gpu_h)
            cost += lost + gpus * self.move_mills_per_gpu
        return cost

    @cached_property
    def _room_mills_per_gpu(self) -> int:
        """Return what the last GPU of the cheapest work earns that has to stop, and its move."""
        if self.needed_gpus <= 0:
            return 0
        left = self.needed_gpus
        for value_mills, gpus in self._stoppable():
            left -= gpus
            if left <= 0:
                return value_mills + self.move_mills_per_gpu
        return max((value for value, _ in self._stoppable()), default=0) + self.move_mills_per_gpu

    def _stoppable(self) -> list[tuple[int, int]]:
        jobs = self.problem.jobs
        return sorted(
            (
                jobs[name].value_mills_per_gpu_h,
                self.plan.placed_units(name) * jobs[name].gpus_per_unit,
            )
            for name in self.plan.units
            if not jobs[name].firm
        )


def candidates(
    problem: Problem,
    plan: Plan,
    domains: Mapping[str, tuple[str, ...]],
    gives: Mapping[str, int],
    scoring: Scoring,
) -> tuple[Candidate, ...]:
    """Return every domain that gives anything, scored."""
    return tuple(
        Candidate(
            name=name,
            racks=racks,
            gives=gives[name],
            gpus=gpus_on(problem, plan, racks),
            cost_mills=scoring.cost_mills(racks),
        )
        for name, racks in domains.items()
        if gives.get(name, 0) > 0
    )


def best_sets(
    found: tuple[Candidate, ...], target: int, most: int = MOST_SETS
) -> list[tuple[Candidate, ...]]:
    """Return different sets that are enough, the most promising first.

    The cheapest by score, the one with least work on it, then the cheapest without each of its
    members in turn, the most expensive first.
    """
    by_cost = _cheapest(found, [each.cost_mills for each in found], target)
    if by_cost is None:
        return []
    sets = [by_cost]
    by_gpus = _cheapest(found, [each.gpus for each in found], target)
    if by_gpus is not None:
        sets.append(by_gpus)
    for dropped in sorted(by_cost, key=lambda each: -each.cost_mills):
        if len(_distinct(sets)) >= most:
            break
        rest = tuple(each for each in found if each is not dropped)
        other = _cheapest(rest, [each.cost_mills for each in rest], target)
        if other is not None:
            sets.append(other)
    return _distinct(sets)[:most]


def least_for(found: tuple[Candidate, ...], target: int) -> int:
    """Return the fewest GPUs that leave so that domains of `target` together are empty."""
    costs, gives = [each.gpus for each in found], [each.gives for each in found]
    return least_for_domains(costs, gives, target)


def _cheapest(
    found: tuple[Candidate, ...], costs: list[int], target: int
) -> tuple[Candidate, ...] | None:
    """Return a cheapest set; amounts are cut to steps, rounded down so that it is enough."""
    step = step_of(target, len(found))
    cover = cheapest_cover(costs, [each.gives // step for each in found], -(-target // step))
    if cover is not None:
        return tuple(found[i] for i in cover[1])
    return found if sum(each.gives for each in found) >= target else None


def _distinct(sets: list[tuple[Candidate, ...]]) -> list[tuple[Candidate, ...]]:
    return list({frozenset(each.name for each in chosen): chosen for chosen in sets}.values())
