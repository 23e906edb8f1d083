"""The frontier: the largest block at every isolation level and at every redundancy policy.

A plan at stricter terms holds at looser ones, and a bound at looser terms holds at stricter ones.
So points lend each other what they have: bounds on the way up, plans on the way back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from scheduler.check import check
from scheduler.model import Offer, Plan, Problem
from scheduler.questions.offer.block import Block, Most, as_block, most_units
from scheduler.questions.offer.clearing import in_cleared_domains, in_free_domains
from scheduler.questions.offer.joined import at_terms, joined, obligations, resized
from scheduler.questions.offer.solving import Solver
from scheduler.questions.offer.terms import Ladder, Terms, is_as_strict

BLOCK_WEIGHT = 1.0  # of one point, in the division of the time
START_SHARE = 0.4  # of a point's time, at most, for plans to begin with


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
    _most: dict[tuple[object, ...], Most] = field(default_factory=dict)

    def expect(self, offers: Iterable[tuple[Offer, Iterable[Terms]]]) -> None:
        """Say to the budget how many blocks will be solved."""
        keys = {
            self._key(at_terms(offer, terms.isolation, terms.survives, 0))
            for offer, series in offers
            for terms in series
        }
        self.solver.budget.expect(BLOCK_WEIGHT * len(keys))

    def blocks(self, offer: Offer, series: Iterable[Terms]) -> list[Block]:
        """Return the largest block at each of the terms, in order."""
        found: list[Block] = []
        for terms in series:
            if self.solver.budget.stopped():
                break
            asked = at_terms(offer, terms.isolation, terms.survives, terms.spare_permille)
            looser = (each for each in found if is_as_strict(terms, each.terms, self.ladder))
            bound = min((each.bound_units for each in looser), default=None)
            block = self._block(asked)
            if bound is not None and bound < block.bound_units:
                block = replace(block, bound_units=bound)
            found.append(block)
        return [self._lent(offer, block, found) for block in found]

    def _block(self, asked: Offer) -> Block:
        key = self._key(asked)
        budget = self.solver.budget
        if key not in self._most:
            step = f"largest block of {asked.name}: {asked.tenant.isolation} isolation"
            seconds = budget.take(BLOCK_WEIGHT, f"{step}, survives {Terms.of(asked).redundancy}")
            self._most[key] = self._solved(asked, seconds)
        return as_block(self.problem, asked, self._most[key], self.solver, budget.left_s() / 10)

    def _solved(self, asked: Offer, seconds: float) -> Most:
        start = in_free_domains(
            self.problem, asked, self.ladder, self.owed, self.solver, seconds * START_SHARE / 2
        )
        most = most_units(
            self.problem, asked, self.solver, seconds * (1 - START_SHARE), start=start
        )
        cleared = in_cleared_domains(
            self.problem,
            asked,
            self.ladder,
            self.owed,
            best_units=most.units,
            bound_units=most.bound_units,
            solver=self.solver,
            time_limit_s=seconds * START_SHARE / 2,
        )
        for plan in cleared:
            again = most_units(
                self.problem,
                asked,
                self.solver,
                seconds * START_SHARE / 2,
                start=plan,
                known_bound_units=most.bound_units,
            )
            if again.units > most.units:
                most = replace(again, bound_units=min(most.bound_units, again.bound_units))
        return most

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
        verdict = check(owed, best.plan)
        if not verdict.checked or verdict.unmet_firm_gpus:
            return block
        return replace(block, units=best.units, plan=best.plan)

    def _key(self, offer: Offer) -> tuple[object, ...]:
        """Return what the largest block of an offer depends on, but for its spares."""
        contract = offer.contract
        return (
            self.ladder.first_alike(offer.tenant.isolation),
            contract.gpus_per_unit,
            contract.gpu_types,
            contract.profile,
            contract.power_action,
            contract.required,
            contract.within,
            frozenset(contract.sla.survives),
        )
