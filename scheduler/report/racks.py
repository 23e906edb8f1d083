"""What every rack holds, draws and breathes, who has it alone, and how much room is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Finding, Level, Plan, Problem, Rack, slots_per_unit
from scheduler.model.levels import RACK_DOMAIN_LEVELS
from scheduler.model.units import NANO_PER_MILLI, ceil_div
from scheduler.report.tight import LOADS, Tightest, tighter, tightest_of
from scheduler.topology import Topology


@dataclass(frozen=True, slots=True)
class Held:
    """What one job holds on one rack."""

    job: str
    units: int
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RackFacts:
    """One rack under a plan."""

    name: str
    held: tuple[Held, ...]  # most GPUs first
    tenants: tuple[str, ...]  # most GPUs first
    gpus: int  # taken; jobs inside a contract run on what the contract takes
    slots: int  # GPU slots that are taken: a unit may need more than its GPUs
    usable_gpus: int
    peak_w: int  # as planned
    full_w: int  # if every GPU drew its peak
    tightest: Tightest | None  # among its feeds, the nodes above them, its loop and its inlet
    inlet_mc: int
    alone_level: str  # largest domain around the rack that one tenant has alone; "" for none
    alone_tenant: str

    @property
    def used_permille(self) -> int:
        """Thousandths of the usable GPUs that are taken, rounded down."""
        return self.gpus * 1000 // self.usable_gpus if self.usable_gpus else 0


def racks_of(
    problem: Problem, plan: Plan, topology: Topology, findings: Iterable[Finding]
) -> tuple[RackFacts, ...]:
    """Return the facts of every rack, in order of the site."""
    looked = _Looked(problem, plan, topology, tuple(findings))
    return tuple(looked.at(rack) for rack in problem.site.racks.values())


@dataclass(frozen=True)
class _Looked:
    """What is looked up once for all racks."""

    problem: Problem
    plan: Plan
    topology: Topology
    findings: tuple[Finding, ...]

    def at(self, rack: Rack) -> RackFacts:
        problem, site = self.problem, self.problem.site
        rack_type = site.type_of(rack)
        units = self.plan.by_rack.get(rack.name, {})
        held = [Held(job, n, n * problem.jobs[job].gpus_per_unit) for job, n in units.items()]
        held.sort(key=lambda each: (-each.gpus, each.job))
        outer = [each for each in held if not problem.is_inside_contract(problem.jobs[each.job])]
        drawn = sum(n * problem.peak_w(problem.jobs[job], rack_type) for job, n in units.items())
        slots = sum(
            each.units * slots_per_unit(problem.jobs[each.job], rack_type) for each in outer
        )
        level, tenant = self._alone(rack)
        return RackFacts(
            name=rack.name,
            held=tuple(held),
            tenants=tuple(dict.fromkeys(problem.jobs[each.job].tenant for each in held)),
            gpus=sum(each.gpus for each in outer),
            slots=slots,
            usable_gpus=site.usable_gpus(rack),
            peak_w=problem.idle_w(rack) + drawn,
            full_w=site.basis_w(rack_type),
            tightest=tighter(self._tightest, self._leans_on(rack)),
            inlet_mc=self._inlet_mc(rack),
            alone_level=level,
            alone_tenant=tenant,
        )

    @cached_property
    def _tightest(self) -> Mapping[str, Tightest]:
        return tightest_of(self.findings, LOADS)

    @cached_property
    def _above(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """Power nodes above every set of feeds, grid feeds left out: all racks lean on those."""
        roots = set(self.topology.roots)
        return {
            feeds: tuple(sorted(self.topology.above(feeds) - roots) or feeds)
            for feeds in self.topology.consumers_on
        }

    def _leans_on(self, rack: Rack) -> tuple[str, ...]:
        loop = (rack.loop,) if rack.loop is not None else ()
        return (*self._above.get(rack.feeds, ()), *loop, rack.name)

    @cached_property
    def _rise_nk(self) -> Mapping[str, int]:
        return {f.subject: f.amount for f in self.findings if f.term == "inlet_temperature"}

    def _inlet_mc(self, rack: Rack) -> int:
        """Return the supply air, warmed by what comes back, in mC; rounded up."""
        supply = self.problem.site.halls[rack.hall].supply_mc
        return supply + ceil_div(self._rise_nk.get(rack.name, 0), NANO_PER_MILLI)

    @cached_property
    def _owners(self) -> Mapping[tuple[str, str], str]:
        """The tenant that has a domain alone, by kind and name of the domain."""
        site, owners = self.problem.site, dict[tuple[str, str], str]()
        for name, rack, _ in self.plan.shards():
            tenant = self.problem.tenant_of(self.problem.jobs[name])
            for kind in site.isolation_ladder.get(tenant.isolation, ()):
                domain = site.domain_of(site.racks[rack], kind)
                if domain is not None:
                    owners[kind, domain] = tenant.name
        return owners

    def _alone(self, rack: Rack) -> tuple[str, str]:
        """Return the largest domain around the rack that a tenant has alone, and the tenant."""
        for level in reversed(RACK_DOMAIN_LEVELS):
            domain = self.problem.site.domain_of(rack, level)
            owner = self._owners.get((level.value, domain)) if domain is not None else None
            if owner is not None:
                return Level(level).value, owner
        return "", ""
