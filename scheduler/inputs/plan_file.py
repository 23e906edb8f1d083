"""Plans: ``plan.json``, ``placements.csv`` or a folder that holds one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scheduler.inputs.document import Document
from scheduler.inputs.fields import Name, Whole
from scheduler.inputs.mistakes import Mistakes, Place
from scheduler.inputs.salvage import Gaps, Kept, salvage
from scheduler.inputs.site_checks import known
from scheduler.inputs.tables import Folder, read_table
from scheduler.inputs.validation import report
from scheduler.model import Plan, Problem

PLAN_FORMAT = "rackwatt-plan/1"
COLUMNS = ("job", "rack", "units", "gpus", "nodes")
_NAMES = ("plan.json", "placements.csv")
_FORMULA = ("=", "+", "-", "@")  # how a formula starts in a spreadsheet

Count = Annotated[Whole, Field(ge=0, le=10**12)]


class PlacementEntry(BaseModel):
    """Units of a job on a rack; GPUs and nodes follow from them and are not read."""

    model_config = ConfigDict(extra="ignore")

    job: Name
    rack: Name
    units: Count


class PlanFile(BaseModel):
    """A plan as it is written."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["rackwatt-plan/1"] = "rackwatt-plan/1"
    placements: list[PlacementEntry]


def read_plan(path: Path, problem: Problem | None) -> Plan:
    """Read the plan at `path`; its jobs and racks must be those of `problem`, if it is given.

    Raises
    ------
    InputError
        With every mistake: unknown jobs or racks, negative units, a pair that comes twice.
    """
    mistakes = Mistakes()
    plan = read_plan_into(path, problem, mistakes)
    mistakes.raise_if_any()
    return plan


def read_plan_into(path: Path, problem: Problem | None, mistakes: Mistakes) -> Plan:
    """The same, with mistakes collected; the plan is empty after one.

    Without a problem, because its files have mistakes, jobs and racks are taken as they are.
    """
    before = len(mistakes)
    found = _load(_file_of(path), mistakes)
    if found is None:
        return Plan({})
    content, place = found
    try:
        kept: Kept | None = Kept(PlanFile.model_validate(content))
    except ValidationError as error:
        report(error, PlanFile, content, place, mistakes)
        kept = salvage(PlanFile, content, error, Gaps(), {})
    if kept is None:
        return Plan({})
    plan = _build(kept, problem, place, mistakes)
    return plan if len(mistakes) == before else Plan({})


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    return next((path / name for name in _NAMES if (path / name).exists()), path / _NAMES[0])


def _load(path: Path, mistakes: Mistakes) -> tuple[Any, Place] | None:
    if path.suffix.lower() != ".csv":
        document = Document.load(path, mistakes)
        return None if document is None else (document.data, document)
    table = read_table(path, COLUMNS, mistakes, required=COLUMNS[:3])
    if table is None:
        return None
    empty = Document(str(path), {})
    rows = [{column: _plain(cell) for column, cell in row.items()} for row in table.rows]
    return {"placements": rows}, Folder(empty, {"placements": table})


def _plain(cell: str) -> str:
    """Take back the apostrophe that keeps a spreadsheet from taking a name for a formula."""
    is_kept = cell.startswith("'") and cell.lstrip("'")[:1] in _FORMULA
    return cell[1:] if is_kept else cell


def _build(kept: Kept, problem: Problem | None, place: Place, mistakes: Mistakes) -> Plan:
    units: dict[str, dict[str, int]] = {}
    seen: set[tuple[str, str]] = set()
    placements: list[PlacementEntry] = kept.record.placements
    numbers = kept.places("placements", len(placements))
    for number, entry in zip(numbers, placements, strict=True):
        loc = ("placements", number)
        if problem:
            known([entry.job], problem.jobs, mistakes, place, (*loc, "job"))
            known([entry.rack], problem.site.racks, mistakes, place, (*loc, "rack"))
        pair = (entry.job, entry.rack)
        if pair in seen:
            got = f"{entry.job} on {entry.rack}"
            mistakes.add(place, loc, "each job once on a rack", got)
        seen.add(pair)
        if entry.units:
            units.setdefault(entry.job, {})[entry.rack] = entry.units
    return Plan(units)
