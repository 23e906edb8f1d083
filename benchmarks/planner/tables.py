"""The records as a table: medians over seeds, by size, severity and solver.

`least` and `most` are the gaps of the best and the worst seed; `won` says on how many seeds the
planner's plan is worth more than the baseline's; memory is the most of any seed.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.planner.cases import Record, instance_name
from benchmarks.planner.targets import TARGETS

WIDTH = 140  # columns where no terminal says otherwise
HEADINGS = {  # heading: whether its cells are words
    "instance": True,
    "solver": True,
    "seeds": False,
    "gap": False,
    "least": False,
    "most": False,
    "target": False,
    "k$/h": False,
    "won": False,
    "unmet": False,
    "placed": False,
    "s": False,
    "MiB": False,
    "checked": False,
    "scarce": True,
}


def show(document: Record) -> None:
    """Print the table, what runs said about themselves, and the machine."""
    from rich.console import Console  # here, as runs in a process of their own show nothing
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    table = Table(
        title="planner: medians over seeds, gap against the best bound of the run",
        title_justify="left",
    )
    for heading, is_words in HEADINGS.items():
        fits = heading != "scarce"  # the one column whose words may be long
        table.add_column(heading, justify="left" if is_words else "right", no_wrap=fits)
    for row in summary(document["records"]):
        table.add_row(*map(escape, row))
    console.print(table)
    for line in _notes(document["records"]):
        console.print(line, markup=False)
    console.print(_footer(document), markup=False)


def markdown(document: Record) -> str:
    """Return the same table as Markdown."""
    rows = [list(HEADINGS), ["---"] * len(HEADINGS), *summary(document["records"])]
    lines = ["| " + " | ".join(map(_cell_of_markdown, row)) + " |" for row in rows]
    notes = [f"* {_cell_of_markdown(line)}" for line in _notes(document["records"])]
    return "\n".join([*lines, "", *notes, "", _footer(document)])


def summary(records: Iterable[Record]) -> list[list[str]]:
    """Return the rows of the table, cell by cell."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((instance_name(record), record["solver"]), []).append(record)
    return [_row(*key, runs) for key, runs in groups.items()]


def _row(instance: str, solver: str, runs: list[Record]) -> list[str]:
    good = [each for each in runs if "error" not in each]
    gaps = [each["gap"] for each in good if each["gap"] is not None]
    verdicts = [each["more_value"] for each in good if each["more_value"] is not None]
    target = TARGETS.get(instance)
    scarce = sorted({each["scarce"] for each in good if each["scarce"]})

    def median(write: str, figure: Callable[[Record], float]) -> str:
        return format(statistics.median(map(figure, good)), write) if good else "-"

    return [
        instance,
        solver,
        str(len(runs)),
        f"{statistics.median(gaps):.2%}" if len(gaps) == len(runs) else "-",
        f"{min(gaps):.2%}" if gaps else "-",
        f"{max(gaps):.2%}" if gaps else "-",
        "-" if target is None or verdicts else f"{target.gap:.1%}",
        median(",.1f", lambda each: each["margin_usd_per_h"] / 1000),
        f"{verdicts.count('yes')}/{len(verdicts)}" if verdicts else "-",
        median(",.0f", lambda each: each["unmet_firm_gpus"]),
        median(".1%", lambda each: each["placed_gpus"] / max(1, each["requested_gpus"])),
        median(".1f", lambda each: each["wall_s"]),
        f"{max(each['peak_rss_mib'] for each in good):,.0f}" if good else "-",
        f"{sum(each['checked'] for each in good)}/{len(runs)}",
        ", ".join(scarce) or "-",
    ]


def _notes(records: Iterable[Record]) -> list[str]:
    """Return what the runs of a baseline said about themselves, a line for each instance."""
    said: dict[str, dict[str, None]] = {}
    for each in records:
        if each.get("note"):
            lines = said.setdefault(f"{instance_name(each)} {each['solver']}", {})
            lines[each["note"]] = None
    return [f"{name}: {'; '.join(lines)}" for name, lines in said.items()]


def _footer(document: Record) -> str:
    here: Any = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    return f"{here['processor']}, {here['cores']} cores; {versions}"


def _cell_of_markdown(text: str) -> str:
    for special in "\\|[]<>*_`":
        text = text.replace(special, "\\" + special)
    return text
