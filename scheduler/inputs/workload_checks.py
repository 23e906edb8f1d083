"""Checks of a whole workload: references, sizes that can fit, names that are unique."""

from __future__ import annotations

from scheduler.inputs.fields import MOST_UNITS
from scheduler.inputs.mistakes import Loc, Mistakes, Place, Plain
from scheduler.inputs.site_checks import distinct, known
from scheduler.model import Contract, Job, Level, RackType, Site, Tenant, Workload

MOST_GPUS = 100_000_000


def validate_workload(
    workload: Workload, site: Site | None, mistakes: Mistakes, place: Place
) -> None:
    """Add every mistake of a workload; without a site, what depends on it is left out.

    `place` finds ``("jobs", name, field)``.
    """
    ground = _Ground(site) if site else None
    for tenant in workload.tenants.values():
        _check_tenant(tenant, workload, mistakes, place)
    for profile in workload.profiles.values():
        if profile.mean_permille > profile.peak_permille:
            loc: Loc = ("profiles", profile.name, "mean_permille")
            expected = f"<= {profile.peak_permille}, the peak"
            mistakes.add(place, loc, expected, profile.mean_permille)
    for contract in workload.contracts.values():
        loc = ("contracts", contract.name)
        _check_work(contract, workload, mistakes, place, loc)
        if site:
            kinds = {node.kind for node in site.power_nodes.values()}
            levels = {str(level) for level in (Level.RACK, Level.ARRAY, Level.POD, Level.HALL)}
            allowed = sorted(kinds | levels | {"cdu"})
            known(contract.sla.survives, allowed, mistakes, place, (*loc, "sla", "survives"))
        if ground:
            ground.check(contract, contract.required, mistakes, place, loc)
    for job in workload.jobs.values():
        loc = ("jobs", job.name)
        _check_work(job, workload, mistakes, place, loc)
        _check_job(job, workload, mistakes, place, loc)
        if ground:
            ground.check(job, job.required, mistakes, place, loc)


def _check_tenant(tenant: Tenant, workload: Workload, mistakes: Mistakes, place: Place) -> None:
    loc = ("tenants", tenant.name, "conflicts")
    others = [conflict.tenant for conflict in tenant.conflicts]
    known(others, workload.tenants, mistakes, place, loc)
    distinct(others, mistakes, place, loc)
    if tenant.name in others:
        mistakes.add(place, loc, "other tenants", tenant.name)


def _check_work(
    work: Contract | Job, workload: Workload, mistakes: Mistakes, place: Place, loc: Loc
) -> None:
    known([work.tenant], workload.tenants, mistakes, place, (*loc, "tenant"))
    known([work.profile], workload.profiles, mistakes, place, (*loc, "power"))
    distinct(work.gpu_types, mistakes, place, (*loc, "gpu_types"))
    if not work.gpu_types:
        mistakes.add(place, (*loc, "gpu_types"), "at least one GPU type", Plain("none"))
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
        known(work.within, self.domains, mistakes, place, (*loc, "within"))
        if not known(work.gpu_types, self.types, mistakes, place, (*loc, "gpu_types")):
            return
        nvlink = required == Level.NVLINK
        key = (work.gpu_types, nvlink)
        if key not in self.largest:
            types = (each for name in work.gpu_types for each in self.types[name])
            self.largest[key] = max((_largest_unit(each, nvlink) for each in types), default=0)
        if work.gpus_per_unit > self.largest[key] > 0:
            reach = "one NVLink domain" if nvlink else "a rack"
            expected = f"<= {self.largest[key]} GPUs, what {reach} has"
            got = Plain(f"{work.gpus_per_unit} GPUs")
            mistakes.add(place, (*loc, "gpus_per_unit"), expected, got)


def _largest_unit(rack_type: RackType, nvlink: bool) -> int:
    if nvlink and rack_type.nvlink_domain == Level.HOST:
        return rack_type.gpus_per_node
    return rack_type.gpus
