"""Bounds by counting: the GPUs and the domains that firm contracts need are not for a block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from scheduler.model import Contract, Offer, Problem
from scheduler.model.units import part
from scheduler.questions.offer.joined import units_on
from scheduler.questions.offer.terms import Ladder


def most_units_by_counting(problem: Problem, offer: Offer, ladder: Ladder) -> tuple[int, str]:
    """Return the lower of both bounds, and which it is: ``slots`` or ``domains``."""
    slots = most_units_by_slots(problem, offer)
    domains = most_units_by_domains(problem, offer, ladder)
    return (slots, "slots") if slots <= domains else (domains, "domains")


def most_units_by_slots(problem: Problem, offer: Offer) -> int:
    """Return the most units on the GPU slots that firm contracts leave.

    ``(slots - sum of (promised + spares) * gpus_per_unit) / gpus_per_unit`` over all racks of the
    offer's GPU types and the firm contracts that allow no other types.
    """
    site, types = problem.site, frozenset(offer.contract.gpu_types)
    slots = sum(
        site.usable_gpus(rack)
        for rack in site.racks.values()
        if site.type_of(rack).gpu_type in types
    )
    firm = [each for each in problem.workload.contracts.values() if each.firm]
    left = (slots - _gpus_within(firm, types)) // offer.contract.gpus_per_unit
    return max(0, min(left, sum(units_on(problem, offer).values())))


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
        left = ladder.count(kind) - Needs.of(problem, ladder, kind).fewest
        best = min(best, sum(sorted(units.values(), reverse=True)[: max(0, left)]))
    return best


@dataclass(frozen=True)
class Needs:
    """What firm contracts need of the domains of one kind, by the GPU types that they allow."""

    slots: Mapping[str, Counter[str]]  # GPU type -> domain -> GPU slots
    gpus: Mapping[frozenset[str], int]  # types -> GPUs of contracts that allow no others

    @staticmethod
    def of(problem: Problem, ladder: Ladder, kind: str) -> Needs:
        """Count slots, and GPUs with spares."""
        site = problem.site
        firm = [each for each in problem.workload.contracts.values() if each.firm]
        slots: dict[str, Counter[str]] = {}
        for rack, domain in ladder.domain_of(kind).items():
            found = site.racks[rack]
            gpu_type = site.type_of(found).gpu_type
            slots.setdefault(gpu_type, Counter())[domain or ""] += site.usable_gpus(found)
        types = {frozenset(each.gpu_types) for each in firm}
        return Needs(slots, {each: _gpus_within(firm, each) for each in types})

    @property
    def fewest(self) -> int:
        """How many domains firm contracts need at least."""
        return max((self._fewest(types) for types in self.gpus), default=0)

    def can_spare(self, domains: Set[str]) -> bool:
        """Whether the slots of all other domains add up to what firm contracts need."""
        return all(
            gpus
            <= sum(
                size
                for gpu_type in types
                for domain, size in self.slots.get(gpu_type, Counter()).items()
                if domain not in domains
            )
            for types, gpus in self.gpus.items()
        )

    def _fewest(self, types: frozenset[str]) -> int:
        """Return the fewest domains whose slots of some types add up to their need."""
        sizes: Counter[str] = Counter()
        for gpu_type in types:
            sizes.update(self.slots.get(gpu_type, {}))
        gpus, count = self.gpus[types], 0
        for size in sorted(sizes.values(), reverse=True):
            if gpus <= 0:
                break
            gpus -= size
            count += 1
        return count


def _gpus_within(contracts: Iterable[Contract], types: frozenset[str]) -> int:
    """Return the GPUs of contracts that allow no other types than these, spares included."""
    return sum(
        (each.units + part(each.units, each.sla.spare_permille)) * each.gpus_per_unit
        for each in contracts
        if types.issuperset(each.gpu_types)
    )
