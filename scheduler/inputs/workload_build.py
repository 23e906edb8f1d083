"""From the workload file to the model: units, defaults, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from pydantic import ValidationError

from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.explicit import ByName, by_name
from scheduler.inputs.mistakes import Mistakes, Place
from scheduler.inputs.profiles import BUILT_IN, DEFAULT_ACTION
from scheduler.inputs.salvage import Gaps, Kept, salvage
from scheduler.inputs.validation import report
from scheduler.inputs.workload_checks import validate_workload
from scheduler.inputs.workload_entries import profile_of, sla_of, tenant_of
from scheduler.inputs.workload_file import (
    ContractEntry,
    JobEntry,
    Work,
    WorkloadFile,
)
from scheduler.model import (
    Contract,
    Job,
    Level,
    RackType,
    Site,
    Workload,
)
from scheduler.model.units import ceil_div, exact, round_down, round_up

W_PER_MW = 1_000_000
MILLS = 1000


def build_workload(
    content: object, place: Place, mistakes: Mistakes, site: Site | None, gaps: Gaps
) -> Workload | None:
    """Read the content of a workload file and check it; None after mistakes.

    What is sound is checked even if other entries are broken, or missing: `gaps`. Defaults depend
    on the site (its GPU types, its largest nodes), so that without one nothing is returned and
    what depends on it is not checked.
    """
    before = len(mistakes)
    try:
        kept: Kept | None = Kept(WorkloadFile.model_validate(content))
    except ValidationError as error:
        report(error, WorkloadFile, content, place, mistakes)
        kept = salvage(WorkloadFile, content, error, gaps, {})
    if kept is None:
        return None
    workload = convert_workload(kept, place, mistakes, site, gaps)
    return workload if site and len(mistakes) == before else None


def convert_workload(
    kept: Kept, place: Place, mistakes: Mistakes, site: Site | None, gaps: Gaps
) -> Workload:
    """Convert entries that have been read, and check them; of no use after mistakes."""
    builder = _Builder(kept, site, place)
    workload = builder.workload(mistakes)
    validate_workload(workload, site, mistakes, builder.places_by_name(), gaps)
    return workload


class _Builder:
    """Converts entries with the site's hardware at hand."""

    def __init__(self, kept: Kept, site: Site | None, place: Place) -> None:
        file: WorkloadFile = kept.record
        self.kept, self.file, self.site, self.place = kept, file, site, place
        self.contract_names = list(_contract_names(file.contracts))
        self.external = {each.name for each in file.tenants if each.kind == "external"}
        own_actions = {each.name: each.power_action for each in file.profiles}
        self.found: dict[tuple[str, ...] | None, tuple[tuple[str, ...], list[RackType]]] = {}
        self.actions = {**DEFAULT_ACTION, **own_actions}

    def workload(self, mistakes: Mistakes) -> Workload:
        sections: dict[str, list[Any]] = {
            "tenants": [tenant_of(each) for each in self.file.tenants],
            "contracts": self.contracts(mistakes),
            "jobs": [self.job(number, each) for number, each in self.numbered("jobs")],
        }
        own = [profile_of(each) for each in self.file.profiles]
        profiles = {**BUILT_IN, **self.by_name(own, "profiles", mistakes)}
        named = {key: self.by_name(rows, key, mistakes) for key, rows in sections.items()}
        return Workload(name=self.file.name, profiles=profiles, **named)

    def numbered(self, section: str) -> Iterator[tuple[int, Any]]:
        """Yield the entries of a section with their places in the file."""
        entries = getattr(self.file, section)
        return zip(self.kept.places(section, len(entries)), entries, strict=True)

    def by_name(self, rows: list[Any], section: str, mistakes: Mistakes) -> dict[str, Any]:
        """Return the records of a section by name."""
        numbers = self.kept.places(section, len(rows))
        return by_name(rows, section, self.place, mistakes, numbers)

    def places_by_name(self) -> Place:
        """Places by name; a contract without one has the name that was made for it."""
        rows: dict[str, list[dict[str, Any]]] = {}
        for section in ("tenants", "contracts", "jobs", "profiles"):
            names = [each.name for each in getattr(self.file, section)]
            names = self.contract_names if section == "contracts" else names
            numbers = self.kept.places(section, len(names))
            rows[section] = [{} for _ in range(max(numbers, default=-1) + 1)]
            for number, name in zip(numbers, names, strict=True):
                rows[section][number] = {"name": name}
        return ByName(self.place, rows)

    @cached_property
    def types(self) -> Mapping[str, list[RackType]]:
        """Rack types that stand on the site, by GPU type."""
        found: dict[str, list[RackType]] = {}
        if self.site is None:
            return found
        used = {rack.type for rack in self.site.racks.values()}
        for rack_type in self.site.rack_types.values():
            if rack_type.name in used:
                found.setdefault(rack_type.gpu_type, []).append(rack_type)
        return found

    @cached_property
    def spelling(self) -> Mapping[str, str]:
        """GPU types by their name in small letters."""
        return {gpu_type.lower(): gpu_type for gpu_type in self.types}

    def hardware(self, names: tuple[str, ...] | None) -> tuple[tuple[str, ...], list[RackType]]:
        """Return GPU types as the site spells them, and the rack types that hold them.

        Types that this site does not have are left out if others stay. A name that is not known
        at all stays and is found by the checks.
        """
        if names not in self.found:
            types = tuple(self.types) if names is None else self.spelled(names)
            racks = [each for name in types for each in self.types.get(name, [])]
            self.found[names] = types, racks
        return self.found[names]

    def spelled(self, names: tuple[str, ...]) -> tuple[str, ...]:
        spelled = [self.spelling.get(each.lower(), each) for each in names]
        missing = [each for each in spelled if each not in self.types]
        if not missing or len(missing) == len(spelled):
            return tuple(spelled)
        elsewhere = {each.gpu_type for each in catalogue().values()} - set(self.types)
        return tuple(each for each in spelled if each.lower() not in elsewhere)

    def sizes(self, work: Work, racks: list[RackType], gpus: int | None) -> tuple[int, int]:
        """Return (units, GPUs per unit); the largest allowed node is a unit by default."""
        node = max((each.gpus_per_node for each in racks), default=1)
        per_unit = work.gpus_per_unit or (node if gpus is None else min(node, gpus))
        return work.units or ceil_div(gpus or 1, per_unit), per_unit

    def contracts(self, mistakes: Mistakes) -> list[Contract]:
        return [
            self.contract(number, name, entry, mistakes)
            for (number, entry), name in zip(
                self.numbered("contracts"), self.contract_names, strict=True
            )
        ]

    def contract(
        self, number: int, name: str, entry: ContractEntry, mistakes: Mistakes
    ) -> Contract:
        gpu_types, racks = self.hardware(entry.gpu_types)
        gpus = entry.gpus
        if entry.mw is not None and racks:
            gpus = _gpus_of(entry.mw, racks)
            if gpus == 0:
                expected = "enough megawatts for one GPU"
                mistakes.add(self.place, ("contracts", number, "mw"), expected, entry.mw)
        units, per_unit = self.sizes(entry, racks, gpus or (None if entry.units else 1))
        return Contract(
            name=name,
            tenant=entry.tenant,
            units=units,
            gpus_per_unit=per_unit,
            gpu_types=gpu_types,
            price_mills_per_gpu_h=_mills(entry.price_usd_per_gpu_h),
            firm=entry.firm,
            profile=entry.power,
            power_action=entry.power_action or "firm",
            required=entry.topology.required if entry.topology else None,
            within=entry.within,
            sla=sla_of(entry.sla),
            notice_days=entry.notice_days,
            term_days=entry.term_days,
            take_or_pay=entry.take_or_pay,
        )

    def job(self, number: int, entry: JobEntry) -> Job:
        gpu_types, racks = self.hardware(entry.gpu_types)
        units, per_unit = self.sizes(entry, racks, entry.gpus)
        topology, spread = entry.topology, entry.spread
        required = topology.required if topology else None
        elastic = entry.gang is False or (entry.gang is None and entry.min_units is not None)
        if not elastic and required == Level.NVLINK:
            units, per_unit = _one_domain(units, per_unit, racks)
        action = "firm" if entry.tenant in self.external else self.actions.get(entry.power, "firm")
        file, line = self.place.where(("jobs", number))
        return Job(
            name=entry.name,
            tenant=entry.tenant,
            units=units,
            gpus_per_unit=per_unit,
            min_units=(entry.min_units or 1) if elastic else units,
            gpu_types=gpu_types,
            profile=entry.power,
            power_action=entry.power_action or action,
            value_mills_per_gpu_h=_mills(entry.value_usd_per_gpu_h),
            priority=entry.priority,
            required=required,
            preferred=topology.preferred if topology else None,
            slowdown_permille=topology.slowdown if topology else 0,
            spread_level=spread.level if spread else None,
            spread_max_units=spread.max_units if spread else None,
            within=entry.within,
            duration_h=None if entry.duration_h is None else round_up(entry.duration_h),
            source=f"{_base_name(file)}:{line}",
        )


