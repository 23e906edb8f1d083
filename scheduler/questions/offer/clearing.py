"""Plans to begin with for a block that keeps whole domains: firm contracts move out of some.

Searches grow a block around what lies there already. Where a block wants whole halls, the firm
contracts of several have to move together first: here they are planned on a site on which those
domains are drained, and the block fills these. A search that begins there keeps what fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Set
from dataclasses import replace

from scheduler.model import Offer, Plan, Problem
from scheduler.questions.offer.domain_bound import Needs
from scheduler.questions.offer.joined import obligations, units_on
from scheduler.questions.offer.solving import Solver, all_met
from scheduler.questions.offer.terms import Ladder

MOST_DOMAINS = 64  # where there are more, some are free already and few are worth clearing
TRIES = 3  # numbers of domains that are tried, the largest first


def in_free_domains(problem: Problem, offer: Offer, ladder: Ladder, owed: Plan) -> Plan:
    """Return `owed` with the block filling all domains of its level that nobody lies in."""
    kind = ladder.widest(offer.tenant.isolation)
    if kind is None:
        return owed
    domain_of = ladder.domain_of(kind)
    taken = {domain_of[rack] for _, rack, _ in owed.shards()}
    free = {rack for rack, domain in domain_of.items() if domain not in taken}
    return _filled(problem, offer, owed, free)


def in_cleared_domains(
    problem: Problem,
    offer: Offer,
    ladder: Ladder,
    owed: Plan,
    *,
    best_units: int,
    bound_units: int,
    solver: Solver,
    time_limit_s: float,
) -> Plan | None:
    """Return a plan with the block in domains that firm contracts moved out of, if one is found.

    The larger numbers of domains are tried first.

    Parameters
    ----------
    best_units, bound_units
        Units of the block that are known to fit, and the most that can: no other numbers of
        domains are of interest.
    """
    kind = ladder.widest(offer.tenant.isolation)
    if kind is None or ladder.count(kind) > MOST_DOMAINS or solver.budget.stopped():
        return None
    domain_of, units = ladder.domain_of(kind), units_on(problem, offer)
    size: Counter[str] = Counter()
    for rack, count in units.items():
        domain = domain_of[rack]
        if domain is not None:
            size[domain] += count
    gpus_in_use: Counter[str] = Counter()
    for name, rack, count in owed.shards():
        domain = domain_of[rack]
        if domain is not None:
            gpus_in_use[domain] += count * problem.jobs[name].gpus_per_unit
    needs = Needs.of(problem, ladder, kind)
    largest: list[str] = []
    for domain in sorted(size, key=lambda each: (-size[each], gpus_in_use[each], each)):
        if needs.can_spare({*largest, domain}):
            largest.append(domain)
    counts = [
        count
        for count in range(len(largest), 0, -1)
        if best_units < sum(size[domain] for domain in largest[:count])
        and sum(size[domain] for domain in largest[: count - 1]) < bound_units
    ]
    tried = counts[:TRIES]
    for count in tried:
        cleared = set(largest[:count])
        racks = {rack for rack, domain in domain_of.items() if domain in cleared}
        elsewhere = _elsewhere(problem, owed, racks, solver, time_limit_s / len(tried))
        if elsewhere is not None:
            return _filled(problem, offer, elsewhere, racks)
    return None


def _elsewhere(
    problem: Problem, owed: Plan, cleared: Collection[str], solver: Solver, time_limit_s: float
) -> Plan | None:
    """Plan all firm contracts outside the cleared racks; None if that is not found."""
    drained = _drained(obligations(problem), cleared)
    solution = solver.solve(drained, time_limit_s, start=owed, is_enough=all_met)
    met = solution.verdict.checked and solution.verdict.unmet_firm_gpus == 0
    return solution.plan if met else None


def _filled(problem: Problem, offer: Offer, owed: Plan, racks: Set[str]) -> Plan:
    """Return `owed` with the block on all of `racks`: whoever begins there keeps what fits."""
    room = units_on(problem, offer)
    block = {rack: room[rack] for rack in sorted(racks & room.keys()) if room[rack]}
    return Plan({**owed.units, offer.name: block}) if block else owed


def _drained(problem: Problem, racks: Collection[str]) -> Problem:
    """Return the problem with some racks drained."""
    site = problem.site
    changed = {rack: replace(site.racks[rack], drained=True) for rack in racks}
    return replace(problem, site=replace(site, racks={**site.racks, **changed}))
