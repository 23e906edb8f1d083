"""The tables of the main benchmark: plans, power, time and memory."""

from __future__ import annotations

import sys
from typing import Any

Record = dict[str, Any]

QUALITY = {
    "status": lambda each: each["status"],
    "gap": lambda each: f"{each['gap'] * 100:.2f} %",
    "violation": lambda each: f"{each['violation']:,}",
    "unmet": lambda each: f"{each['unmet_firm_gpus']:,}",
    "margin $/h": lambda each: f"{each['margin_usd_per_h']:,.0f}",
    "placed": lambda each: f"{each['placed_gpus'] / each['requested_gpus'] * 100:.1f} %",
}
POWER = {
    "IT MW": lambda each: f"{each['it_mw']:,.3f}",
    "drawable MW": lambda each: f"{each['drawable_mw']:,.3f}",
    "undrawn": lambda each: f"{each['undrawn'] * 100:.1f} %",
    "stranded": lambda each: f"{each['stranded'] * 100:.1f} %",
    "racks full": lambda each: f"{each['racks_full'] * 100:.1f} %",
}
EFFORT = {
    "read s": lambda each: f"{each['read_s']:.2f}",
    "compile s": lambda each: f"{each['compile_s']:.2f}",
    "plan s": lambda each: f"{each['plan_s']:.1f}",
    "check s": lambda each: f"{each['check_s']:.2f}",
    "peak MiB": lambda each: f"{each['peak_rss_mib']:,.0f}",
}


def show(document: Record) -> None:
    """Print the records as tables, each of them within 100 columns."""
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    for title, columns in (("plans", QUALITY), ("power", POWER), ("time and memory", EFFORT)):
        console.print(_table(title, columns, document["runs"]))
    for each in document["runs"]:
        if "error" in each:
            console.print(f"{each['example']}: {each['error']}", markup=False)
    if "help_s" in document:
        console.print(
            f"rackwatt --help: {document['help_s']:.2f} s, median of {document['help_runs']}"
        )
    here = document["machine"]
    found = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    console.print(f"{here['processor']}, {here['cores']} cores; {found}")


def _table(title: str, columns: dict[str, Any], runs: list[Record]) -> Any:
    from rich.table import Table

    table = Table("example", "seed", title=title)
    for heading in columns:
        table.add_column(heading, justify="right")
    for each in runs:
        cells = [_cell(write, each) for write in columns.values()]
        share = each.get("ups", 1.0)
        name = each["example"] if share == 1.0 else f"{each['example']} ups={share:g}"
        table.add_row(name, str(each["seed"]), *cells)
    return table


def _cell(write: Any, record: Record) -> str:
    """Write one figure; a dash where the run did not get to it."""
    try:
        return str(write(record))
    except (KeyError, TypeError, ZeroDivisionError):
        return "-"
