"""Where a job finds room: free nodes on every rack, and tenants that keep others out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Job, Level, Plan, Problem, Rack, slots_per_unit
from scheduler.model.units import ceil_div
from scheduler.node_packing import HostGroup, host_group
from scheduler.terms.hardware_fit import obstacle
from scheduler.terms.isolation import tenants_in_domains


@dataclass(frozen=True, slots=True)
class Spot:
    """A rack as one job sees it."""

    rack: Rack
    units: int  # units of the job for which nodes are free
    most: int  # units that the empty rack would hold
    keeper: str  # who keeps the job out, in words; empty if nobody does


@dataclass(frozen=True, slots=True)
class Domain:
    """Racks among which one job may lie: a domain of its required level, of one GPU type."""

    name: str
    spots: tuple[Spot, ...]

    @property
    def open_units(self) -> int:
        """Units for which nodes are free that nobody keeps closed."""
        return sum(spot.units for spot in self.spots if not spot.keeper)

    @property
    def free_units(self) -> int:
        """Units for which nodes are free, kept closed or not."""
        return sum(spot.units for spot in self.spots)

    @property
    def most_units(self) -> int:
        """Units that the domain holds when it is empty."""
        return sum(spot.most for spot in self.spots)

    def closed(self) -> Mapping[str, int]:
        """Free units behind every keeper, most first."""
        found: dict[str, int] = {}
        for spot in self.spots:
            if spot.keeper and spot.units:
                found[spot.keeper] = found.get(spot.keeper, 0) + spot.units
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Room:
    """The room that a plan leaves. Jobs with equal needs are looked up once."""

    problem: Problem
    plan: Plan

    def domains(self, job: Job) -> tuple[Domain, ...]:
        """Return every domain that `job` may choose among, the roomiest first."""
        level = job.required or Level.SITE
        one_type = self.problem.profile_of(job).synchronous
        groups: dict[tuple[str, str], list[Spot]] = {}
        for spot in self.spots(job):
            name = self.problem.site.domain_of(spot.rack, level)
            gpu_type = self.problem.site.type_of(spot.rack).gpu_type if one_type else ""
            if name is not None:
                groups.setdefault((name, gpu_type), []).append(spot)
        made = [Domain(name, tuple(spots)) for (name, _), spots in groups.items()]
        return tuple(sorted(made, key=lambda each: (-each.open_units, -each.free_units)))

    def spots(self, job: Job) -> tuple[Spot, ...]:
        """Return every rack whose hardware suits `job`."""
        inside = self.problem.is_inside_contract(job)
        group = host_group(self.problem, job)
        needs = (job.tenant, inside, group, job.gpus_per_unit, job.gpu_types, job.within)
        key = (*needs, job.required is Level.NVLINK)
        if key not in self._known:
            self._known[key] = tuple(
                self._spot(job, rack, group, inside)
                for rack in self.problem.site.racks.values()
                if self.problem.allows(job, rack)
            )
        return self._known[key]

    def obstacles(self, job: Job) -> Mapping[str, int]:
        """Return what makes racks unsuitable for `job`, and how many racks each, most first."""
        found: dict[str, int] = {}
        for rack in self.problem.site.racks.values():
            reason = obstacle(self.problem, job, rack)
            if reason:
                found[reason] = found.get(reason, 0) + 1
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _spot(self, job: Job, rack: Rack, group: HostGroup | None, inside: bool) -> Spot:
        rack_type = self.problem.site.type_of(rack)
        size, unit = rack_type.gpus_per_node, slots_per_unit(job, rack_type)
        held, within, outside = self._use.get(rack.name, ({}, {}, {}))
        if inside:
            free = held.get(job.tenant, 0) - within.get(job.tenant, 0)
            return Spot(rack, max(0, free) // unit, held.get(job.tenant, 0) // unit, "")
        others = sum(ceil_div(slots, size) for each, slots in outside.items() if each != group)
        usable = self.problem.site.usable_nodes(rack)
        free = (usable - others) * size - (outside.get(group, 0) if group else 0)
        return Spot(rack, max(0, free) // unit, usable * size // unit, self._keeper(job, rack))

    def holders(self, racks: Iterable[str]) -> Mapping[str, int]:
        """Return GPU slots on `racks` by the job that takes them, most first."""
        site, found = self.problem.site, dict[str, int]()
        for rack in racks:
            rack_type = site.type_of(site.racks[rack])
            for name, units in self.plan.by_rack.get(rack, {}).items():
                job = self.problem.jobs[name]
                if not self.problem.is_inside_contract(job):
                    found[name] = found.get(name, 0) + units * slots_per_unit(job, rack_type)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def _known(self) -> dict[object, tuple[Spot, ...]]:
        return {}

    @cached_property
    def _known_keepers(self) -> dict[tuple[str, str, str], str]:
        return {}

    @cached_property
    def _use(self) -> dict[str, tuple[dict[str, int], dict[str, int], dict[HostGroup, int]]]:
        """Slots on every rack: reserved by tenant, used inside contracts, taken by host group."""
        use: dict[str, tuple[dict[str, int], dict[str, int], dict[HostGroup, int]]] = {}
        for name, rack_name, units in self.plan.shards():
            job = self.problem.jobs[name]
            rack_type = self.problem.site.type_of(self.problem.site.racks[rack_name])
            slots = units * slots_per_unit(job, rack_type)
            held, within, outside = use.setdefault(rack_name, ({}, {}, {}))
            group = host_group(self.problem, job)
            if group is None:
                within[job.tenant] = within.get(job.tenant, 0) + slots
            else:
                outside[group] = outside.get(group, 0) + slots
            if job.contract is not None:
                held[job.tenant] = held.get(job.tenant, 0) + slots
        return use

    def _keeper(self, job: Job, rack: Rack) -> str:
        """Return whose isolation or conflict keeps `job` off `rack`."""
        for level in self._levels:
            domain = self.problem.site.domain_of(rack, level)
            if domain is None:
                continue
            key = (job.tenant, level, domain)
            if key not in self._known_keepers:
                self._known_keepers[key] = self._keeper_of(*key)
            if self._known_keepers[key]:
                return self._known_keepers[key]
        return ""

    def _keeper_of(self, tenant: str, level: str, domain: str) -> str:
        """Return whose isolation or conflict keeps `tenant` out of a domain."""
        for other in self._present[level].get(domain, ()):
            if other != tenant:
                reason = self._apart(tenant, other, level, f"{level} {domain}")
                if reason:
                    return reason
        return ""

    def _apart(self, tenant: str, other: str, level: str, domain: str) -> str:
        if level in self._claims[other]:
            isolation = self.problem.workload.tenants[other].isolation
            return f"{domain} is held by {other} ({isolation} isolation)"
        if level in self._claims[tenant]:
            isolation = self.problem.workload.tenants[tenant].isolation
            return f"{tenant} needs {domain} alone ({isolation} isolation) and {other} is there"
        if (tenant, other, level) in self._conflicts:
            return f"{other} is in {domain} and in conflict with {tenant}"
        return ""

    @cached_property
    def _claims(self) -> Mapping[str, tuple[str, ...]]:
        """Kinds of domain that every tenant has alone."""
        ladder = self.problem.site.isolation_ladder
        tenants = self.problem.workload.tenants
        return {name: tuple(ladder.get(each.isolation, ())) for name, each in tenants.items()}

    @cached_property
    def _conflicts(self) -> frozenset[tuple[str, str, str]]:
        found: set[tuple[str, str, str]] = set()
        for name, tenant in self.problem.workload.tenants.items():
            for conflict in tenant.conflicts:
                found.add((name, conflict.tenant, str(conflict.level)))
                found.add((conflict.tenant, name, str(conflict.level)))
        return frozenset(found)

    @cached_property
    def _levels(self) -> tuple[str, ...]:
        """Every kind of domain that anyone claims or quarrels about."""
        claimed = [str(kind) for kinds in self._claims.values() for kind in kinds]
        return tuple(dict.fromkeys([*claimed, *sorted(level for _, _, level in self._conflicts)]))

    @cached_property
    def _present(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Tenants in every domain of those kinds."""
        return {
            level: {
                domain: tuple(tenants)
                for domain, tenants in tenants_in_domains(self.problem, self.plan, level).items()
            }
            for level in self._levels
        }
