"""GPUs of a block in watts, on the power basis of the site."""

from __future__ import annotations

from collections import Counter
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
    """Return the most that `units` can draw: on the hungriest allowed GPUs of the site first."""
    site = problem.site
    left, watts = units * offer.contract.gpus_per_unit, Fraction(0)
    gpus: Counter[str] = Counter()
    for rack in site.racks.values():
        if site.type_of(rack).gpu_type in offer.contract.gpu_types:
            gpus[rack.type] += site.usable_gpus(rack)
    each_w = {
        name: Fraction(site.basis_w(site.rack_types[name]), site.rack_types[name].gpus)
        for name in gpus
    }
    for name in sorted(gpus, key=lambda name: -each_w[name]):
        used = min(left, gpus[name])
        watts += used * each_w[name]
        left -= used
    return round(watts)
