"""Which domains cost least to clear: what their jobs earn, gangs as a whole."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scheduler.check import Verdict
from scheduler.model import Plan, Problem
from scheduler.questions.offer.displaced import earnings


@dataclass
class Clearing:
    """Domains in the order in which they are best cleared, by cost for each unit of room.

    A gang that loses a unit is lost as a whole. So it counts in full in every domain that it
    lies in, and not at all once it is lost.
    """

    cost: Counter[str]  # of clearing a domain now, in mills per hour
    jobs_in: Mapping[str, Counter[str]]  # domain -> units of jobs that may be displaced
    domains_of: Mapping[str, Counter[str]]  # job -> units in domains
    earned: Mapping[str, int]
    gangs: frozenset[str]
    lost: set[str] = field(default_factory=set)

    @staticmethod
    def of(
        problem: Problem, plan: Plan, verdict: Verdict, domain_of: Mapping[str, str | None]
    ) -> Clearing:
        """Count what every domain holds; firm contracts stay and cost nothing."""
        jobs_in: dict[str, Counter[str]] = {}
        domains_of: dict[str, Counter[str]] = {}
        for name, rack, units in plan.shards():
            domain = domain_of[rack]
            if domain is not None and not problem.jobs[name].firm:
                jobs_in.setdefault(domain, Counter())[name] += units
                domains_of.setdefault(name, Counter())[domain] += units
        gangs = {name for name in domains_of if _is_gang(problem, name)}
        found = Clearing(Counter(), jobs_in, domains_of, earnings(verdict), frozenset(gangs))
        for domain in jobs_in:
            found.cost[domain] = found._cost(domain)
        return found

    def order(self, room: Mapping[str, int]) -> Iterator[str]:
        """Yield the domains of `room` (units that each can take), the cheapest first."""
        heap = [(self.cost[domain] / units, domain) for domain, units in room.items() if units]
        heapq.heapify(heap)
        yielded: set[str] = set()
        while heap:
            price, domain = heapq.heappop(heap)
            if domain in yielded or price > self.cost[domain] / room[domain]:
                continue  # it was put there again at a lower cost
            yielded.add(domain)
            yield domain
            for cheaper in self._clear(domain):
                if room.get(cheaper) and cheaper not in yielded:
                    heapq.heappush(heap, (self.cost[cheaper] / room[cheaper], cheaper))

    def _clear(self, domain: str) -> set[str]:
        """Note what is lost with a domain; return the domains that cost less now."""
        gone = [name for name in self.jobs_in.get(domain, ()) if name in self.gangs - self.lost]
        self.lost.update(gone)
        touched = {each for name in gone for each in self.domains_of[name]}
        for each in touched:
            self.cost[each] = self._cost(each)
        return touched

    def _cost(self, domain: str) -> int:
        total = 0
        for name, units in self.jobs_in.get(domain, Counter()).items():
            if name in self.lost:
                continue
            earned = max(0, self.earned.get(name, 0))
            whole = sum(self.domains_of[name].values())
            total += earned if name in self.gangs else earned * units // whole
        return total


def _is_gang(problem: Problem, name: str) -> bool:
    job = problem.jobs[name]
    return job.min_units == job.units or job.contract is not None
