"""Offers that were weighed: their frontier, price and displacement, as plain data for the page."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.inputs import OfferEntry, OfferRecord
from scheduler.words import quantity

Data = dict[str, object]


def offers_data(record: OfferRecord) -> list[Data]:
    """Return every offer with the points of its frontier and the jobs that it displaces."""
    return [
        {
            "name": offer.name,
            "words": list(_words(offer)),
            "points": list(_points(offer)),
            "asked": offer.asked.gpus,
            "displaced": [
                {
                    "job": each.job,
                    "tenant": each.tenant,
                    "gpus": each.gpus,
                    "usd": each.usd_per_h,
                }
                for each in (offer.deal.displaced if offer.deal else ())
            ],
        }
        for offer in record.offers
    ]


def _words(offer: OfferEntry) -> Iterator[str]:
    asked = f"{offer.asked.gpus:,} GPUs"
    if offer.asked.isolation:
        asked += f" at {offer.asked.isolation} isolation"
    yield f"{offer.name} asks for {asked}: {offer.fits}."
    yield from offer.why
    deal = offer.deal
    if deal is None:
        return
    price = deal.break_even
    if price.usd_per_gpu_h is not None:
        month = price.usd_per_mw_month
        per_month = "" if month is None else f" ({month:,.0f} $ for a megawatt and month)"
        yield f"It pays from {price.usd_per_gpu_h:,.3f} $/GPU-h{per_month}."
    if deal.gain_usd_per_h is not None:
        yield f"At its own price the site gains {deal.gain_usd_per_h:,.2f} $/h."
    lost = sum(each.usd_per_h for each in deal.displaced)
    if deal.displaced:
        jobs = quantity(len(deal.displaced), "jobs")
        yield f"What it displaces earns {lost:,.2f} $/h: {jobs}."


def _points(offer: OfferEntry) -> Iterator[Data]:
    frontier = offer.frontier
    for series, points in (
        ("isolation", frontier.isolation),
        ("redundancy", frontier.redundancy),
    ):
        for each in points:
            survives = " and ".join(each.survives) or "nothing"
            label = each.isolation if series == "isolation" else f"survives {survives}"
            if series == "redundancy" and each.spare_percent:
                label += f", {each.spare_percent:g} % spare"
            yield {
                "series": series,
                "label": label,
                "gpus": each.gpus,
                "bound": max(each.bound_gpus, each.gpus),
                "proven": each.proven,
                "mw": each.mw,
            }
