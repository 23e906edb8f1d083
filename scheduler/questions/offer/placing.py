"""Where an offer begins: in the domains whose loss costs least, everything else as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduler.check import Verdict, check
from scheduler.model import Offer, Plan, Problem
from scheduler.model.levels import RACK_DOMAIN_LEVELS
from scheduler.model.units import part
from scheduler.questions.offer.block import Block, trimmed
from scheduler.questions.offer.cheapest import Clearing
from scheduler.questions.offer.joined import joined, obligations, only, units_on
from scheduler.questions.offer.terms import Ladder


@dataclass(frozen=True)
class Ground:
    """A problem, its plan without the offer, and what that plan earns."""

    problem: Problem
    plan: Plan
    verdict: Verdict
    ladder: Ladder

    def start(self, offer: Offer, block: Block) -> Plan:
        """Return a plan that meets the offer and all firm contracts, with few others displaced.

        The first of these that the check confirms: firm contracts stay and the offer takes the
        cheapest domains that none of them lies in; the cheapest part of the block's plan; the
        block's plan.
        """
        owed = obligations(joined(self.problem, (offer,)))
        for candidate in self._candidates(offer, block):
            placed = trimmed(owed, candidate, offer.name)
            verdict = check(owed, placed)
            if verdict.checked and verdict.unmet_firm_gpus == 0:
                return self._beside(offer, placed)
        return self._beside(offer, trimmed(owed, block.plan, offer.name))

    def taken(self, offer: Offer, plan: Plan) -> frozenset[str]:
        """Return the racks that nobody else can use: the offer's own and its domains'."""
        own = set(plan.units.get(offer.name, ()))
        taken = set(own)
        for kind in self.ladder.kinds(offer.tenant.isolation):
            domain_of = self.ladder.domain_of(kind)
            domains = {domain_of[rack] for rack in own} - {None}
            taken |= {rack for rack, domain in domain_of.items() if domain in domains}
        return frozenset(taken)

    def _candidates(self, offer: Offer, block: Block) -> Iterator[Plan]:
        firm = [each.name for each in self.problem.workload.contracts.values() if each.firm]
        stay = only(self.plan, firm)
        room = units_on(self.problem, offer)
        held = {rack for _, rack, _ in stay.shards()}
        free = {
            rack: units
            for rack, units in room.items()
            if not self._domain_racks(offer, rack) & held
        }
        yield Plan({**stay.units, offer.name: self._cheapest(offer, free)})
        around = only(block.plan, firm)
        of_block = block.plan.units.get(offer.name, {})
        yield Plan({**around.units, offer.name: self._cheapest(offer, of_block)})

    def _domain_racks(self, offer: Offer, rack: str) -> frozenset[str]:
        """Return the racks that go with one rack, by the widest domain of the offer's level."""
        kind = self.ladder.widest(offer.tenant.isolation) or "rack"
        return self.ladder.members(kind).get(self.ladder.domain_of(kind)[rack] or "", frozenset())

    def _cheapest(self, offer: Offer, room: Mapping[str, int]) -> dict[str, int]:
        """Choose whole domains by what they earn now for each unit of room, until all count."""
        kind = self.ladder.widest(offer.tenant.isolation) or "rack"
        domain_of = self.ladder.domain_of(kind)
        units: Counter[str] = Counter()
        for rack, count in room.items():
            units[domain_of[rack] or ""] += count
        clearing = Clearing.of(self.problem, self.plan, self.verdict, domain_of)
        contract = offer.contract
        wanted = contract.units + part(contract.units, contract.sla.spare_permille)
        chosen: dict[str, int] = {}
        for domain in clearing.order(units):
            short = wanted - self._surviving(offer, chosen)
            if short <= 0:
                break
            for rack in sorted(rack for rack in room if (domain_of[rack] or "") == domain):
                count = room[rack] if contract.sla.survives else min(room[rack], short)
                if count > 0:
                    chosen[rack] = count
                    short -= count
        return chosen

    def _surviving(self, offer: Offer, chosen: Mapping[str, int]) -> int:
        """Return the units that stay after the worst loss of a domain that the SLA names."""
        worst = 0
        for kind in offer.contract.sla.survives:
            if kind in RACK_DOMAIN_LEVELS:
                lost: Counter[str | None] = Counter()
                domain_of = self.ladder.domain_of(kind)
                for rack, count in chosen.items():
                    lost[domain_of[rack]] += count
                worst = max(worst, *lost.values(), 0)
        return sum(chosen.values()) - worst

    def _beside(self, offer: Offer, placed: Plan) -> Plan:
        """Return the plan with all else where it was, but for the racks that the offer takes."""
        taken = self.taken(offer, placed)
        rest = {
            name: {rack: units for rack, units in racks.items() if rack not in taken}
            for name, racks in self.plan.units.items()
            if name not in placed.units
        }
        return Plan({**{name: racks for name, racks in rest.items() if racks}, **placed.units})
