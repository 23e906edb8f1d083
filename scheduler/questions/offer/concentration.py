"""Whose money it is: shares of the contracted revenue, and how firmly it is committed."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model import Contract, Plan, Problem

HHI_SCALE = 10_000


@dataclass(frozen=True)
class Revenue:
    """Contracted revenue in mills per hour, of the contracts that a plan places.

    ``HHI = 10,000 * sum over tenants of share^2``: 10,000 for a single tenant, 2,500 for four
    equal ones. Take-or-pay revenue is paid in any case; of cancellable revenue only the notice
    period is sure, however long the term; the rest has neither.
    """

    total_mills: int
    top_tenant: str
    top_mills: int
    hhi: float
    take_or_pay_mills: int
    cancellable_mills: int
    shortest_notice_days: int | None  # of the cancellable part

    @property
    def top_share(self) -> float:
        """The largest tenant's share, 0..1."""
        return self.top_mills / self.total_mills if self.total_mills else 0.0

    @property
    def other_mills(self) -> int:
        """Revenue for a term without notice, or of which the file says nothing."""
        return self.total_mills - self.take_or_pay_mills - self.cancellable_mills


def revenue(problem: Problem, plan: Plan) -> Revenue:
    """Return the revenue of the contracts that `plan` places, at their full promise."""
    served = [
        contract
        for contract in problem.workload.contracts.values()
        if plan.placed_units(contract.name)
    ]
    by_tenant: dict[str, int] = {}
    for contract in served:
        by_tenant[contract.tenant] = by_tenant.get(contract.tenant, 0) + fee_mills(contract)
    total = sum(by_tenant.values())
    top = max(by_tenant, key=lambda tenant: (by_tenant[tenant], tenant), default="")
    ended = [each for each in served if not each.take_or_pay and each.notice_days is not None]
    squares = sum(mills * mills for mills in by_tenant.values())
    return Revenue(
        total_mills=total,
        top_tenant=top,
        top_mills=by_tenant.get(top, 0),
        hhi=HHI_SCALE * squares / (total * total) if total else 0.0,
        take_or_pay_mills=sum(fee_mills(each) for each in served if each.take_or_pay),
        cancellable_mills=sum(map(fee_mills, ended)),
        shortest_notice_days=min((each.notice_days or 0 for each in ended), default=None),
    )


def fee_mills(contract: Contract) -> int:
    """Return the fee of a contract per hour."""
    return contract.units * contract.gpus_per_unit * contract.price_mills_per_gpu_h
