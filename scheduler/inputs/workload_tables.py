"""The workload as tables: ``tenants.csv``, ``contracts.csv``, ``jobs.csv``, ``profiles.csv``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes, Place
from scheduler.inputs.salvage import Gaps
from scheduler.inputs.tables import Folder, Row, Table, read_table

# Column -> where its value stands in an entry of the workload file.
_WORK = {
    name: (name,)
    for name in ("name", "tenant", "units", "gpus", "gpus_per_unit", "gpu_types", "within")
} | {"power": ("power",), "power_action": ("power_action",), "required": ("topology", "required")}

COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "tenants": {name: (name,) for name in ("name", "kind", "isolation", "conflicts")},
    "contracts": {
        **_WORK,
        **{
            name: (name,)
            for name in (
                "mw",
                "price_usd_per_gpu_h",
                "firm",
                "notice_days",
                "term_days",
                "take_or_pay",
            )
        },
        "survives": ("sla", "survives"),
        "spare_nodes": ("sla", "spare_nodes"),
        "credits": ("sla", "credits"),
    },
    "jobs": {
        **_WORK,
        **{
            name: (name,)
            for name in ("gang", "min_units", "value_usd_per_gpu_h", "priority", "duration_h")
        },
        "preferred": ("topology", "preferred"),
        "slowdown": ("topology", "slowdown"),
        "spread_level": ("spread", "level"),
        "spread_max_units": ("spread", "max_units"),
    },
    "profiles": {
        name: (name,)
        for name in (
            "name",
            "mean",
            "peak",
            "cap",
            "swing",
            "synchronous",
            "power_action",
            "source",
        )
    },
}
REQUIRED = {
    "tenants": ("name",),
    "contracts": ("tenant", "price_usd_per_gpu_h"),
    "jobs": ("name", "tenant"),
    "profiles": ("name", "mean", "peak", "cap"),
}
_LISTS = ("gpu_types", "within", "conflicts", "survives")


def read_workload_folder(folder: Path, mistakes: Mistakes) -> tuple[Any, Place, Gaps]:
    """Return the content of a workload folder, as if it stood in one file, and its place."""
    content: dict[str, Any] = {"name": folder.resolve().name or "workload"}
    paths = {section: folder / f"{section}.csv" for section in COLUMNS}
    present = {section: path for section, path in paths.items() if path.exists()}
    return _merge(Document(str(folder), content), content, present, mistakes)


def with_tables(document: Document, mistakes: Mistakes) -> tuple[Any, Place, Gaps]:
    """Return the content of a workload file; ``jobs: jobs.csv`` stands for a table beside it."""
    content = document.data
    if not isinstance(content, dict):
        return content, document, Gaps()
    named: dict[str, Path] = {}
    broken: set[str] = set()
    for section in COLUMNS:
        key = f"{section}_csv" if f"{section}_csv" in content else section
        name = content.get(key)
        if not isinstance(name, str):
            continue
        if section in content and key != section:
            mistakes.add(document, (key,), f"either {section} or {key}", name)
            broken.add(section)
        elif Path(name).name != name or not name.endswith(".csv"):
            expected = "a list, or the name of a .csv file in the same folder"
            mistakes.add(document, (key,), expected, name)
            broken.add(section)
        else:
            named[section] = Path(document.file).parent / name
    elsewhere = named.keys() | broken
    rest = {
        key: value for key, value in content.items() if key.removesuffix("_csv") not in elsewhere
    }
    return _merge(document, rest, named, mistakes, broken)


def _merge(
    place: Place,
    content: dict[str, Any],
    paths: dict[str, Path],
    mistakes: Mistakes,
    broken: Collection[str] = (),
) -> tuple[Any, Place, Gaps]:
    """Return the content with the tables in it; tables that cannot be read are gaps."""
    tables: dict[str, Table] = {}
    gaps = Gaps(unreadable=set(broken))
    for section, path in paths.items():
        table = read_table(path, COLUMNS[section], mistakes, REQUIRED[section])
        if table is None:
            gaps.unreadable.add(section)
        else:
            tables[section] = table
            table.note_gaps(section, gaps)
    entries = {section: _entries(section, table) for section, table in tables.items()}
    return {**content, **entries}, Folder(place, tables), gaps


def _entries(section: str, table: Table) -> list[dict[str, Any]]:
    paths = {column: COLUMNS[section][column] for column in table.columns}
    if all(len(path) == 1 and column not in _LISTS for column, path in paths.items()):
        return list(table.rows)
    return [_entry(row, paths) for row in table.rows]


def _entry(row: Row, paths: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for column, cell in row.items():
        value = [each.strip() for each in cell.split(";")] if column in _LISTS else cell
        path = paths[column]
        if len(path) == 1:
            entry[column] = value
        else:
            entry.setdefault(path[0], {})[path[1]] = value
    return entry
