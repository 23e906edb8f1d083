"""The part of an ``offer.json`` that can be shown: frontier, price, and what an offer displaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from scheduler.inputs.run_record import Figure, RecordPart, Words, read_record

Gpus = Annotated[int, Field(ge=0, le=10**12)]


class OfferPoint(RecordPart):
    """The largest block that can be sold at one isolation level and redundancy."""

    isolation: Words
    survives: tuple[Words, ...] = ()
    spare_percent: Figure = 0
    gpus: Gpus
    mw: Figure | None = None
    bound_gpus: Gpus
    proven: bool = False


class OfferFrontier(RecordPart):
    """The largest blocks over isolation levels, and over what they survive."""

    isolation: tuple[OfferPoint, ...] = ()
    redundancy: tuple[OfferPoint, ...] = ()


class DisplacedJob(RecordPart):
    """What a job loses to an offer."""

    job: Words
    tenant: Words = ""
    gpus: Gpus = 0
    usd_per_h: Figure = 0


class BreakEvenRecord(RecordPart):
    """The price from which an offer pays."""

    usd_per_gpu_h: Figure | None = None
    accept_at_usd_per_gpu_h: Figure | None = None
    usd_per_mw_month: Figure | None = None


class DealRecord(RecordPart):
    """The site with the offer."""

    gain_usd_per_h: Figure | None = None
    break_even: BreakEvenRecord = BreakEvenRecord()
    displaced: tuple[DisplacedJob, ...] = ()


class AskedRecord(RecordPart):
    """What an offer asks for."""

    gpus: Gpus
    isolation: Words = ""
    price_usd_per_gpu_h: Figure | None = None


class OfferEntry(RecordPart):
    """One offer and the answer to it."""

    name: Words
    asked: AskedRecord
    fits: Words = "unknown"
    why: tuple[Words, ...] = ()
    frontier: OfferFrontier = OfferFrontier()
    deal: DealRecord | None = None


class OfferRecord(RecordPart):
    """All offers of a file."""

    offers: tuple[OfferEntry, ...] = ()


def read_offer_record(folder: Path) -> OfferRecord:
    """Read ``offer.json`` of `folder`, or of the folder above it; empty without such a file.

    ``rackwatt offer`` writes plans into folders beside its ``offer.json``.

    Raises
    ------
    InputError
        With every mistake.
    """
    above = folder.absolute().parent / "offer.json"
    inside = folder / "offer.json"
    return read_record(above if above.exists() and not inside.exists() else inside, OfferRecord)
