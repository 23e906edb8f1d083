"""Tenants and contracts under a plan: what they got, whether they are apart, what they are owed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.model import Contract, Finding, Job, Kind, Plan, Problem
from scheduler.words import places

APART = ("isolation", "conflicts", "rack_capacity")  # rules that keep tenants apart


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFacts:
    """One tenant that asks for something."""

    name: str
    external: bool
    isolation: str
    asked_gpus: int
    placed_gpus: int
    racks: int
    where: str
    alone: int  # domains of its level that it has to itself
    broken: tuple[str, ...]  # rules that keep tenants apart and that its jobs break
    margin_mills: int  # what its jobs earn less what they cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFacts:
    """One contract and its promise."""

    name: str
    tenant: str
    firm: bool
    promised_gpus: int
    counted_gpus: int | None  # towards the promise, after the worst loss; None if not firm
    held_gpus: int
    price_mills_per_gpu_h: int
    notice_days: int | None
    survives: tuple[str, ...]
    worst_loss_gpus: int
    worst_loss: str  # component whose loss takes most of it; empty if none was looked for

    @property
    def verdict(self) -> str:
        """What became of the promise, in words."""
        if self.counted_gpus is None:
            return "placed" if self.held_gpus >= self.promised_gpus else "not placed"
        missing = self.promised_gpus - self.counted_gpus
        return "kept" if missing <= 0 else f"{missing:,} GPUs short"


def tenants_of(
    problem: Problem, plan: Plan, findings: Iterable[Finding]
) -> tuple[TenantFacts, ...]:
    """Return every tenant with work, in file order."""
    findings = tuple(findings)
    jobs: dict[str, list[Job]] = {}
    for job in problem.jobs.values():
        jobs.setdefault(job.tenant, []).append(job)
    broken: dict[str, set[str]] = {}
    margin: dict[str, int] = {}
    for finding in findings:
        owners = {problem.jobs[job].tenant for job in finding.jobs if job in problem.jobs}
        if finding.violation and finding.term in APART and len(owners) > 1:
            for owner in owners:
                broken.setdefault(owner, set()).add(finding.term)
        if finding.kind is Kind.MONEY and len(owners) == 1:
            (owner,) = owners
            margin[owner] = margin.get(owner, 0) + finding.amount
    return tuple(
        _tenant(problem, plan, name, jobs[name], broken.get(name, set()), margin.get(name, 0))
        for name in problem.workload.tenants
        if name in jobs
    )


def _tenant(
    problem: Problem,
    plan: Plan,
    name: str,
    jobs: Iterable[Job],
    broken: Iterable[str],
    margin_mills: int,
) -> TenantFacts:
    site, tenant = problem.site, problem.workload.tenants[name]
    outer = [job for job in jobs if not problem.is_inside_contract(job)]
    racks = dict.fromkeys(rack for job in jobs for rack in plan.units.get(job.name, ()))
    kinds = site.isolation_ladder.get(tenant.isolation, ())
    alone = {(kind, site.domain_of(site.racks[rack], kind)) for rack in racks for kind in kinds}
    placed = (min(job.gpus, plan.placed_units(job.name) * job.gpus_per_unit) for job in outer)
    return TenantFacts(
        name=name,
        external=tenant.external,
        isolation=tenant.isolation.value,
        asked_gpus=sum(job.gpus for job in outer),
        placed_gpus=sum(placed),
        racks=len(racks),
        where=places(site, racks, 4) if racks else "",
        alone=len(alone),
        broken=tuple(sorted(broken)),
        margin_mills=margin_mills,
    )


def contracts_of(
    problem: Problem, plan: Plan, findings: Iterable[Finding]
) -> tuple[ContractFacts, ...]:
    """Return every contract, in file order."""
    counted: dict[str, int] = {}
    lost: dict[str, Finding] = {}
    for finding in findings:
        if finding.kind is Kind.OBLIGATION:
            counted[finding.subject] = finding.amount
        if finding.term == "sla_survival":
            known = lost.get(finding.subject)
            if known is None or finding.amount > known.amount:
                lost[finding.subject] = finding
    return tuple(
        _contract(plan, contract, counted.get(name), lost.get(name))
        for name, contract in problem.workload.contracts.items()
    )


def _contract(
    plan: Plan, contract: Contract, counted: int | None, lost: Finding | None
) -> ContractFacts:
    per_unit = contract.gpus_per_unit
    return ContractFacts(
        name=contract.name,
        tenant=contract.tenant,
        firm=contract.firm,
        promised_gpus=contract.units * per_unit,
        counted_gpus=counted,
        held_gpus=plan.placed_units(contract.name) * per_unit,
        price_mills_per_gpu_h=contract.price_mills_per_gpu_h,
        notice_days=contract.notice_days,
        survives=contract.sla.survives,
        worst_loss_gpus=lost.amount * per_unit if lost else 0,
        worst_loss=lost.state.removeprefix("loss of ") if lost else "",
    )
