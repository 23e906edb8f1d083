"""An offer taken: the plan with it, its break-even price, and what it displaces."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model import Offer, Problem
from scheduler.model.units import PERMILLE
from scheduler.questions.offer.block import Block
from scheduler.questions.offer.concentration import Revenue, fee_mills, revenue
from scheduler.questions.offer.displaced import Loss, Move, earnings, losses, moves
from scheduler.questions.offer.joined import at_price, joined
from scheduler.questions.offer.placing import Ground
from scheduler.questions.offer.power import promised_w
from scheduler.questions.offer.price import W_PER_MW, BreakEven, Margins, break_even, gain_mills
from scheduler.questions.offer.solving import Solver
from scheduler.questions.offer.terms import Ladder
from scheduler.solve import Solution


@dataclass(frozen=True)
class Deal:
    """A plan with the offer, at the size that was weighed."""

    offer: Offer  # at that size: what is asked, or the largest block if that does not fit
    solution: Solution
    price: BreakEven
    gain_mills: int | None  # at the price that is asked; None if none is
    losses: tuple[Loss, ...]
    moves: tuple[Move, ...]
    revenue: Revenue  # at the break-even price if none is asked


def plan_with(
    offer: Offer, block: Block, without: Solution, ladder: Ladder, solver: Solver, seconds: float
) -> Solution:
    """Plan the problem with the offer as a firm contract; begin with a plan that holds it.

    Where energy costs something, no plan with the offer earns more than the best plan without it
    and the offer's fee less its energy: whoever drops the offer keeps the rest.
    """
    problem = without.problem
    ground = Ground(problem, without.plan, without.verdict, ladder)
    known = None
    if without.bound_mills is not None and problem.site.prices.energy_mills_per_mwh >= 0:
        known = without.bound_mills + fee_mills(offer.contract) - least_energy_mills(problem, offer)
    return solver.solve(
        joined(problem, (offer,)),
        seconds,
        start=ground.start(offer, block),
        known_bound_mills=known,
        known_bound_by=without.bound_by,
    )


def is_better_without(offer: Offer, found: Solution, without: Solution) -> bool:
    """Whether the plan with the offer, less the offer, beats the plan without it.

    Then the plan without any offer is not the best one, and can be improved from there.
    """
    earned = earnings(found.verdict).get(offer.name, 0)
    return found.score.margin_mills - earned > without.score.margin_mills


def deal(offer: Offer, found: Solution, without: Solution, ladder: Ladder) -> Deal | None:
    """Compare the plan with the offer with the plan without it; None if it does not hold."""
    problem = without.problem
    if not found.verdict.checked or found.verdict.unmet_firm_gpus:
        return None
    fee = fee_mills(offer.contract)
    margins = Margins(
        without_mills=without.score.margin_mills,
        without_bound_mills=without.bound_mills,
        with_mills=found.score.margin_mills - fee,
        with_bound_mills=None if found.bound_mills is None else found.bound_mills - fee,
        energy_mills=fee - earnings(found.verdict).get(offer.name, 0),
        least_energy_mills=least_energy_mills(problem, offer),
    )
    units = offer.contract.units
    price = break_even(offer, margins, promised_w(problem, offer, found.plan, units))
    paid = offer if offer.is_priced else at_price(offer, price.accept_mills)
    ground = Ground(problem, without.plan, without.verdict, ladder)
    runs_now = problem.current or without.plan
    return Deal(
        offer=offer,
        solution=found,
        price=price,
        gain_mills=gain_mills(offer, price),
        losses=losses(problem, without.plan, found.plan, (without.verdict, found.verdict)),
        moves=moves(problem, runs_now, found.plan, ground.taken(offer, found.plan)),
        revenue=revenue(joined(problem, (paid,)), found.plan),
    )


def least_energy_mills(problem: Problem, offer: Offer) -> int:
    """Return what the offer's energy costs per hour at least: see term `margin`.

    ``units * min over allowed racks of mean_w * pue * price``, without spares, rounded down; 0 if
    energy has a negative price.
    """
    alone = joined(problem, (offer,))
    job, prices = alone.jobs[offer.name], problem.site.prices
    types = {rack.type for rack in problem.site.racks.values() if alone.allows(job, rack)}
    mean_w = min((alone.mean_w(job, problem.site.rack_types[each]) for each in types), default=0)
    rate = max(0, prices.energy_mills_per_mwh) * prices.pue_permille
    return offer.contract.units * mean_w * rate // (PERMILLE * W_PER_MW)
