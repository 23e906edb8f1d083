"""A bound by counting domains: those that firm contracts need are not for a block that is alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from scheduler.model import Contract, Offer, Problem
from scheduler.model.units import part
from scheduler.questions.offer.joined import units_on
from scheduler.questions.offer.terms import Ladder


def most_units_by_domains(problem: Problem, offer: Offer, ladder: Ladder) -> int:
    """Return the most units that the domains can hold which firm contracts do not need.

    Of a kind of domain that the offer's level keeps exclusive, firm contracts need at least `n`:
    the fewest whose GPU slots, of the types that they allow, add up to what they promise with
    spares. So the block lies in the other ``D - n``: at most in the roomiest of them. The least
    over all kinds counts. All units count, also those that a loss takes out.
    """
    room = units_on(problem, offer)
    best = sum(room.values())
    for kind in ladder.kinds(offer.tenant.isolation):
        domain_of = ladder.domain_of(kind)
        if None in domain_of.values():
            continue  # racks in no such domain are open to everybody
        units: Counter[str] = Counter()
        for rack, count in room.items():
            units[domain_of[rack] or ""] += count
        left = ladder.count(kind) - _needed(problem, ladder, kind)
        best = min(best, sum(sorted(units.values(), reverse=True)[: max(0, left)]))
    return best


def _needed(problem: Problem, ladder: Ladder, kind: str) -> int:
    """Return how many domains firm contracts need at least."""
    site = problem.site
    firm = [each for each in problem.workload.contracts.values() if each.firm]
    slots: dict[str, Counter[str]] = {}  # GPU type -> domain -> GPU slots
    for rack, domain in ladder.domain_of(kind).items():
        found = site.racks[rack]
        gpu_type = site.type_of(found).gpu_type
        slots.setdefault(gpu_type, Counter())[domain or ""] += site.usable_gpus(found)
    return max(
        (
            _fewest(slots, types, _gpus_within(firm, types))
            for types in {frozenset(each.gpu_types) for each in firm}
        ),
        default=0,
    )


def _gpus_within(contracts: Iterable[Contract], types: frozenset[str]) -> int:
    """Return the GPUs of contracts that allow no other types than these, spares included."""
    return sum(
        (each.units + part(each.units, each.sla.spare_permille)) * each.gpus_per_unit
        for each in contracts
        if types.issuperset(each.gpu_types)
    )


def _fewest(slots: dict[str, Counter[str]], types: frozenset[str], gpus: int) -> int:
    """Return the fewest domains whose slots of some types add up to `gpus`."""
    sizes: Counter[str] = Counter()
    for gpu_type in types:
        sizes.update(slots.get(gpu_type, {}))
    count = 0
    for size in sorted(sizes.values(), reverse=True):
        if gpus <= 0:
            break
        gpus -= size
        count += 1
    return count