@lru_cache(maxsize=10_000)
def _mills(usd: float) -> int:
    """Return what is earned, rounded down; the same few prices come many times."""
    return round_down(usd, MILLS)


def _base_name(file: str) -> str:
    """Leave the folder out, so that moved files give the same workload."""
    return file.replace("\\", "/").rpartition("/")[2]


def _one_domain(units: int, per_unit: int, racks: list[RackType]) -> tuple[int, int]:
    """Make one unit of a gang that must lie in one NVLink domain, if some domain is that large."""
    largest = max((each.nvlink_gpus for each in racks), default=0)
    whole = units * per_unit
    return (1, whole) if whole <= largest else (units, per_unit)


def _gpus_of(megawatts: float, racks: list[RackType]) -> int:
    """GPUs that draw so much at their observed peak, of the type that draws most."""
    limit_w = exact(megawatts) * W_PER_MW
    return min(int(limit_w * each.gpus // each.observed_peak_w) for each in racks)


def _contract_names(contracts: list[ContractEntry]) -> Iterator[str]:
    """Yield the names of the contracts, made from the tenant's where none is given."""
    taken = {each.name for each in contracts if each.name}
    for entry in contracts:
        name = entry.name or _free_name(f"{entry.tenant[:180]}-contract", taken)
        taken.add(name)
        yield name


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
