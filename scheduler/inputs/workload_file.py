"""The workload file: what people write down about tenants, contracts and jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scheduler.inputs.fields import (
    MOST_UNITS,
    Apart,
    Days,
    GpusPerUnit,
    Isolation,
    Locality,
    Name,
    Number,
    Percent,
    RackDomain,
    Units,
    UsdPerHour,
    Whole,
)
from scheduler.model import Level

PowerAction = Literal["firm", "cap", "shed"]
Gpus = Annotated[Whole, Field(ge=1, le=100_000_000)]
Names = Annotated[tuple[Name, ...], Field(max_length=1000)]
_ACTION = "In a power failure: keep drawing (firm), go down to the cap, or stop (shed)."
_WITHIN = "Halls, pods, arrays or racks it must lie in; anywhere if left out."
_GPU_TYPES = "GPU types allowed; all types of the site if left out."


class Entry(BaseModel):
    """One entry of the file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid")


class ConflictEntry(Entry):
    """A tenant that may not share a domain with this one."""

    tenant: Name
    level: Apart = Field(default=Level.RACK, description="Smallest domain that is not shared.")


class TenantEntry(Entry):
    """Who places work."""

    name: Name
    kind: Literal["internal", "external"] = "internal"
    isolation: Isolation = Field(
        default=Level.HOST, description="Domain that the tenant never shares with others."
    )
    conflicts: list[Name | ConflictEntry] = Field(
        default=[],
        description="Tenants kept apart from this one, by name (level rack) or with a level.",
    )


class ProfileEntry(Entry):
    """Power of busy GPUs, in percent of the range between a rack's idle and peak power."""

    name: Name
    mean: Percent
    peak: Percent
    cap: Percent = Field(description="What is left under a power cap.")
    swing: Percent = Field(default=0, description="Depth of the synchronous swing.")
    synchronous: bool = Field(default=False, description="All units step together on one GPU type.")
    power_action: PowerAction = Field(
        default="firm", description="Default of internal jobs with this profile."
    )
    source: str = Field(default="", max_length=2000, description="Where the figures come from.")


class CreditEntry(Entry):
    """One tier of service credits."""

    uptime_below: Percent
    credit: Percent = Field(description="Part of the monthly fee.")


class SlaEntry(Entry):
    """Service level of a contract."""

    survives: Names = Field(
        default=(),
        description="Kinds of component whose loss leaves the promised capacity: rack, array, "
        "pod, hall, cdu or a kind of power node.",
    )
    spare_nodes: Percent = Field(default=0, description="Spare units on top of the promised ones.")
    credits: Literal["standard"] | list[CreditEntry] = Field(
        default=[],
        description="Credit tiers; standard: 10 % below 99.5 %, 25 % below 99 %, all below 95 %.",
    )


class RequiredTopology(Entry):
    """Where a reservation must lie."""

    required: Locality | None = Field(
        default=None, description="All units in one domain of this level."
    )


class Topology(RequiredTopology):
    """How close the units of a job must and should lie."""

    preferred: Locality | None = Field(
        default=None, description="Each further domain of this level costs the slowdown."
    )
    slowdown: Percent = Field(default=0, description="Loss of value per further domain.")


class Spread(Entry):
    """At most so many units in one failure domain."""

    level: RackDomain
    max_units: Units


class Work(Entry):
    """What contracts and jobs have in common."""

    tenant: Name
    units: Units | None = Field(default=None, description="Units, each in one rack; or give gpus.")
    gpus: Gpus | None = Field(default=None, description="GPUs in all, instead of units.")
    gpus_per_unit: GpusPerUnit | None = Field(
        default=None, description="GPUs of a unit; those of the largest allowed node if left out."
    )
    gpu_types: Names | None = Field(default=None, description=_GPU_TYPES, min_length=1)
    power_action: PowerAction | None = Field(default=None, description=_ACTION)
    within: Names = Field(default=(), description=_WITHIN)

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        sizes = (self.units, self.gpus, getattr(self, "mw", None))
        if sizes.count(None) != 2:
            among = "units, gpus or mw" if hasattr(self, "mw") else "units or gpus"
            raise PydanticCustomError("expected", "exactly one of {among}", {"among": among})
        return self


class ContractEntry(Work):
    """A tenant's commitment; it is placed as a reservation."""

    name: Name | None = Field(
        default=None, description="The tenant's name with -contract if left out."
    )
    mw: Annotated[Number, Field(gt=0, le=100_000)] | None = Field(
        default=None,
        description="Megawatts instead of GPUs: as many GPUs as draw that much at peak.",
    )
    price_usd_per_gpu_h: UsdPerHour = Field(description="Dollars per promised GPU and hour.")
    firm: bool = Field(default=True, description="Comes before any margin.")
    power: Name = Field(default="opaque", description="Name of a power profile.")
    topology: RequiredTopology | None = None
    sla: SlaEntry | None = None
    notice_days: Days | None = Field(default=None, description="Notice by which it can be ended.")
    term_days: Days | None = None
    take_or_pay: bool = Field(default=False, description="Paid whether it is used or not.")


class JobEntry(Work):
    """Work to be placed."""

    name: Name
    gang: bool | None = Field(
        default=None, description="All units or none; true unless min_units says otherwise."
    )
    min_units: Units | None = Field(default=None, description="Fewest units of an elastic job.")
    power: Name = Field(default="batch", description="Name of a power profile.")
    value_usd_per_gpu_h: UsdPerHour = Field(
        default=0.0, description="Worth of a GPU-hour, dollars."
    )
    priority: Annotated[Whole, Field(ge=-1_000_000, le=1_000_000)] = 0
    topology: Topology | None = None
    spread: Spread | None = None
    duration_h: Annotated[Number, Field(ge=0, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _gang_is_whole(self) -> Self:
        if self.gang and self.min_units is not None and self.min_units != self.units:
            raise PydanticCustomError("expected", "min_units left out, because the job is a gang")
        return self


class WorkloadFile(Entry):
    """All that wants a place on a site."""

    model_config = ConfigDict(extra="forbid", title="rackwatt workload")

    name: Name = "workload"
    tenants: list[TenantEntry] = Field(default=[], max_length=100_000)
    contracts: list[ContractEntry] = Field(default=[], max_length=100_000)
    jobs: list[JobEntry] = Field(default=[], max_length=MOST_UNITS)
    profiles: list[ProfileEntry] = Field(
        default=[], max_length=10_000, description="Power profiles besides the built-in ones."
    )


def schema_of_jobs_file() -> dict[str, Any]:
    """Return the schema of the name of a table, which may stand instead of a list."""
    return {
        "type": "string",
        "pattern": r"^[^/\\]+\.csv$",
        "description": "Name of a CSV table in the same folder.",
        "examples": ["jobs.csv"],
    }
