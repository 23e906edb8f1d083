"""``rackwatt export``: a plan as the files of a neighbour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.console import fail, print_notes
from scheduler.cli.reading import DIR_OR_FILES


def command(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="What to write; see below.")],
    paths: Annotated[
        list[Path], typer.Argument(metavar=DIR_OR_FILES, help="What `plan` wrote, or three files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would change in --out.")
    ] = False,
) -> None:
    """Write a plan for Slurm, Kueue, KAI, Volcano, DPS, Topograph or a spreadsheet.

    Exit codes: 0 written (with --dry-run: nothing would change), 1 something would change,
    2 bad input.
    """
    from scheduler.check import check
    from scheduler.cli.reading import planned
    from scheduler.exchange.exchanged import ExchangeError, differences
    from scheduler.exchange.exports import EXPORTS, exporter
    from scheduler.words import clean
    from scheduler.write import prepare_folder, write_together

    if form not in EXPORTS:
        fail(f"FORMAT: expected {', '.join(sorted(EXPORTS))}; got {form}")
    problem, plan = planned(paths)
    broken = check(problem, plan).broken
    if broken:
        print_notes([f"the plan breaks limits ({len(broken)}); `rackwatt check` names them"])
    try:
        exported = exporter(form)(problem, plan)
    except ExchangeError as error:
        fail("\n".join(error.mistakes))
    print_notes(exported.notes)
    if dry_run:
        lines = list(differences(exported.files, out))
        for line in lines:
            print(clean(line))
        raise typer.Exit(1 if lines else 0)
    prepare_folder(out)
    write_together(out, {name: text.encode() for name, text in exported.files.items()})
    for name in sorted(exported.files):
        print(clean(str(out / name)))
