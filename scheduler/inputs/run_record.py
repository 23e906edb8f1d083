"""What the other files of a plan's folder say about its run: ``result.json`` and reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes
from scheduler.inputs.validation import validate

Figure = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Words = Annotated[str, Field(max_length=4000)]
M = TypeVar("M", bound=BaseModel)


class RecordPart(BaseModel):
    """Part of a file that a run wrote; what is not known is not read."""

    model_config = ConfigDict(extra="ignore")


class ScarceLimit(RecordPart):
    """What more of a limit would be worth."""

    words: Words


class PowerRecord(RecordPart):
    """Megawatts that the run told."""

    firm_headroom_mw: Figure | None = None
    drawable_mw: Figure | None = None


class RunRecord(RecordPart):
    """The part of ``result.json`` that is not in the plan itself."""

    status: Words = "unknown"
    margin_usd_per_h: Figure | None = None
    bound_usd_per_h: Figure | None = None
    bound_by: Words | None = None
    gap: Figure | None = None
    prices: tuple[ScarceLimit, ...] = ()
    course: tuple[tuple[Figure, Figure, Figure | None], ...] = ()
    power: PowerRecord = PowerRecord()
    stranded_mw: Figure | None = None
    isolation_cost_usd_per_h: Figure | None = None
    seed: int | None = None
    backend: Words = ""
    wall_s: Figure | None = None
    problem_digest: Words = ""


class _Reason(RecordPart):
    job: Words
    reason: Words


class _Reasons(RecordPart):
    unplaced: tuple[_Reason, ...] = ()


def read_run_record(folder: Path) -> RunRecord:
    """Read ``result.json`` of `folder`; an empty record if there is none.

    Raises
    ------
    InputError
        With every mistake.
    """
    return read_record(folder / "result.json", RunRecord)


def read_reasons(folder: Path) -> dict[str, str]:
    """Read why jobs are not placed from ``findings.json`` of `folder`; empty without such a file.

    Raises
    ------
    InputError
        With every mistake.
    """
    return {
        each.job: each.reason for each in read_record(folder / "findings.json", _Reasons).unplaced
    }


def read_record(path: Path, kind: type[M]) -> M:
    """Read a JSON file as `kind`; an empty one without such a file. Raises InputError."""
    mistakes = Mistakes()
    if not path.exists():
        return kind()
    document = Document.load(path, mistakes)
    found = None if document is None else validate(kind, document, mistakes)
    mistakes.raise_if_any()
    assert found, "a reader that gives up says why"
    return found
