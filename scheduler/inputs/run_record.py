"""What the other files of a plan's folder say about its run: ``result.json``, reasons, curves."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.inputs.text_file import read_text
from scheduler.inputs.validation import validate

MOST_CURVE_BYTES = 16 * 2**20
MOST_POINTS = 5000
MOST_CURVES = 12

Figure = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Words = Annotated[str, Field(max_length=4000)]
M = TypeVar("M", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ScarceLimit(_Part):
    """What more of a limit would be worth."""

    words: Words


class PowerRecord(_Part):
    """Megawatts that the run told."""

    firm_headroom_mw: Figure | None = None


class RunRecord(_Part):
    """The part of ``result.json`` that is not in the plan itself."""

    status: Words = "unknown"
    margin_usd_per_h: Figure | None = None
    bound_usd_per_h: Figure | None = None
    bound_by: Words | None = None
    gap: Figure | None = None
    prices: list[ScarceLimit] = []
    power: PowerRecord = PowerRecord()
    stranded_mw: Figure | None = None
    isolation_cost_usd_per_h: Figure | None = None
    seed: int | None = None
    backend: Words = ""
    wall_s: Figure | None = None
    problem_digest: Words = ""
    versions: dict[str, Words] = {}


class _Reason(_Part):
    job: Words
    reason: Words


class _Reasons(_Part):
    unplaced: list[_Reason] = []


@dataclass(frozen=True)
class Curves:
    """Columns of numbers over the first one: a frontier."""

    x: str
    xs: tuple[float, ...]
    ys: dict[str, tuple[float | None, ...]]


def read_run_record(folder: Path) -> RunRecord:
    """Read ``result.json`` of `folder`; an empty record if there is none.

    Raises
    ------
    InputError
        With every mistake.
    """
    return _read(folder / "result.json", RunRecord)


def read_reasons(folder: Path) -> dict[str, str]:
    """Read why jobs are not placed from ``findings.json`` of `folder`; empty without such a file.

    Raises
    ------
    InputError
        With every mistake.
    """
    return {each.job: each.reason for each in _read(folder / "findings.json", _Reasons).unplaced}


def read_curves(path: Path) -> Curves | None:
    """Read a CSV table as curves over its first column; None without such a file.

    Columns that hold anything but numbers are left out.

    Raises
    ------
    InputError
        The file cannot be read, or its first column is no column of numbers.
    """
    if not path.exists():
        return None
    mistakes = Mistakes()
    text = read_text(path, mistakes, MOST_CURVE_BYTES)
    mistakes.raise_if_any()
    rows = list(csv.reader(io.StringIO(text or "")))
    header, body = (rows[0] if rows else []), rows[1 : 1 + MOST_POINTS]
    columns = [[row[i] if i < len(row) else "" for row in body] for i in range(len(header))]
    numbers = [_numbers(column) for column in columns]
    xs = numbers[0] if numbers else None
    if xs is None or None in xs:
        mistakes.add_at(str(path), 1, "file", "numbers in the first column", Plain("none"))
        mistakes.raise_if_any()
    pairs = zip(header[1:], numbers[1:], strict=True)
    ys = {name: column for name, column in pairs if column is not None}
    return Curves(
        x=header[0],
        xs=tuple(x for x in xs or () if x is not None),
        ys=dict(list(ys.items())[:MOST_CURVES]),
    )


def _read(path: Path, kind: type[M]) -> M:
    mistakes = Mistakes()
    if not path.exists():
        return kind()
    document = Document.load(path, mistakes)
    found = None if document is None else validate(kind, document, mistakes)
    mistakes.raise_if_any()
    assert found, "a reader that gives up says why"
    return found


def _numbers(column: list[str]) -> tuple[float | None, ...] | None:
    """Return a column as numbers, empty cells as None; None if it holds anything else."""
    found = [_number(cell) for cell in column]
    if any(value is None and cell.strip() for value, cell in zip(found, column, strict=True)):
        return None
    return tuple(found) if any(value is not None for value in found) else None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
