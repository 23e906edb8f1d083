"""GPUs of a block in watts, on the power basis of the site."""

from __future__ import annotations

from fractions import Fraction

from scheduler.model import Offer, Plan, Problem


def promised_w(problem: Problem, offer: Offer, plan: Plan, units: int) -> int:
    """Return the power of `units` on the racks that the plan gives the offer, idle included.

    ``promised / held * sum over racks of units * gpus_per_unit * basis_w / GPUs of the rack``.
    """
    racks = plan.units.get(offer.name, {})
    held = sum(racks.values())
    if not held:
        return 0
    site = problem.site
    watts = Fraction(0)
    for rack, count in racks.items():
        rack_type = site.type_of(site.racks[rack])
        gpus = count * offer.contract.gpus_per_unit
        watts += Fraction(gpus * site.basis_w(rack_type), rack_type.gpus)
    return round(watts * units / held)


def most_w(problem: Problem, offer: Offer, units: int) -> int:
    """Return the most that `units` can draw: all on the allowed type that draws most."""
    site = problem.site
    gpus = units * offer.contract.gpus_per_unit
    draws = (
        Fraction(gpus * site.basis_w(each), each.gpus)
        for each in site.rack_types.values()
        if each.gpu_type in offer.contract.gpu_types
    )
    return round(max(draws, default=Fraction(0)))
