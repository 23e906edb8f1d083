"""A better plan within a budget of moves: what waits takes the place of what can go elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from scheduler.model import Job, Plan
from scheduler.questions.moves import Move
from scheduler.questions.replan.budget import Budget, left_units
from scheduler.questions.replan.insertion import insert_waiting
from scheduler.questions.replan.live import Live
from scheduler.questions.replan.repair import whole
from scheduler.room import Room

TRIES = 6  # of blocks of racks for one waiting job, the cheapest to clear first


@dataclass(frozen=True)
class _Block:
    """Racks that are cleared together, and what that costs."""

    racks: tuple[str, ...]
    room: int  # units of the waiting job that they hold
    cost_mills: int  # what their work earns in an hour


@dataclass(frozen=True)
class Making:
    """Makes room for what waits, job by job, as long as the score gains."""

    live: Live
    running: Plan
    budget: Budget
    forced: Mapping[str, int]  # units by tenant that had to leave anyway
    ended: Callable[[], bool]

    def run(self) -> None:
        """Try until nothing gains any more or the time is over."""
        gained = True
        while gained and not self.ended():
            served = [self._serve(job) for job in self._waiting() if not self.ended()]
            gained = any(served)

    def _waiting(self) -> list[Job]:
        problem = self.live.ground.problem
        waiting = [
            job
            for job in problem.jobs.values()
            if self.live.lacking(job) and not problem.is_inside_contract(job)
        ]
        return sorted(
            waiting, key=lambda job: (not job.firm, -job.value_mills_per_gpu_h, -job.gpus)
        )

    def _serve(self, job: Job) -> bool:
        """Clear some racks, place the job, then whatever had to go; keep it if it gains."""
        for racks in islice(self._cleared(job), TRIES):
            if self.ended():
                return False
            key, plan = self.live.key, self.live.plan
            evicted = self._evict(job, racks)
            insert_waiting(self.live, self.running, (job.name,))
            insert_waiting(self.live, self.running, evicted)
            if self.live.key < key and self._is_within_budget():
                return True
            self.live.become(plan)
        return False

    def _is_within_budget(self) -> bool:
        problem, plan = self.live.ground.problem, self.live.plan
        return self.budget.allows(self.forced, left_units(problem, self.running, plan))

    def _evict(self, job: Job, racks: tuple[str, ...]) -> list[str]:
        """Stop all work of others on `racks`; a job keeps what lies elsewhere if that suffices."""
        problem, evicted = self.live.ground.problem, []
        for rack in racks:
            for name in list(self.live.plan.by_rack.get(rack, {})):
                other = problem.jobs[name]
                units = self.live.plan.units.get(name, {}).get(rack, 0)
                if not units or not _is_foreign(job, other):
                    continue
                rest = self.live.plan.placed_units(name) - units
                stops = [Move(name, units, rack, None)]
                self.live.commit(stops if rest >= other.min_units else whole(self.live, name))
                evicted.append(name)
        return list(dict.fromkeys(evicted))

    def _cleared(self, job: Job) -> Iterator[tuple[str, ...]]:
        """Yield sets of racks that would hold what the job lacks, the cheapest to clear first."""
        plan = self.live.plan
        lacking = self.live.lacking(job)
        domains = Room(self.live.ground.problem, plan).domains(job)
        here = set(plan.units.get(job.name, {}))
        choices: list[tuple[int, tuple[str, ...]]] = []
        for domain in domains:
            most = {spot.rack.name: spot.most for spot in domain.spots}
            if job.required is None or here <= most.keys():
                choices += _runs(self._blocks(job, most, lacking), lacking)
        for _, racks in sorted(choices):
            yield racks

    def _blocks(self, job: Job, most: Mapping[str, int], lacking: int) -> list[_Block]:
        """Return the blocks of a domain: what the tenant must have alone, at least a rack."""
        problem = self.live.ground.problem
        kinds = problem.site.isolation_ladder.get(problem.tenant_of(job).isolation, ())
        kind = kinds[0] if kinds else "rack"
        if kind == "rack" and lacking > max(most.values(), default=0):
            kind = "array"
        groups: dict[str, list[str]] = {}
        for rack in most:
            name = problem.site.domain_of(problem.site.racks[rack], kind) or rack
            groups.setdefault(name, []).append(rack)
        mine = self.live.plan.units.get(job.name, {})
        blocks = [
            _Block(
                tuple(racks),
                sum(most[rack] - mine.get(rack, 0) for rack in racks),
                self._cost_mills(job, racks),
            )
            for racks in groups.values()
        ]
        open_blocks = [block for block in blocks if block.room > 0]
        return sorted(open_blocks, key=lambda block: block.cost_mills / block.room)

    def _cost_mills(self, job: Job, racks: list[str]) -> int:
        """Return what everything earns that has to go from `racks`; a gang goes whole."""
        problem, plan = self.live.ground.problem, self.live.plan
        there: dict[str, int] = {}
        for rack in racks:
            for name, units in plan.by_rack.get(rack, {}).items():
                if _is_foreign(job, problem.jobs[name]):
                    there[name] = there.get(name, 0) + units
        cost = 0
        for name, units in there.items():
            other, placed = problem.jobs[name], plan.placed_units(name)
            gone = units if placed - units >= other.min_units else placed
            cost += gone * other.gpus_per_unit * other.value_mills_per_gpu_h
        return cost


def _runs(blocks: list[_Block], lacking: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield neighbours in the order of cost that together hold enough, with their cost."""
    for first in range(min(TRIES, len(blocks))):
        racks: list[str] = []
        room = cost = 0
        for block in blocks[first:]:
            racks += block.racks
            room += block.room
            cost += block.cost_mills
            if room >= lacking:
                yield cost, tuple(racks)
                break


def _is_foreign(job: Job, other: Job) -> bool:
    """Whether `other` has to go for `job`: not its own work, nor its tenant's contracts."""
    return other.name != job.name and not (job.tenant == other.tenant and other.contract)
