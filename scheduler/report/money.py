"""What the plan earns per hour, from whom, and how much hangs on few of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scheduler.it_power import planned_w
from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.model.units import ceil_div
from scheduler.report.tenants import TenantFacts

_WHOLE = 1_000 * 1_000_000  # permille of the PUE, watts in a megawatt


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyFacts:
    """Sums per hour, in mills."""

    margin_mills: int
    by_term: tuple[tuple[str, int], ...]
    idle_mills: int  # what no job stands behind: energy of idle racks and base loads; negative
    mean_it_w: int  # idle power, base loads and the mean of every placed job
    energy_mills: int  # of that at the meter
    energy_mills_per_mwh: int
    pue_permille: int
    gpu_price_mills: int  # value of all placed GPUs per GPU and hour, rounded down
    top_tenant: str
    top_permille: int  # its part of what all tenants earn
    hhi: int  # Herfindahl index of those parts: 10,000 if one tenant earns everything


def money_of(
    problem: Problem, plan: Plan, findings: Iterable[Finding], tenants: Sequence[TenantFacts]
) -> MoneyFacts:
    """Return what `plan` earns and spends per hour.

    Energy is ``mean IT power * PUE * price``, rounded up. Concentration is that of what tenants
    earn less their own energy, ``HHI = 10,000 * sum of share^2``, over tenants that earn anything.
    """
    money = [finding for finding in findings if finding.kind is Kind.MONEY]
    by_term: dict[str, int] = {}
    for finding in money:
        by_term[finding.term] = by_term.get(finding.term, 0) + finding.amount
    prices = problem.site.prices
    mean_w = planned_w(problem, plan, problem.mean_w)
    earning = {each.name: each.margin_mills for each in tenants if each.margin_mills > 0}
    total = sum(earning.values())
    top = max(earning, key=lambda name: earning[name], default="")
    squares = sum((Fraction(mills, total) ** 2 for mills in earning.values()), Fraction(0))
    value_mills, gpus = _value(problem, plan)
    return MoneyFacts(
        margin_mills=sum(finding.amount for finding in money),
        by_term=tuple(by_term.items()),
        idle_mills=sum(finding.amount for finding in money if not finding.jobs),
        mean_it_w=mean_w,
        energy_mills=ceil_div(mean_w * prices.pue_permille * prices.energy_mills_per_mwh, _WHOLE),
        energy_mills_per_mwh=prices.energy_mills_per_mwh,
        pue_permille=prices.pue_permille,
        gpu_price_mills=value_mills // gpus if gpus else 0,
        top_tenant=top,
        top_permille=earning[top] * 1000 // total if top else 0,
        hhi=int(squares * 10_000),
    )


def _value(problem: Problem, plan: Plan) -> tuple[int, int]:
    """Return the value of all placed GPUs that are asked for, per hour, and how many they are."""
    value = gpus = 0
    for job in problem.jobs.values():
        if not problem.is_inside_contract(job):
            placed = min(job.gpus, plan.placed_units(job.name) * job.gpus_per_unit)
            value, gpus = value + placed * job.value_mills_per_gpu_h, gpus + placed
    return value, gpus
