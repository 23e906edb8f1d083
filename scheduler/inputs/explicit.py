"""The explicit form: every record written out as plain data in base units, and read again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Loc, Mistakes, Place
from scheduler.inputs.records import RESERVATION_FIELDS, record_model
from scheduler.inputs.salvage import Gaps, Kept, salvage
from scheduler.inputs.site_checks import validate_site
from scheduler.inputs.validation import report
from scheduler.inputs.workload_checks import validate_workload
from scheduler.model import Job, Site, Workload

SITE_FORMAT = "rackwatt-site/1"
WORKLOAD_FORMAT = "rackwatt-workload/1"
# In place of fields that are broken, so that the others can be checked.
_STAND_INS = {"name": "unnamed", "power_basis": "nameplate", "isolation_ladder": {}}


def site_document(site: Site) -> dict[str, Any]:
    """Return every field of the site as plain JSON data; `read_site` gives an equal site."""
    return {"format": SITE_FORMAT, **_sections(Site, site)}


def workload_document(workload: Workload) -> dict[str, Any]:
    """Return every field of the workload as plain JSON data; reading it gives an equal one."""
    return {"format": WORKLOAD_FORMAT, **_sections(Workload, workload)}


def read_site(
    data: object, place: Place, mistakes: Mistakes, gaps: Gaps | None = None
) -> Site | None:
    """Read the explicit form of a site and check it; None after mistakes.

    What is sound is checked even if other records are broken, or missing: `gaps`.
    """
    before = len(mistakes)
    gaps = gaps or Gaps()
    fields = _read(Site, data, place, mistakes, gaps)
    if fields is None:
        return None
    site = Site(**fields)
    validate_site(site, mistakes, ByName(place, data), gaps)
    return site if len(mistakes) == before else None


def read_workload(
    data: object, place: Place, mistakes: Mistakes, site: Site | None
) -> Workload | None:
    """Read the explicit form of a workload and check it against the site, if there is one."""
    before = len(mistakes)
    gaps = Gaps()
    fields = _read(Workload, data, place, mistakes, gaps)
    if fields is None:
        return None
    workload = Workload(**fields)
    validate_workload(workload, site, mistakes, ByName(place, data), gaps)
    return workload if len(mistakes) == before else None


def is_explicit(document: Document, form: str) -> bool:
    """Whether the document says that it is written in the explicit form `form`."""
    return isinstance(document.data, dict) and document.data.get("format") == form


class ByName:
    """Places of records by name: ``("racks", "r1", "feeds")`` instead of the list index."""

    def __init__(self, place: Place, data: object) -> None:
        self.place, self.data = place, data
        self.index: dict[str, dict[object, int]] = {}

    def where(self, loc: Loc) -> tuple[str, int]:
        """File and line of the value at `loc`."""
        if len(loc) > 1 and isinstance(loc[0], str):
            number = self._section(loc[0]).get(loc[1])
            if number is not None:
                return self.place.where((loc[0], number, *loc[2:]))
        return self.place.where(loc)

    def _section(self, section: str) -> dict[object, int]:
        if section not in self.index:
            rows = self.data.get(section) if isinstance(self.data, dict) else None
            index: dict[object, int] = {}
            for number, row in enumerate(rows if isinstance(rows, list) else []):
                if isinstance(row, dict) and isinstance(row.get("name"), str):
                    index.setdefault(row["name"], number)
            self.index[section] = index
        return self.index[section]


def by_name(
    records: list[Any], section: str, place: Place, mistakes: Mistakes, numbers: Sequence[int]
) -> dict[str, Any]:
    """Return records by their name; a name that comes twice is a mistake.

    `numbers` are the places of the records in their section of the file.
    """
    found: dict[str, Any] = {}
    for number, record in zip(numbers, records, strict=True):
        if record.name in found:
            loc = (section, number, "name")
            mistakes.add(place, loc, "a name that no other has", record.name)
        found.setdefault(record.name, record)
    return found


def _read(
    record: type, data: object, place: Place, mistakes: Mistakes, gaps: Gaps
) -> dict[str, Any] | None:
    model: type[BaseModel] = record_model(record)
    content = {k: v for k, v in data.items() if k != "format"} if isinstance(data, dict) else data
    try:
        kept: Kept | None = Kept(model.model_validate(content))
    except ValidationError as error:
        report(error, model, content, place, mistakes)
        kept = salvage(model, content, error, gaps, _STAND_INS)
    if kept is None:
        return None
    return {
        key: by_name(value, key, place, mistakes, kept.places(key, len(value)))
        if isinstance(value, list)
        else value
        for key, value in vars(kept.record).items()
    }


def plain(value: Any) -> Any:
    """Return a record and all that it holds as plain JSON data."""
    if dataclasses.is_dataclass(value):
        skipped = RESERVATION_FIELDS if isinstance(value, Job) else ()
        return {
            each.name: plain(getattr(value, each.name))
            for each in dataclasses.fields(value)
            if each.name not in skipped
        }
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Enum) else value


def _sections(kind: type, record: Site | Workload) -> dict[str, Any]:
    """Return the record as plain data; records by name become lists, in order."""
    lists = [
        key
        for key, field in record_model(kind).model_fields.items()
        if get_origin(field.annotation) is list
    ]
    content = plain(record)
    return {key: list(value.values()) if key in lists else value for key, value in content.items()}
