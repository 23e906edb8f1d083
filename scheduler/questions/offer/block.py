"""The largest block that fits at given terms: a checked plan below, a proven bound above.

The offer becomes an elastic reservation on a site where nothing else has a price: its units are
worth the same each, firm contracts come before it, energy and moves are free. So the margin of
a plan is the size of the block, and the bound of the margin is a bound of every block.

Spare units are held back from what is placed: with `s` thousandths of spares a block of `b`
units takes ``b + ceil(b * s / 1000)``. So the program is solved without spares, and the largest
`b` of which both fit is the block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from scheduler.check import check
from scheduler.model import Level, Offer, Plan, Problem
from scheduler.model.levels import RACK_DOMAIN_LEVELS
from scheduler.model.units import PERMILLE
from scheduler.questions.offer.joined import joined, obligations, resized, units_on
from scheduler.questions.offer.solving import Solver
from scheduler.questions.offer.terms import Terms
from scheduler.solve import Progress, Solution

VALUE_MILLS = 1000  # of a GPU of the block; any number serves
REPAIRS = 3  # times that a block is planned again where its first plan does not hold


@dataclass(frozen=True)
class Block:
    """The largest block found at some terms, and the most that any can be."""

    terms: Terms
    units: int  # promised
    bound_units: int
    plan: Plan  # of firm contracts and the block; jobs are displaced
    bound_by: str  # what proved the bound

    @property
    def is_proven(self) -> bool:
        """Whether no larger block fits."""
        return self.units >= self.bound_units


@dataclass(frozen=True)
class Most:
    """What the elastic reservation reached: units that count before spares are held back."""

    units: int
    bound_units: int
    plan: Plan
    bound_by: str
    name: str = ""  # of the offer in the plan

    def named(self, name: str) -> Most:
        """Return the same for an offer that differs in its name."""
        units = {name if job == self.name else job: racks for job, racks in self.plan.units.items()}
        return replace(self, plan=Plan(units), name=name)


def elastic(problem: Problem, offer: Offer) -> Problem:
    """Return the problem whose margin is the size of the block."""
    most = max(1, sum(units_on(problem, offer).values()))
    sla = replace(offer.contract.sla, spare_permille=0)
    block = replace(
        offer.contract,
        units=most,
        sla=sla,
        firm=False,
        elastic=True,
        price_mills_per_gpu_h=VALUE_MILLS,
    )
    owed = joined(obligations(problem), (replace(offer, contract=block),))
    contracts = {
        name: each if name == offer.name else replace(each, price_mills_per_gpu_h=0)
        for name, each in owed.workload.contracts.items()
    }
    site = problem.site
    free = replace(site.prices, energy_mills_per_mwh=0, move_mills_per_gpu=0)
    return Problem(replace(site, prices=free), replace(owed.workload, contracts=contracts))


def most_units(
    problem: Problem,
    offer: Offer,
    solver: Solver,
    time_limit_s: float,
    *,
    start: Plan,
    known: Most | None = None,
) -> Most:
    """Solve for the most units that count at the offer's isolation and survival.

    Parameters
    ----------
    start
        A plan that meets every firm contract.
    known
        At looser terms: its bound holds here.
    """
    wanted = elastic(problem, offer)
    unit_mills = VALUE_MILLS * offer.contract.gpus_per_unit
    solution = solver.solve(
        wanted,
        time_limit_s,
        start=start,
        known_bound_mills=None if known is None else known.bound_units * unit_mills,
        known_bound_by="" if known is None else known.bound_by,
        is_enough=_proves(unit_mills),
    )
    return _most(solution, unit_mills, offer.name)


def _proves(unit_mills: int) -> Callable[[Progress], bool]:
    def is_enough(progress: Progress) -> bool:
        return (
            progress.unmet_firm_gpus == 0
            and progress.violation == 0
            and progress.bound_mills is not None
            and progress.bound_mills // unit_mills <= progress.margin_mills // unit_mills
        )

    return is_enough


def _most(solution: Solution, unit_mills: int, name: str) -> Most:
    """Read the block from the margin; nothing of a plan that leaves firm contracts unmet."""
    holds = solution.verdict.checked and solution.verdict.unmet_firm_gpus == 0
    bound = solution.bound_mills
    most = max(1, max(job.units for job in solution.problem.jobs.values()))
    return Most(
        units=solution.score.margin_mills // unit_mills if holds else 0,
        bound_units=most if bound is None else max(0, bound // unit_mills),
        plan=solution.plan if holds else Plan({}),
        bound_by=solution.bound_by or "size",
        name=name,
    )


def promised(counted_units: int, spare_permille: int) -> int:
    """Return the largest promise that leaves room for its spares: see the module's formula.

    ``b + ceil(b * s / 1000) <= u`` is ``b * (1000 + s) <= 1000 * u``, for whole `b` and `u`.
    """
    return counted_units * PERMILLE // (PERMILLE + spare_permille)


def as_block(
    problem: Problem, offer: Offer, most: Most, owed: Plan, solver: Solver, time_limit_s: float
) -> Block:
    """Return the block that `most` units leave room for, its plan checked as a firm contract.

    A block of nothing has the plan `owed`, of firm contracts alone.
    """
    terms = Terms.of(offer)
    bound = promised(most.bound_units, terms.spare_permille)
    units, plan = promised(most.units, terms.spare_permille), most.plan
    for _ in range(REPAIRS):
        if units == 0:
            break
        wanted = joined(obligations(problem), (resized(offer, units),))
        plan = trimmed(wanted, plan, offer.name)
        verdict = check(wanted, plan)
        if verdict.checked and verdict.unmet_firm_gpus == 0:
            return Block(terms, units, bound, plan, most.bound_by)
        repaired = solver.solve(wanted, time_limit_s / REPAIRS, start=plan)
        plan, missing = repaired.plan, repaired.score.unmet_firm_gpus
        units -= -(-missing // offer.contract.gpus_per_unit)
    return Block(terms, 0, bound, owed, most.bound_by)


def trimmed(problem: Problem, plan: Plan, name: str) -> Plan:
    """Return the plan without units of `name` beyond those that it may hold.

    They go from where they lie thickest, by the widest domain whose loss is to be survived: that
    is the loss that counts.
    """
    job, site = problem.jobs[name], problem.site
    survived = set(job.sla.survives if job.sla else ())
    level = next((each for each in reversed(RACK_DOMAIN_LEVELS) if each in survived), Level.RACK)
    racks = dict(plan.units.get(name, {}))
    domain_of = {rack: site.domain_of(site.racks[rack], level) for rack in racks}
    held: Counter[str | None] = Counter()
    for rack, units in racks.items():
        held[domain_of[rack]] += units
    for _ in range(sum(racks.values()) - job.units):
        thickest = max(racks, key=lambda rack: (held[domain_of[rack]], racks[rack]))
        racks[thickest] -= 1
        held[domain_of[thickest]] -= 1
        if racks[thickest] == 0:
            del racks[thickest]
    return Plan({**plan.units, name: racks}) if name in plan.units else plan
