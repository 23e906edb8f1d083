"""A first plan for emptied racks: what had to leave goes where room is free or cheaply made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scheduler.check import check
from scheduler.model import Job, Level, Plan, Problem
from scheduler.questions.release.cover import Option, cheapest_choice
from scheduler.room import Room, Spot

Units = dict[str, dict[str, int]]  # job -> rack -> units
Rank = tuple[int, int, int]  # violation, unmet firm GPUs, -margin


def refilled(
    problem: Problem,
    plan: Plan,
    move_mills: int,
    limit_s: float,
    seen_as: Callable[[Problem], Problem],
) -> Plan:
    """Return a plan of `problem` for what `plan` runs, built job by job.

    Units on racks that are closed leave. Obligations come first, then what is worth most for a
    GPU. Each job takes free room, or evicts work that earns less in all, moves included; what is
    evicted takes free room later or stops. Only space, isolation and hardware are looked at: a
    search that begins here drops what breaks another limit. A plan without any evictions is built
    as well; the better one by the check, with the problem seen as `seen_as` says, is returned.
    """
    deadline = time.monotonic() + limit_s
    plans = [
        _Refill(problem, plan, move_mills, deadline, may_evict).run() for may_evict in (False, True)
    ]
    return min(plans, key=lambda each: rank_of(seen_as(problem), each))


def rank_of(problem: Problem, plan: Plan) -> Rank:
    """Return how good a plan is by the check; the smaller, the better."""
    verdict = check(problem, plan)
    return verdict.violation, verdict.unmet_firm_gpus, -verdict.margin_mills


@dataclass
class _Refill:
    problem: Problem
    before: Plan
    move_mills: int
    deadline: float
    may_evict: bool
    units: Units = field(default_factory=dict)

    def run(self) -> Plan:
        """Build the plan."""
        site = self.problem.site
        for name, rack, units in self.before.shards():
            if site.usable_nodes(site.racks[rack]):
                self.units.setdefault(name, {})[rack] = units
        for may_evict in (True, False) if self.may_evict else (False,):
            for job in self._waiting():
                if time.monotonic() > self.deadline:
                    break
                self._place(job, may_evict=may_evict)
        for job in self._waiting():
            if not job.firm and self._placed(job) < job.min_units:
                self.units.pop(job.name, None)
        return self._plan()

    def _waiting(self) -> list[Job]:
        """Return the jobs that run on fewer units than before, in the order of their claims."""
        jobs = (self.problem.jobs[name] for name in self.before.units)
        fewer = [job for job in jobs if self._missing(job)]
        return sorted(fewer, key=lambda job: (not job.firm, -job.value_mills_per_gpu_h, job.name))

    def _place(self, job: Job, *, may_evict: bool) -> None:
        """Place what is missing of a job at the least cost, if that is worth it."""
        missing = self._missing(job)
        for spots in self._domains(job, may_evict=may_evict):
            racks = list(spots)
            choice = cheapest_choice([spots[rack] for rack in racks], missing)
            if choice is None:
                continue
            cost_mills, options = choice
            if not job.firm and cost_mills >= self._at_stake_mills(job):
                continue
            left = missing
            for rack, option in zip(racks, options, strict=True):
                if option is None:
                    continue
                if spots[rack][option][0]:
                    self._evict(rack)
                taken = min(left, spots[rack][option][1])
                mine = self.units.setdefault(job.name, {})
                mine[rack] = mine.get(rack, 0) + taken
                left -= taken
            return

    def _domains(self, job: Job, *, may_evict: bool) -> list[dict[str, list[Option]]]:
        """Return, for every domain that the rest of the job may lie in, what its racks offer.

        The domain in which it lies already comes first and alone, if it has to be in one.
        """
        level = job.required or Level.SITE
        site, here = self.problem.site, self.units.get(job.name, {})
        home = {site.domain_of(site.racks[rack], level) for rack in here}
        offers: dict[str, dict[str, list[Option]]] = {}
        plan = self._plan()
        free = {spot.rack.name: spot for spot in Room(self.problem, plan).spots(job)}
        empty = self._emptied_spots(job) if may_evict else {}
        for name, spot in free.items():
            domain = site.domain_of(spot.rack, level)
            if domain is None or (home and domain not in home):
                continue
            options = [] if spot.keeper else [(0, spot.units)]
            if name in empty and empty[name].units > spot.units:
                cost_mills = self._eviction_mills(plan.by_rack.get(name, {}))
                options.append((cost_mills, empty[name].units))
            offers.setdefault(domain, {})[name] = options
        return list(offers.values())

    def _emptied_spots(self, job: Job) -> Mapping[str, Spot]:
        """Return the racks as they are without anything that may stop, where nobody keeps out."""
        firm = {name: racks for name, racks in self.units.items() if self.problem.jobs[name].firm}
        own = {job.name: self.units[job.name]} if job.name in self.units else {}
        spots = Room(self.problem, Plan({**firm, **own})).spots(job)
        return {spot.rack.name: spot for spot in spots if not spot.keeper}

    def _eviction_mills(self, on: Mapping[str, int]) -> int:
        """Return what is lost when all that may stop leaves a rack; of a gang all of it stops."""
        cost = 0
        for name, units in on.items():
            job = self.problem.jobs[name]
            if not job.firm:
                placed = self._placed(job)
                stop = units if placed - units >= job.min_units else placed
                cost += stop * job.gpus_per_unit * job.value_mills_per_gpu_h
                cost += units * job.gpus_per_unit * self.move_mills
        return max(1, cost)

    def _evict(self, rack: str) -> None:
        for name, racks in self.units.items():
            if not self.problem.jobs[name].firm:
                racks.pop(rack, None)

    def _at_stake_mills(self, job: Job) -> int:
        """Return what stops if the missing units find no place: a gang as a whole."""
        missing, placed = self._missing(job), self._placed(job)
        stop = missing if placed >= job.min_units else placed + missing
        return stop * job.gpus_per_unit * job.value_mills_per_gpu_h

    def _missing(self, job: Job) -> int:
        return self.before.placed_units(job.name) - self._placed(job)

    def _placed(self, job: Job) -> int:
        return sum(self.units.get(job.name, {}).values())

    def _plan(self) -> Plan:
        kept = {name: dict(racks) for name, racks in self.units.items() if racks}
        return Plan(kept)
