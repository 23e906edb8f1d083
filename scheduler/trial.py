"""Tries a job in the places where it could go, and asks the check what each would break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from scheduler.check import Verdict, check
from scheduler.model import Finding, Job, Level, Plan, Problem
from scheduler.model.units import part
from scheduler.room import Domain, Room, Spot

BEST_DOMAINS = 3  # domains of the required level, or halls, that are tried
RACKS_CHECKED = 4_000  # racks that the checks of one question look at together, about
FEWEST_CHECKS, MOST_CHECKS = 4, 50
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Trial:
    """A plan with the job in one candidate place, and what the check says about it."""

    where: Domain
    plan: Plan
    units: int
    verdict: Verdict
    broken: tuple[Finding, ...]  # limits that the job breaks or breaks further, worst first

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smallest is best: whole first, then the fewest broken limits, then the margin."""
        return len(self.broken), sum(f.violation for f in self.broken), -self.verdict.margin_mills


@dataclass
class Budget:
    """Checks that may still be run for one question: a large site takes seconds for each."""

    left: int

    @staticmethod
    def of(problem: Problem) -> Budget:
        """Return more checks for a smaller site."""
        checks = RACKS_CHECKED // max(1, len(problem.site.racks))
        return Budget(min(MOST_CHECKS, max(FEWEST_CHECKS, checks)))

    def spend(self) -> bool:
        """Take one check if any is left."""
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True)
class Bench:
    """A problem and a plan without the job in question, into which the job is put."""

    problem: Problem
    plan: Plan  # without the job
    job: Job
    racks: Mapping[str, int]  # units that the job has now
    budget: Budget
    base: Bench | None = None  # of a changed bench: the one as it is

    @staticmethod
    def build(problem: Problem, plan: Plan, name: str) -> Bench:
        """Take the job out of the plan."""
        rest = {job: racks for job, racks in plan.units.items() if job != name}
        racks = plan.units.get(name, {})
        return Bench(problem, Plan(rest), problem.jobs[name], racks, Budget.of(problem))

    @property
    def placed(self) -> int:
        """Units that the job has now."""
        return sum(self.racks.values())

    def with_plan(self, plan: Plan) -> Bench:
        """Return the bench with other work around the job."""
        return replace(self, plan=plan, base=self.base or self)

    @cached_property
    def before(self) -> Verdict:
        """What the check says without the job; a change is judged against the bench as it is."""
        return self.base.before if self.base else check(self.problem, self.plan)

    @cached_property
    def margin_mills(self) -> int:
        """Margin of the plan as it is, with the units that the job has now."""
        if self.base:
            return self.base.margin_mills
        if not self.racks:
            return self.before.margin_mills
        return self.tried(Domain("", ()), self.racks).verdict.margin_mills

    @cached_property
    def room(self) -> Room:
        """The room that the plan leaves."""
        return Room(self.problem, self.plan)

    @cached_property
    def domains(self) -> tuple[Domain, ...]:
        """Where the job may go, the roomiest first."""
        return self.room.domains(self.job)

    def trials(self, units: int, avoid: frozenset[str] = frozenset()) -> Iterator[Trial]:
        """Yield a checked plan for every candidate place; nowhere more than there are free nodes.

        Of the places that cannot hold all `units` only the first is checked. Ends when the budget
        is half used: the rest is for changes.

        Parameters
        ----------
        avoid
            Racks that are not to be used.
        """
        reserve = self.budget.left // 2
        partial = False
        for domain, racks in self._placements(units, avoid):
            whole = sum(racks.values()) == units
            if not whole and partial:
                continue
            partial |= not whole
            if self.budget.left <= reserve or not self.budget.spend():
                return
            yield self.tried(domain, racks)

    def fitting(self, units: int) -> Trial | None:
        """Return the first trial that places `units` and breaks nothing, if there is any."""
        for domain, racks in self._placements(units):
            if sum(racks.values()) == units and self._is_open(domain, racks):
                if not self.budget.spend():
                    return None
                trial = self.tried(domain, racks)
                if not trial.broken:
                    return trial
        return None

    def _placements(
        self, units: int, avoid: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Domain, dict[str, int]]]:
        """Yield the candidate places, each once."""
        seen: set[tuple[tuple[str, int], ...]] = set()
        for domain in self._candidates():
            spots = [spot for spot in domain.spots if spot.rack.name not in avoid]
            for fill in (_packed, _even):
                racks = fill(self.job, self.problem, spots, units)
                placement = tuple(sorted(racks.items()))
                if racks and placement not in seen:
                    seen.add(placement)
                    yield domain, racks

    @staticmethod
    def _is_open(domain: Domain, racks: Mapping[str, int]) -> bool:
        """Whether nobody keeps any of `racks` closed."""
        return not any(spot.keeper for spot in domain.spots if spot.rack.name in racks)

    def tried(self, where: Domain, racks: Mapping[str, int]) -> Trial:
        """Check the plan with the job on `racks`."""
        plan = Plan({**self.plan.units, self.job.name: racks})
        verdict = check(self.problem, plan)
        known = {key(finding): finding.violation for finding in self.before.broken}
        broken = [
            finding for finding in verdict.broken if finding.violation > known.get(key(finding), 0)
        ]
        broken.sort(key=lambda finding: -finding.violation / max(1, finding.limit))
        return Trial(where, plan, sum(racks.values()), verdict, tuple(broken))

    def _candidates(self) -> Iterator[Domain]:
        """The roomiest domains; of a job that may go anywhere also the roomiest halls."""
        yield from self.domains[:BEST_DOMAINS]
        if self.job.required is None or self.job.required is Level.SITE:
            in_one_hall = replace(self.job, required=Level.HALL)
            yield from self.room.domains(in_one_hall)[:BEST_DOMAINS]


