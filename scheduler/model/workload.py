"""The workload: tenants, contracts and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scheduler.model.levels import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two tenants that may not share a domain at `level`."""

    tenant: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Who places work. ``isolation`` HOST is the default of bare-metal clouds."""

    name: str
    external: bool = False
    isolation: Level = Level.HOST
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerProfile:
    """Power of busy GPUs as thousandths of the dynamic range (rack at peak less rack idle)."""

    name: str
    mean_permille: int
    peak_permille: int
    cap_permille: int  # what is left under a power cap
    swing_permille: int = 0  # depth of the synchronous swing
    synchronous: bool = False  # all units step together; one GPU type
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """Capacity that stays when any one component of the named kinds is lost."""

    survives: tuple[str, ...] = ()  # rack, array, pod, hall, cdu or a kind of power node
    spare_permille: int = 0  # spare units on top of the promised ones
    credit_tiers: tuple[tuple[int, int], ...] = ()  # (uptime below, permille of the fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A tenant's commitment. It is placed as a reservation: see `Workload.all_jobs`."""

    name: str
    tenant: str
    units: int  # promised units (spare units come on top)
    gpus_per_unit: int
    gpu_types: tuple[str, ...]
    price_mills_per_gpu_h: int
    firm: bool = True
    elastic: bool = False  # may be placed in part; a firm one may be anyway
    profile: str = "opaque"
    power_action: str = "firm"  # firm, cap or shed
    required: Level | None = None
    within: tuple[str, ...] = ()  # halls, pods, arrays or racks; empty: anywhere
    sla: Sla = field(default_factory=Sla)
    notice_days: int | None = None
    term_days: int | None = None
    take_or_pay: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work to be placed: `units` that each lie in one rack (and in one node if they fit).

    A job is placed with a total of 0 units or of `min_units` to `units`.
    A gang has ``min_units == units``. Of a reservation, `promised_units` are paid for.
    """

    name: str
    tenant: str
    units: int
    gpus_per_unit: int
    min_units: int
    gpu_types: tuple[str, ...]  # allowed types; never empty once read
    profile: str
    power_action: str = "firm"  # firm, cap or shed
    value_mills_per_gpu_h: int = 0
    priority: int = 0
    required: Level | None = None  # all units in one domain of this level
    preferred: Level | None = None  # each further domain of this level costs `slowdown_permille`
    slowdown_permille: int = 0
    spread_level: Level | None = None
    spread_max_units: int | None = None  # most units in one domain of `spread_level`
    within: tuple[str, ...] = ()
    duration_h: int | None = None
    contract: str | None = None  # set on reservations: the contract's name
    promised_units: int | None = None  # set on reservations
    firm: bool = False  # set on reservations of firm contracts
    sla: Sla | None = None  # set on reservations
    source: str = ""  # file:line

    @property
    def gpus(self) -> int:
        """GPUs that are asked for, spares left out."""
        return self.gpus_per_unit * (
            self.units if self.promised_units is None else self.promised_units
        )


@dataclass(frozen=True, kw_only=True)
class Workload:
    """All that wants a place. Names of jobs and contracts are unique together."""

    name: str
    tenants: Mapping[str, Tenant]
    contracts: Mapping[str, Contract]
    jobs: Mapping[str, Job]
    profiles: Mapping[str, PowerProfile]

    @cached_property
    def contract_of_tenant(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the contracts of each tenant that has any."""
        found: dict[str, tuple[str, ...]] = {}
        for contract in self.contracts.values():
            found[contract.tenant] = (*found.get(contract.tenant, ()), contract.name)
        return found
