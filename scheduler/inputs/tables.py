"""CSV tables: comma, semicolon or tab between cells, a header line, one record a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.inputs.mistakes import Loc, Mistakes, Place, Plain
from scheduler.inputs.salvage import Gaps
from scheduler.inputs.text_file import read_text
from scheduler.inputs.validation import closest, near, one_of

MOST_ROWS = 5_000_000
_DELIMITERS = ",;\t"

Row = dict[str, str]


@dataclass(frozen=True)
class Table:
    """Rows of non-empty cells by column, and the line of each."""

    file: str
    rows: list[Row]
    lines: list[int]
    columns: tuple[str, ...]
    lost: frozenset[str] = frozenset()  # cells of the rows that are left out: names among them
    is_cut: bool = False  # whether rows at the end could not be read

    def note_gaps(self, section: str, gaps: Gaps) -> None:
        """Note the records that are left out."""
        if self.lost:
            gaps.names.setdefault(section, set()).update(self.lost)
        if self.is_cut:
            gaps.unreadable.add(section)

    def where(self, loc: Loc) -> tuple[str, int]:
        """File and line of row ``loc[0]``, or of the header."""
        row = loc[0] if loc else None
        found = isinstance(row, int) and 0 <= row < len(self.lines)
        return self.file, self.lines[row] if found and isinstance(row, int) else 1


@dataclass(frozen=True)
class Folder:
    """A document whose sections may stand in tables of their own."""

    rest: Place
    tables: Mapping[str, Table]

    def where(self, loc: Loc) -> tuple[str, int]:
        """File and line of the value at `loc`; ``loc[0]`` names the section."""
        table = self.tables.get(loc[0]) if loc and isinstance(loc[0], str) else None
        return table.where(loc[1:]) if table else self.rest.where(loc)


def read_table(
    path: Path, columns: Collection[str], mistakes: Mistakes, required: Collection[str] = ()
) -> Table | None:
    """Read a table that may have `columns` and must have the `required` ones.

    None if the file or a required column is missing; a row of a wrong length is a mistake and left
    out, and so is an unknown column, unless it is one that is missing, misspelt. Empty cells are
    left out of the rows.
    """
    text = read_text(path, mistakes)
    if text is None:
        return None
    file = str(path)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    records = _records(file, lines, mistakes)
    first = next(records, None)
    if first is None:
        mistakes.add_at(file, 1, "header", "a line with the names of columns", Plain("none"))
        return None
    header = [cell.strip() for cell in first[1]]
    read = _check_header(file, first[0], header, columns, mistakes)
    missing = [column for column in required if column not in read]
    for column in missing:
        mistakes.add_at(file, first[0], "header", f"a column {column}", Plain("none"))
    if missing:
        return None
    return _read_rows(file, read, records, mistakes)


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _records(file: str, lines: Any, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells) of every record that is not blank."""
    start = 1
    try:
        for cells in lines:
            if any(cells):
                yield start, cells
            start = lines.line_num + 1
    except csv.Error as error:
        mistakes.add_at(file, lines.line_num, "table", "valid CSV", Plain(error))


def _check_header(
    file: str,
    line: int,
    header: list[str],
    columns: Collection[str],
    mistakes: Mistakes,
) -> list[str | None]:
    """Return the column that each cell of a row belongs to, None for cells to leave out."""
    read: list[str | None] = []
    for column in header:
        if column in columns:
            if column in read:
                mistakes.add_at(file, line, "header", "each column once", column)
            read.append(None if column in read else column)
            continue
        hint = closest(column, columns)
        mistakes.add_at(file, line, "header", one_of(columns, column), column, hint)
        absent = [each for each in near(column, columns, 1) if each not in (*header, *read)]
        read.append(absent[0] if absent else None)
    return read


def _read_rows(
    file: str,
    columns: list[str | None],
    records: Iterator[tuple[int, list[str]]],
    mistakes: Mistakes,
) -> Table:
    rows: list[Row] = []
    starts: list[int] = []
    lost: set[str] = set()
    width, before = len(columns), len(mistakes)
    wrong_lengths = 0
    for line, cells in records:
        if len(cells) != width and (len(cells) < width or any(cells[width:])):
            got = Plain(f"{len(cells)} cells")
            expected = f"{width} cells as in the header"
            mistakes.add_at(file, line, "row", expected, got, kind=f"a row of {file}")
            lost.update(cell.strip() for cell in cells)
            wrong_lengths += 1
            continue
        if len(rows) >= MOST_ROWS:
            mistakes.add_at(file, line, "table", f"at most {MOST_ROWS} rows", Plain("more"))
            break
        stripped = [cell.strip() for cell in cells]
        pairs = zip(columns, stripped, strict=False)
        rows.append({column: cell for column, cell in pairs if cell and column})
        starts.append(line)
    is_cut = len(mistakes) > before + wrong_lengths
    named = tuple(column for column in columns if column)
    return Table(file, rows, starts, named, frozenset(lost), is_cut)
