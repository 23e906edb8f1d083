"""The site as tables: one row a rack, feed, loop or hall, and ``site.yaml`` for the rest."""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args, get_origin

from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.document import Document
from scheduler.inputs.explicit import SITE_FORMAT, plain, read_site
from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.inputs.salvage import Gaps
from scheduler.inputs.tables import Folder, Table, read_table
from scheduler.model import BaseLoad, Hall, Level, Loop, PowerNode, Rack, RackType, Site
from scheduler.model.levels import DEFAULT_LADDER
from scheduler.model.units import round_down, round_up

# Section -> record, and whether the table must be there.
TABLES: dict[str, tuple[type, bool]] = {
    "rack_types": (RackType, False),
    "halls": (Hall, True),
    "power_nodes": (PowerNode, True),
    "loops": (Loop, False),
    "racks": (Rack, True),
    "base_loads": (BaseLoad, False),
}
SITE_NAMES = ("site.yaml", "site.yml", "site.json")

# Base unit -> (unit that people write, base units in it). The first match of a name counts.
_FRIENDLY = (
    ("_w", "_kw", 1000),
    ("_w", "_mw", 1_000_000),
    ("_mc", "_c", 1000),
    ("_mk", "_k", 1000),
    ("_mlpm", "_lpm", 1000),
    ("_permille", "_percent", 10),
)
# Limits are rounded down, everything else is a demand and rounded up.
_LIMITS = frozenset(
    {
        "rating_w",
        "emergency_permille",
        "swing_limit_w",
        "unit_w",
        "unit_flow_mlpm",
        "return_limit_mc",
        "inlet_limit_mc",
        "air_cooling_w",
        "slowdown_mc",
        "air_w_per_k",
    }
)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class _Column:
    """Which field a column fills and how its cells are read; what cannot be read stays text."""

    field: str
    read: Callable[[str], Any]


def read_site_folder(folder: Path, mistakes: Mistakes) -> Site | None:
    """Read a folder of tables; None after mistakes."""
    before = len(mistakes)
    rest = _read_rest(folder, mistakes)
    gaps = Gaps()
    tables: dict[str, Table] = {}
    for section, (record, needed) in TABLES.items():
        path = folder / f"{section}.csv"
        if not needed and not path.exists():
            continue
        table = _read_section(path, record, mistakes)
        if table is None:
            gaps.unreadable.add(section)
        else:
            tables[section] = table
            table.note_gaps(section, gaps)
    if rest is None:
        rest = Document(str(folder), {})
        gaps.unreadable.add("rack_types")
    content = _content(folder, rest, tables)
    for section in TABLES.keys() & gaps.unreadable:
        content.setdefault(section, [])
    site = read_site(content, Folder(rest, tables), mistakes, gaps)
    return site if len(mistakes) == before else None


def _read_rest(folder: Path, mistakes: Mistakes) -> Document | None:
    """Read ``site.yaml`` or ``site.json``: the fields that are no tables. It may be left out."""
    path = next((folder / name for name in SITE_NAMES if (folder / name).exists()), None)
    if path is None:
        return Document(str(folder), {})
    document = Document.load(path, mistakes)
    if document is not None and not isinstance(document.data, dict | None):
        mistakes.add(document, (), "a mapping (lines of `name: value`)", document.data)
        return None
    if document is not None:
        for section in TABLES.keys() & (document.data or {}).keys():
            expected = f"left out, because {section}.csv holds them"
            if (folder / f"{section}.csv").exists():
                mistakes.add(document, (section,), expected, document.data[section])
    return document


def _read_section(path: Path, record: type, mistakes: Mistakes) -> Table | None:
    known = _columns(record)
    table = read_table(path, known.keys(), mistakes)
    if table is None:
        return None
    before = len(mistakes)
    filled = [known[column].field for column in table.columns]
    for field in dataclasses.fields(typing.cast(Any, record)):
        count = filled.count(field.name)
        if count > 1:
            got = Plain(f"{count} columns")
            mistakes.add_at(table.file, 1, "header", f"one column for {field.name}", got)
        if count == 0 and _is_needed(field):
            mistakes.add_at(table.file, 1, "header", f"a column {field.name}", Plain("none"))
    return table if len(mistakes) == before else None


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _content(folder: Path, rest: Document, tables: dict[str, Table]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": folder.resolve().name or "site",
        "power_basis": "observed_peak",
        "isolation_ladder": {level: list(kinds) for level, kinds in DEFAULT_LADDER.items()},
        "rack_types": [],
        "loops": [],
        **(rest.data or {}),
        **{section: _rows(TABLES[section][0], table) for section, table in tables.items()},
    }
    if isinstance(content["rack_types"], list):
        content["rack_types"] = [*content["rack_types"], *_from_catalogue(content)]
    content.pop("format", None)
    return {"format": SITE_FORMAT, **content}


def _from_catalogue(content: dict[str, Any]) -> list[Any]:
    """Return the built-in rack types that racks name and that are not defined here."""
    defined = {row.get("name") for row in content["rack_types"] if isinstance(row, dict)}
    racks: list[dict[str, str]] = content.get("racks", [])
    used = dict.fromkeys(row.get("type", "") for row in racks)
    built_in = catalogue()
    return [plain(built_in[name]) for name in used if name in built_in and name not in defined]


def _rows(record: type, table: Table) -> list[dict[str, Any]]:
    known = _columns(record)
    return [
        {known[column].field: known[column].read(cell) for column, cell in row.items()}
        for row in table.rows
    ]


@functools.cache
def _columns(record: type) -> dict[str, _Column]:
    found: dict[str, _Column] = {}
    for name, hint in typing.get_type_hints(record).items():
        if get_origin(hint) is types.UnionType:
            hint = next(each for each in get_args(hint) if each is not type(None))
        if hint is int:
            found[name] = _Column(name, _whole)
            for base, friendly, factor in _FRIENDLY:
                if name.endswith(base) and not name.endswith("_per_w"):
                    alias = name.removesuffix(base) + friendly
                    found[alias] = _Column(name, _scaled(factor, name in _LIMITS))
        elif hint is bool:
            found[name] = _Column(name, _truth)
        elif hint == tuple[str, ...]:
            found[name] = _Column(name, _names)
        elif hint is str or hint is Level:
            found[name] = _Column(name, str)
    return found


def _whole(cell: str) -> int | str:
    return int(cell) if _DECIMAL.fullmatch(cell) and "." not in cell else cell


def _scaled(factor: int, is_limit: bool) -> Callable[[str], int | str]:
    rounded = round_down if is_limit else round_up
    return lambda cell: rounded(Fraction(cell), factor) if _DECIMAL.fullmatch(cell) else cell


def _truth(cell: str) -> bool | str:
    word = cell.lower()
    return word in _TRUE if word in _TRUE or word in _FALSE else cell


def _names(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";")]