def needed_units(job: Job, *, placed: int) -> int:
    """Units that `job` needs to be placed; if a part of it is placed, units of the whole."""
    if job.promised_units is not None:
        spare_permille = job.sla.spare_permille if job.sla else 0
        return min(job.units, job.promised_units + part(job.promised_units, spare_permille))
    return job.units if placed else job.min_units


def _packed(job: Job, problem: Problem, spots: Sequence[Spot], units: int) -> dict[str, int]:
    """Fill the emptiest racks first."""
    racks: dict[str, int] = {}
    quota = _Quota(job, problem)
    for spot in _preferred(spots):
        count = quota.take(spot, min(spot.units, units - sum(racks.values())))
        if count:
            racks[spot.rack.name] = count
    return racks


def _even(job: Job, problem: Problem, spots: Sequence[Spot], units: int) -> dict[str, int]:
    """Give every open rack the same share, so that feeds and loops are loaded alike."""
    racks: dict[str, int] = {}
    quota = _Quota(job, problem)
    left = units
    for ordered in ([s for s in spots if not s.keeper], [s for s in spots if s.keeper]):
        while left and ordered:
            if left < len(ordered):  # every n-th rack
                ordered = [ordered[i * len(ordered) // left] for i in range(left)]
            share = left // len(ordered)
            still = []
            for spot in ordered:
                had = racks.get(spot.rack.name, 0)
                count = quota.take(spot, min(share, spot.units - had))
                if count:
                    racks[spot.rack.name] = had + count
                    left -= count
                    still.append(spot)
            ordered = still
    return racks


def _preferred(spots: Sequence[Spot]) -> list[Spot]:
    """Open racks before those that somebody keeps closed, emptier ones first."""
    return sorted(spots, key=lambda spot: (bool(spot.keeper), -spot.units))


class _Quota:
    """Counts the units in every domain of the job's spread level."""

    def __init__(self, job: Job, problem: Problem) -> None:
        self._job, self._site = job, problem.site
        self._used: dict[str | None, int] = {}

    def take(self, spot: Spot, units: int) -> int:
        """Return how many of `units` may go to `spot`, and count them."""
        level, most = self._job.spread_level, self._job.spread_max_units
        if level is not None and most is not None:
            domain = self._site.domain_of(spot.rack, level)
            units = min(units, most - self._used.get(domain, 0))
            self._used[domain] = self._used.get(domain, 0) + max(0, units)
        return max(0, units)


def key(finding: Finding) -> Key:
    """Return what makes a limit the same limit under two plans."""
    return finding.term, finding.subject, finding.state, finding.unit
