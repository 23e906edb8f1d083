"""Checks of a whole workload: references, sizes that can fit, names that are unique."""

from __future__ import annotations

from collections.abc import Collection

from scheduler.inputs.fields import MOST_UNITS
from scheduler.inputs.mistakes import Loc, Mistakes, Place, Plain
from scheduler.inputs.salvage import Gaps
from scheduler.inputs.site_checks import distinct, known
from scheduler.model import Contract, Job, Level, RackType, Site, Tenant, Workload
from scheduler.model.levels import ISOLATION_LEVELS

MOST_GPUS = 100_000_000


def validate_workload(
    workload: Workload,
    site: Site | None,
    mistakes: Mistakes,
    place: Place,
    gaps: Gaps | None = None,
) -> None:
    """Add every mistake of a workload; without a site, what depends on it is left out.

    `place` finds ``("jobs", name, field)``. References to records in `gaps`, whose own mistakes
    are known already, are none.
    """
    gaps = gaps or Gaps()
    ground = _Ground(site) if site else None
    tenants = gaps.among("tenants", workload.tenants)
    profiles = gaps.among("profiles", workload.profiles)
    for tenant in workload.tenants.values():
        _check_tenant(tenant, tenants, mistakes, place)
        if site:
            loc: Loc = ("tenants", tenant.name, "isolation")
            known([tenant.isolation], _kept_levels(site), mistakes, place, loc)
    for profile in workload.profiles.values():
        if profile.mean_permille > profile.peak_permille:
            loc = ("profiles", profile.name, "mean_permille")
            expected = f"<= {profile.peak_permille}, the peak"
            mistakes.add(place, loc, expected, profile.mean_permille)
    for contract in workload.contracts.values():
        loc = ("contracts", contract.name)
        _check_work(contract, tenants, profiles, mistakes, place, loc)
        if site:
            _check_survives(contract, site, mistakes, place, loc)
        if ground:
            ground.check(contract, contract.required, mistakes, place, loc)
    for job in workload.jobs.values():
        loc = ("jobs", job.name)
        _check_work(job, tenants, profiles, mistakes, place, loc)
        _check_job(job, workload, mistakes, place, loc)
        if ground:
            ground.check(job, job.required, mistakes, place, loc)


def _check_tenant(
    tenant: Tenant, tenants: Collection[str], mistakes: Mistakes, place: Place
) -> None:
    loc = ("tenants", tenant.name, "conflicts")
    others = [conflict.tenant for conflict in tenant.conflicts]
    known(others, tenants, mistakes, place, loc)
    distinct(others, mistakes, place, loc)
    if tenant.name in others:
        mistakes.add(place, loc, "other tenants", tenant.name)


def _kept_levels(site: Site) -> tuple[Level, ...]:
    """Return the isolation levels that hold on the site: up to a host, or on its ladder."""
    return tuple(
        level
        for level in ISOLATION_LEVELS
        if level.rank <= Level.HOST.rank or level in site.isolation_ladder
    )


def _check_survives(
    contract: Contract, site: Site, mistakes: Mistakes, place: Place, loc: Loc
) -> None:
    """Check what an SLA survives.

    The survivors of a lost component must not be overloaded, so that each loss is a failure state
    of the site. Work that is shed in such a state is not there after the loss.
    """
    components = {"cdu": set(site.loops)}
    for node in site.power_nodes.values():
        components.setdefault(node.kind, set()).add(node.name)
    levels = (Level.RACK, Level.ARRAY, Level.POD, Level.HALL)
    where = (*loc, "sla", "survives")
    if not known(contract.sla.survives, sorted({*components, *levels}), mistakes, place, where):
        return
    planned = {state.failed[0] for state in site.failure_states if len(state.failed) == 1}
    for kind in contract.sla.survives:
        if kind in components and not components[kind] <= planned:
            expected = "losses that the site plans for"
            hint = f"add {kind} to the failure states of the site"
            mistakes.add(place, where, expected, kind, hint)
        if kind in components and contract.power_action == "shed":
            expected = f"firm or cap, because its SLA survives {kind}"
            mistakes.add(place, (*loc, "power_action"), expected, contract.power_action)


def _check_work(
    work: Contract | Job,
    tenants: Collection[str],
    profiles: Collection[str],
    mistakes: Mistakes,
    place: Place,
    loc: Loc,
) -> None:
    known([work.tenant], tenants, mistakes, place, (*loc, "tenant"))
    known([work.profile], profiles, mistakes, place, (*loc, "power"))
    distinct(work.gpu_types, mistakes, place, (*loc, "gpu_types"))
    if work.units * work.gpus_per_unit > MOST_GPUS:
        expected = f"at most {MOST_GPUS} GPUs in all"
        got = Plain(f"{work.units} x {work.gpus_per_unit} GPUs")
        mistakes.add(place, (*loc, "units"), expected, got)


def _check_job(job: Job, workload: Workload, mistakes: Mistakes, place: Place, loc: Loc) -> None:
    if job.name in workload.contracts:
        mistakes.add(place, (*loc, "name"), "a name that no contract has", job.name)
    if not 1 <= job.min_units <= min(job.units, MOST_UNITS):
        mistakes.add(place, (*loc, "min_units"), f"1 to {job.units} units", job.min_units)
    if (job.spread_level is None) != (job.spread_max_units is None):
        mistakes.add(place, (*loc, "spread"), "a level and max_units", Plain("one of them"))


class _Ground:
    """What of the site matters to jobs, gathered once."""

    def __init__(self, site: Site) -> None:
        racks = site.racks.values()
        used = {rack.type for rack in racks}
        self.types: dict[str, list[RackType]] = {}
        for rack_type in site.rack_types.values():
            if rack_type.name in used:
                self.types.setdefault(rack_type.gpu_type, []).append(rack_type)
        self.domains = dict.fromkeys(
            name for rack in racks for name in (rack.hall, rack.pod, rack.array, rack.name)
        )
        self.largest: dict[tuple[tuple[str, ...], bool], int] = {}

    def check(
        self,
        work: Contract | Job,
        required: Level | None,
        mistakes: Mistakes,
        place: Place,
        loc: Loc,
    ) -> None:
        if not work.gpu_types:
            mistakes.add(place, (*loc, "gpu_types"), "at least one GPU type", Plain("none"))
        known(work.within, self.domains, mistakes, place, (*loc, "within"))
        if not known(work.gpu_types, self.types, mistakes, place, (*loc, "gpu_types")):
            return
        nvlink = required == Level.NVLINK
        key = (work.gpu_types, nvlink)
        if key not in self.largest:
            types = (each for name in work.gpu_types for each in self.types[name])
            reach = (each.nvlink_gpus if nvlink else each.gpus for each in types)
            self.largest[key] = max(reach, default=0)
        if work.gpus_per_unit > self.largest[key] > 0:
            holder = "one NVLink domain" if nvlink else "a rack"
            expected = f"<= {self.largest[key]} GPUs, what {holder} has"
            got = Plain(f"{work.gpus_per_unit} GPUs")
            mistakes.add(place, (*loc, "gpus_per_unit"), expected, got)
