"""Problems made from a problem and offers: with them, and with firm contracts alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from scheduler.model import Level, Offer, Plan, Problem, slots_per_unit


def joined(problem: Problem, offers: Iterable[Offer]) -> Problem:
    """Return the problem with the tenants and contracts of the offers added.

    Firm contracts come first, so that a start that is laid out in this order meets them.
    """
    offers = tuple(offers)
    workload = problem.workload
    tenants = {**workload.tenants, **{each.name: each.tenant for each in offers}}
    all_of_them = [*workload.contracts.values(), *(each.contract for each in offers)]
    all_of_them.sort(key=lambda contract: not contract.firm)
    contracts = {each.name: each for each in all_of_them}
    return replace(problem, workload=replace(workload, tenants=tenants, contracts=contracts))


def obligations(problem: Problem) -> Problem:
    """Return the problem with firm contracts alone: all else may be displaced, moves are free."""
    workload = problem.workload
    firm = {name: each for name, each in workload.contracts.items() if each.firm}
    return Problem(problem.site, replace(workload, contracts=firm, jobs={}))


def resized(offer: Offer, units: int) -> Offer:
    """Return the offer with another number of promised units."""
    return replace(offer, contract=replace(offer.contract, units=units))


def at_terms(
    offer: Offer, isolation: Level, survives: tuple[str, ...], spare_permille: int
) -> Offer:
    """Return the offer with another isolation level and another SLA."""
    sla = replace(offer.contract.sla, survives=survives, spare_permille=spare_permille)
    return replace(
        offer,
        tenant=replace(offer.tenant, isolation=isolation),
        contract=replace(offer.contract, sla=sla),
    )


def at_price(offer: Offer, price_mills_per_gpu_h: int) -> Offer:
    """Return the offer at another price."""
    contract = replace(offer.contract, price_mills_per_gpu_h=price_mills_per_gpu_h)
    return replace(offer, contract=contract)


def as_firm(offer: Offer, *, firm: bool) -> Offer:
    """Return the offer as a firm contract, or as one that is taken only if it pays."""
    return replace(offer, contract=replace(offer.contract, firm=firm))


def only(plan: Plan, names: Iterable[str]) -> Plan:
    """Return the part of a plan that places the named jobs."""
    kept = set(names)
    return Plan({name: racks for name, racks in plan.units.items() if name in kept})


def units_on(problem: Problem, offer: Offer) -> dict[str, int]:
    """Return the units that each rack could take of the offer if it were empty."""
    alone = joined(problem, (offer,))
    job, site = alone.jobs[offer.name], problem.site
    return {
        rack.name: site.usable_gpus(rack) // slots_per_unit(job, site.type_of(rack))
        for rack in site.racks.values()
        if alone.allows(job, rack)
    }
