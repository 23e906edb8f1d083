"""The question itself: what a site earns without an offer, with it, and what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.check import check
from scheduler.conflicts import explain_conflict
from scheduler.model import Offer, Plan, Problem
from scheduler.questions.offer.block import Block
from scheduler.questions.offer.concentration import Revenue, revenue
from scheduler.questions.offer.deal import Deal, deal, is_better_without, plan_with
from scheduler.questions.offer.fit import Fit, fit
from scheduler.questions.offer.frontier import Frontier
from scheduler.questions.offer.joined import at_price, obligations, only, resized
from scheduler.questions.offer.repair import repaired
from scheduler.questions.offer.solving import Solver, all_met
from scheduler.questions.offer.terms import Ladder, Terms, isolation_series, redundancy_series
from scheduler.questions.offer.together import Together, together
from scheduler.solve import Solution
from scheduler.topology import Topology

BASE_WEIGHT = 10.0  # of the plan without any offer, in the division of the time
FIT_WEIGHT = 2.0
WITH_WEIGHT = 10.0
TOGETHER_WEIGHT = 10.0
CONFLICT_SHARE = 0.5  # of the time left, for why firm contracts are not met without any offer
AGAIN_SHARE = 0.2  # of the time left, for a better plan without any offer


@dataclass(frozen=True)
class Weighed:
    """All that is said about one offer alone."""

    offer: Offer
    fit: Fit
    by_isolation: tuple[Block, ...]
    by_redundancy: tuple[Block, ...]
    deal: Deal | None  # None if nothing of it fits


@dataclass(frozen=True)
class Answer:
    """All that is said about the offers of a file."""

    problem: Problem
    without: Solution
    revenue: Revenue
    weighed: tuple[Weighed, ...]
    together: Together | None = None
    lines: tuple[str, ...] = ()  # why firm contracts are not met even without an offer


@dataclass(frozen=True)
class _Alone:
    """One offer, and the plan with it if any of it fits."""

    offer: Offer
    fit: Fit
    by_isolation: tuple[Block, ...]
    by_redundancy: tuple[Block, ...]
    sized: Offer
    found: Solution | None


def answer(problem: Problem, offers: Sequence[Offer], solver: Solver) -> Answer:
    """Weigh offers: each alone and, if there are several, together.

    If the search is stopped on the way, the answer holds the offers that were weighed until then.
    """
    budget, ladder = solver.budget, Ladder(Topology(problem.site))
    budget.expect(BASE_WEIGHT + len(offers) * (FIT_WEIGHT + WITH_WEIGHT))
    budget.expect(TOGETHER_WEIGHT if len(offers) > 1 else 0.0)
    series = {each.name: _Series.of(each, ladder) for each in offers}
    without = _plan_without(problem, solver)
    if not without.verdict.checked or without.verdict.unmet_firm_gpus:
        why = explain_conflict(without, CONFLICT_SHARE * budget.left_s(), solver.workers)
        lines = () if why is None else why.lines
        return Answer(problem, without, revenue(problem, without.plan), (), lines=lines)
    firm = [each.name for each in problem.workload.contracts.values() if each.firm]
    frontier = Frontier(problem, ladder, only(without.plan, firm), solver)
    frontier.expect((each, series[each.name].all) for each in offers)
    alone: list[_Alone] = []
    for offer in offers:
        one = _weigh(offer, series[offer.name], frontier, without)
        if budget.stopped() and one.found is None:
            break
        alone.append(one)
    without = _improved(without, alone, solver)
    weighed = tuple(_compared(each, without, ladder) for each in alone)
    return Answer(
        problem=problem,
        without=without,
        revenue=revenue(problem, without.plan),
        weighed=weighed,
        together=_together(weighed, without, solver) if len(offers) > 1 else None,
    )


def _plan_without(problem: Problem, solver: Solver) -> Solution:
    """Plan without any offer; if firm contracts are not all met, once more from a plan that does.

    Firm contracts alone are a much smaller problem, so that such a plan is found sooner.
    """
    budget = solver.budget
    found = solver.solve(problem, budget.take(BASE_WEIGHT, "plan without any offer"))
    if found.verdict.checked and found.verdict.unmet_firm_gpus == 0:
        return found
    alone = obligations(problem)
    owed = repaired(alone, only(found.plan, alone.jobs))
    if check(alone, owed).unmet_firm_gpus:
        seconds = AGAIN_SHARE * budget.left_s()
        owed = repaired(alone, solver.solve(alone, seconds, is_enough=all_met).plan)
    start = Plan({**found.plan.units, **owed.units})
    again = solver.solve(problem, AGAIN_SHARE * budget.left_s(), start=start)
    return min(again, found, key=lambda solution: solution.score)


@dataclass(frozen=True)
class _Series:
    """The terms at which the frontier of an offer is told."""

    isolation: list[Terms]
    redundancy: list[Terms]

    @staticmethod
    def of(offer: Offer, ladder: Ladder) -> _Series:
        return _Series(isolation_series(offer, ladder), redundancy_series(offer, ladder))

    @property
    def all(self) -> list[Terms]:
        return [*self.isolation, *self.redundancy]


def _weigh(offer: Offer, series: _Series, frontier: Frontier, without: Solution) -> _Alone:
    """Find the frontier of one offer, whether it fits, and a plan with it."""
    solver, problem = frontier.solver, frontier.problem
    asked = Terms.of(offer)
    blocks = frontier.blocks(offer, [asked, *series.all])
    block = blocks[asked]
    seconds = solver.budget.take(FIT_WEIGHT, f"does {offer.name} fit?")
    fits = fit(problem, offer, block, solver, seconds)
    units = min(offer.contract.units, fits.block.units)
    sized, found = resized(offer, max(1, units)), None
    if units and not solver.budget.stopped():
        seconds = solver.budget.take(WITH_WEIGHT, f"plan with {offer.name}")
        found = plan_with(sized, fits.block, without, frontier.ladder, solver, seconds)
    else:
        solver.budget.drop(WITH_WEIGHT)
    by_isolation = tuple(blocks[each] for each in series.isolation if each in blocks)
    by_redundancy = tuple(blocks[each] for each in series.redundancy if each in blocks)
    return _Alone(offer, fits, by_isolation, by_redundancy, sized, found)


def _improved(without: Solution, alone: Sequence[_Alone], solver: Solver) -> Solution:
    """Return a better plan without any offer if a plan with one holds it."""
    for each in alone:
        if each.found is None or solver.budget.stopped():
            continue
        if is_better_without(each.sized, each.found, without):
            start = only(each.found.plan, without.problem.jobs)
            again = solver.solve(
                without.problem,
                AGAIN_SHARE * solver.budget.left_s(),
                start=start,
                known_bound_mills=without.bound_mills,
                known_bound_by=without.bound_by,
            )
            without = min(again, without, key=lambda solution: solution.score)
    return without


def _compared(alone: _Alone, without: Solution, ladder: Ladder) -> Weighed:
    found = alone.found
    done = None if found is None else deal(alone.sized, found, without, ladder)
    return Weighed(alone.offer, alone.fit, alone.by_isolation, alone.by_redundancy, done)


def _together(weighed: Sequence[Weighed], without: Solution, solver: Solver) -> Together | None:
    """Weigh the offers of which anything fits, at their own prices or at those that just pay."""
    deals = [each.deal for each in weighed if each.deal is not None]
    if len(deals) < 2 or solver.budget.stopped():
        return None
    offers = [
        each.offer if each.offer.is_priced else at_price(each.offer, each.price.accept_mills)
        for each in deals
    ]
    return together(
        offers,
        solver,
        solver.budget.take(TOGETHER_WEIGHT, "all offers together"),
        without=without,
        starts=[(each.gain_mills or 0, each.solution.plan) for each in deals],
    )
