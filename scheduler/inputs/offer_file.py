"""The offer file: what new customers ask for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scheduler.inputs.fields import (
    Days,
    GpusPerUnit,
    Isolation,
    Name,
    Number,
    Percent,
    Units,
    UsdPerHour,
    Whole,
)
from scheduler.inputs.workload_file import (
    Entry,
    Gpus,
    Names,
    PowerAction,
    RequiredTopology,
    SlaEntry,
)
from scheduler.model import Level

MOST_OFFERS = 50


def day(value: str) -> str:
    """Check a date; it stays text."""
    try:
        date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("expected", "a date such as 2027-01-31") from None
    return value


class CapexEntry(Entry):
    """Capital that the price has to bring back."""

    usd_per_gpu: Annotated[Number, Field(ge=0, le=10_000_000)] = Field(
        description="Dollars spent for each promised GPU."
    )
    months: Annotated[Whole, Field(ge=1, le=1200)] = Field(
        description="Months of 730 hours in which they are to come back."
    )


class OfferEntry(Entry):
    """One offer. It would become a firm contract of a tenant of its own."""

    name: Name = Field(description="Of the customer and of the contract.")
    gpus: Gpus | None = Field(default=None, description="GPUs, spares left out.")
    units: Units | None = Field(default=None, description="Units instead of GPUs.")
    mw: Annotated[Number, Field(gt=0, le=100_000)] | None = Field(
        default=None,
        description="Megawatts instead of GPUs, on the power basis of the site: as many GPUs as "
        "draw that much at the mean of the racks of these types.",
    )
    mw_at: Literal["it", "meter"] = Field(
        default="it", description="IT power, or power at the meter: IT power times PUE."
    )
    gpus_per_unit: GpusPerUnit | None = Field(
        default=None, description="GPUs of a unit; those of the largest allowed node if left out."
    )
    gpu_types: Names | None = Field(
        default=None,
        description="GPU types allowed; all types of the site if left out.",
        min_length=1,
    )
    isolation: Isolation = Field(
        default=Level.HOST, description="Domain that the customer shares with nobody."
    )
    sla: SlaEntry | None = None
    price_usd_per_gpu_h: UsdPerHour | None = Field(
        default=None, description="Dollars per promised GPU and hour; the question if left out."
    )
    take_or_pay: bool = Field(default=False, description="Paid whether it is used or not.")
    term_days: Days | None = None
    notice_days: Days | None = Field(default=None, description="Notice by which it can be ended.")
    start: Annotated[str, AfterValidator(day)] | None = Field(
        default=None, description="First day, such as 2027-01-31."
    )
    power: Name = Field(default="opaque", description="Name of a power profile.")
    power_action: PowerAction = Field(
        default="firm",
        description="In a power failure: keep drawing (firm), go down to the cap, or stop (shed).",
    )
    topology: RequiredTopology | None = None
    within: Names = Field(
        default=(), description="Halls, pods, arrays or racks it must lie in; anywhere if left out."
    )
    capex: CapexEntry | None = None
    expected_credits: Percent = Field(
        default=0, description="Part of the fee that is expected to go back as SLA credits."
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.gpus, self.units, self.mw).count(None) != 2:
            raise PydanticCustomError("expected", "exactly one of gpus, units or mw")
        if self.expected_credits == 1000:
            raise PydanticCustomError("expected", "credits of less than the whole fee")
        return self


class OffersFile(Entry):
    """Offers that are weighed alone and together."""

    model_config = ConfigDict(extra="forbid", title="rackwatt offers")

    offers: Annotated[list[OfferEntry], Field(min_length=1, max_length=MOST_OFFERS)]
