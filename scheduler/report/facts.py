"""Everything that the page shows, gathered from a problem, a plan and what the check says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.check import check
from scheduler.gpu_counts import GpuCount, gpu_counts
from scheduler.inputs import OfferRecord, RunRecord
from scheduler.it_power import fleet_w, planned_w
from scheduler.model import Kind, Plan, Problem
from scheduler.report.cooling import LoopFacts, loops_of
from scheduler.report.differences import Differences, differences_between
from scheduler.report.floor import HallFloor, floor_of
from scheduler.report.fragmentation import Gangs, fragmentation_of
from scheduler.report.money import MoneyFacts, money_of
from scheduler.report.power import NodeFacts, StateFacts, nodes_of, states_of
from scheduler.report.racks import RackFacts, racks_of
from scheduler.report.spread import JobSpread, spreads_of
from scheduler.report.tenants import ContractFacts, TenantFacts, contracts_of, tenants_of
from scheduler.report.tight import LOADS, Tightest, tighter, tightest_of
from scheduler.report.told import Told, told_of
from scheduler.result import gpus_of
from scheduler.stranded import FirmPower, firm_power
from scheduler.topology import Topology

NO_REASON = "no reason is recorded in this folder; `rackwatt explain` finds it"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the folder of a plan says beside the plan. Nothing of it replaces the check."""

    run: RunRecord = field(default_factory=RunRecord)
    reasons: Mapping[str, str] = field(default_factory=dict)
    offer: OfferRecord = field(default_factory=OfferRecord)


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A job that is not placed in full."""

    job: str
    tenant: str
    gpus: int
    missing_gpus: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One plan as facts, by view."""

    problem: Problem
    plan: Plan
    limits_looked_at: int
    violation: int
    num_broken: int
    unmet_firm_gpus: int
    placed_gpus: int
    asked_gpus: int
    it_w: int
    nameplate_w: int
    firm: FirmPower
    worst: Tightest | None
    floor: tuple[HallFloor, ...]
    racks: tuple[RackFacts, ...]
    nodes: tuple[NodeFacts, ...]
    states: tuple[StateFacts, ...]
    loops: tuple[LoopFacts, ...]
    spreads: tuple[JobSpread, ...]
    tenants: tuple[TenantFacts, ...]
    contracts: tuple[ContractFacts, ...]
    money: MoneyFacts
    gangs: tuple[Gangs, ...]
    gpus: tuple[GpuCount, ...]
    told: tuple[Told, ...]
    unplaced: tuple[Unplaced, ...]
    differences: Differences | None
    recorded: Recorded

    @property
    def is_of_this_plan(self) -> bool:
        """Whether the recorded run earned what the check finds: then its bound holds here."""
        recorded = self.recorded.run.margin_usd_per_h
        return recorded is not None and round(recorded * 1000) == self.money.margin_mills


def gather(
    problem: Problem, plan: Plan, recorded: Recorded | None = None, earlier: Plan | None = None
) -> Facts:
    """Check `plan` and return all facts about it.

    Parameters
    ----------
    recorded
        What the plan's folder says beside the plan.
    earlier
        A plan to compare with: what `plan` moves, starts and stops.
    """
    recorded = recorded or Recorded()
    topology, verdict = Topology(problem.site), check(problem, plan)
    findings = verdict.findings
    placed, asked = gpus_of(problem, plan)
    tenants = tenants_of(problem, plan, findings)
    tightest = tightest_of(findings, LOADS)
    return Facts(
        problem=problem,
        plan=plan,
        limits_looked_at=sum(finding.kind is Kind.LIMIT for finding in findings),
        violation=verdict.violation,
        num_broken=len(verdict.broken),
        unmet_firm_gpus=verdict.unmet_firm_gpus,
        placed_gpus=placed,
        asked_gpus=asked,
        it_w=planned_w(problem, plan, problem.peak_w),
        nameplate_w=fleet_w(problem, lambda rack_type: rack_type.nameplate_w),
        firm=firm_power(problem, plan, topology, findings),
        worst=tighter(tightest, tightest),
        floor=floor_of(problem.site),
        racks=racks_of(problem, plan, topology, findings),
        nodes=nodes_of(problem, topology, findings),
        states=states_of(problem, topology, findings),
        loops=loops_of(problem, findings),
        spreads=spreads_of(problem, plan, topology),
        tenants=tenants,
        contracts=contracts_of(problem, plan, findings),
        money=money_of(problem, plan, findings, tenants),
        gangs=fragmentation_of(problem, plan),
        gpus=gpu_counts(problem, plan),
        told=told_of(findings),
        unplaced=_unplaced(problem, plan, recorded.reasons),
        differences=None if earlier is None else differences_between(problem, plan, earlier),
        recorded=recorded,
    )


def _unplaced(problem: Problem, plan: Plan, reasons: Mapping[str, str]) -> tuple[Unplaced, ...]:
    """Return jobs that are not placed in full, those that miss most first."""
    found = []
    for job in problem.jobs.values():
        missing = job.gpus - plan.placed_units(job.name) * job.gpus_per_unit
        if missing > 0:
            reason = reasons.get(job.name, NO_REASON)
            found.append(Unplaced(job.name, job.tenant, job.gpus, missing, reason))
    return tuple(sorted(found, key=lambda each: (-each.missing_gpus, each.job)))
