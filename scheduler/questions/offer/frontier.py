"""The frontier: the largest block at every isolation level and at every redundancy policy.

A plan at stricter terms holds at looser ones, and a bound at looser terms holds at stricter ones.
So points lend each other what they have: bounds on the way up, plans on the way back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from scheduler.check import check
from scheduler.model import Level, Offer, Plan, Problem
from scheduler.questions.offer.block import Block, Most, as_block, most_units, trimmed
from scheduler.questions.offer.clearing import in_cleared_domains, in_free_domains
from scheduler.questions.offer.domain_bound import most_units_by_counting
from scheduler.questions.offer.joined import at_terms, joined, obligations, resized
from scheduler.questions.offer.solving import Solver
from scheduler.questions.offer.terms import Ladder, Terms, is_as_strict

BLOCK_WEIGHT = 1.0  # of one point, in the division of the time
CLEARED_WEIGHT = 3.0  # of the first point of a level that keeps domains
START_SHARE = 0.6  # of the time of a level's first point, at most, for plans to begin with

# Isolation level, what is survived, and all else that blocks depend on.
Key = tuple[Level, frozenset[str], int, tuple[str, ...], str, str, Level | None, tuple[str, ...]]


@dataclass
class Frontier:
    """Largest blocks of one problem, each solved once, for offers that differ in size alone.

    Parameters
    ----------
    owed
        A plan that meets every firm contract.
    """

    problem: Problem
    ladder: Ladder
    owed: Plan
    solver: Solver
    _most: dict[Key, Most] = field(default_factory=dict)

    def expect(self, offers: Iterable[tuple[Offer, Iterable[Terms]]]) -> None:
        """Say to the budget how many blocks will be solved."""
        seen = set(self._most)
        for offer, series in offers:
            for terms in series:
                key = self._key(at_terms(offer, terms.isolation, terms.survives, 0))
                if key not in seen:
                    self.solver.budget.expect(self._weight(key, seen))
                    seen.add(key)

    def blocks(self, offer: Offer, series: Iterable[Terms]) -> dict[Terms, Block]:
        """Return the largest block at each of the terms; none where time or patience ended."""
        found: dict[Terms, Block] = {}
        for terms in dict.fromkeys(series):
            if found and self.solver.budget.is_over():
                break
            asked = at_terms(offer, terms.isolation, terms.survives, terms.spare_permille)
            found[terms] = self._block(asked)
        bounded = [self._bounded(block, found.values()) for block in found.values()]
        return {each.terms: self._lent(offer, each, bounded) for each in bounded}

    def _bounded(self, block: Block, others: Iterable[Block]) -> Block:
        """Return the block with the bound of looser terms if that is lower."""
        looser = (each for each in others if is_as_strict(block.terms, each.terms, self.ladder))
        lowest = min(looser, key=lambda each: each.bound_units)
        return replace(block, bound_units=lowest.bound_units, bound_by=lowest.bound_by)

    def _block(self, asked: Offer) -> Block:
        key = self._key(asked)
        budget = self.solver.budget
        if key not in self._most:
            step = f"largest block of {asked.name}: {asked.tenant.isolation} isolation"
            step = f"{step}, survives {Terms.of(asked).redundancy}"
            seconds = budget.take(self._weight(key, self._most), step)
            self._most[key] = self._solved(asked, seconds)
        most, seconds = self._most[key].named(asked.name), budget.left_s() / 10
        return as_block(self.problem, asked, most, self.owed, self.solver, seconds)

    def _weight(self, key: Key, seen: Collection[Key]) -> float:
        """Return more for the first block of a level, for which domains have to be cleared."""
        level, _, *rest = key
        is_new = all(each[0] is not level or list(each[2:]) != rest for each in seen)
        return CLEARED_WEIGHT if is_new and self.ladder.kinds(level) else BLOCK_WEIGHT

    def _solved(self, asked: Offer, seconds: float) -> Most:
        """Solve for the largest block, from the best plan that holds at these terms already.

        Where none is known at this isolation level, plans to begin with are made first: in free
        domains, and in domains that firm contracts can be moved out of.
        """
        terms, ladder = Terms.of(asked), self.ladder
        known = list(self._alike(asked))
        room, by = most_units_by_counting(self.problem, asked, ladder)
        bound = Most(0, room, Plan({}), by)
        for each, most in known:
            if is_as_strict(terms, each, ladder) and most.bound_units < bound.bound_units:
                bound = most
        if bound.bound_units == 0:
            return replace(bound, plan=self.owed)
        as_isolated = [
            (each.isolation, most.plan)
            for each, most in known
            if ladder.is_as_strict(each.isolation, terms.isolation)
        ]
        plans = [plan for _, plan in as_isolated]
        is_new = all(level is not terms.isolation for level, _ in as_isolated)
        if is_new:
            plans += self._starts(asked, seconds * START_SHARE, bound)
        start = max(plans, key=lambda plan: plan.placed_units(asked.name), default=self.owed)
        return most_units(
            self.problem,
            asked,
            self.solver,
            seconds * (1 - START_SHARE) if is_new else seconds,
            start=start if start.units else self.owed,
            known=bound,
        )

    def _alike(self, asked: Offer) -> Iterator[tuple[Terms, Most]]:
        """Yield what is known of offers that differ in isolation and survival alone."""
        for (level, survives, *rest), most in self._most.items():
            if rest == list(self._key(asked)[2:]):
                terms = Terms(level, tuple(survives), Terms.of(asked).spare_permille)
                yield terms, most.named(asked.name)

    def _starts(self, asked: Offer, seconds: float, bound: Most) -> list[Plan]:
        free = in_free_domains(self.problem, asked, self.ladder, self.owed)
        cleared = in_cleared_domains(
            self.problem,
            asked,
            self.ladder,
            self.owed,
            best_units=free.placed_units(asked.name),
            bound_units=bound.bound_units,
            solver=self.solver,
            time_limit_s=seconds,
        )
        return [free] if cleared is None else [free, cleared]

    def _lent(self, offer: Offer, block: Block, others: Iterable[Block]) -> Block:
        """Return the block with the plan of stricter terms if that is larger, once checked."""
        stricter = [
            each
            for each in others
            if each.units > block.units and is_as_strict(each.terms, block.terms, self.ladder)
        ]
        best = max(stricter, key=lambda each: each.units, default=None)
        if best is None:
            return block
        terms = block.terms
        asked = at_terms(offer, terms.isolation, terms.survives, terms.spare_permille)
        owed = joined(obligations(self.problem), (resized(asked, best.units),))
        plan = trimmed(owed, best.plan, offer.name)
        verdict = check(owed, plan)
        if not verdict.checked or verdict.unmet_firm_gpus:
            return block
        return replace(block, units=best.units, plan=plan)

    def _key(self, offer: Offer) -> Key:
        """Return what the largest block of an offer depends on, but for its spares."""
        contract = offer.contract
        return (
            self.ladder.first_alike(offer.tenant.isolation),
            self.ladder.losses(contract.sla.survives),
            contract.gpus_per_unit,
            contract.gpu_types,
            contract.profile,
            contract.power_action,
            contract.required,
            contract.within,
        )
