"""The points of the frontier as plain data: lines of ``frontier.csv``, parts of ``offer.json``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from scheduler.model import Offer, Problem
from scheduler.questions.offer.answer import Answer, Weighed
from scheduler.questions.offer.block import Block
from scheduler.questions.offer.power import most_w, promised_w
from scheduler.write import spreadsheet_cell

Record = dict[str, object]

POINT_COLUMNS = (
    "offer",
    "series",
    "isolation",
    "survives",
    "spare_percent",
    "gpus",
    "mw",
    "bound_gpus",
    "bound_mw",
    "bound_by",
    "proven",
    "asked_gpus",
    "fits",
)


def frontier_csv(found: Answer) -> bytes:
    """Return every point of every frontier as a table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, POINT_COLUMNS)
    writer.writeheader()
    for each in found.weighed:
        for series, block in points(each):
            record = point_record(found.problem, each.offer, block)
            survives = " ".join(block.terms.survives)
            row = {"offer": each.offer.name, "series": series, **record, "survives": survives}
            writer.writerow({key: spreadsheet_cell(row[key]) for key in POINT_COLUMNS})
    return text.getvalue().encode("utf-8", "backslashreplace")


def points(weighed: Weighed) -> Iterator[tuple[str, Block]]:
    """Yield every point of the frontier of one offer, and which series it belongs to."""
    for block in weighed.by_isolation:
        yield "isolation", block
    for block in weighed.by_redundancy:
        yield "redundancy", block


def point_record(problem: Problem, offer: Offer, block: Block) -> Record:
    """Return one point: what can be sold, and at most."""
    per_unit = offer.contract.gpus_per_unit
    asked = offer.contract.units
    fits = True if block.units >= asked else False if block.bound_units < asked else None
    return {
        "isolation": str(block.terms.isolation),
        "survives": list(block.terms.survives),
        "spare_percent": block.terms.spare_permille / 10,
        "gpus": block.units * per_unit,
        "mw": promised_w(problem, offer, block.plan, block.units) / 1e6,
        "bound_gpus": block.bound_units * per_unit,
        "bound_mw": most_w(problem, offer, block.bound_units) / 1e6,
        "bound_by": block.bound_by,
        "proven": block.is_proven,
        "asked_gpus": offer.gpus,
        "fits": fits,
    }
