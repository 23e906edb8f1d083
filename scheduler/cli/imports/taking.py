"""Writes what an importer made, and lists everything that it could not map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from scheduler.cli.console import BAD_INPUT, print_notes

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported

MOST_SHOWN = 20  # unmapped things on the terminal; all of them go into unmapped.txt


def take(load: Callable[[], Imported], out: Path) -> None:
    """Run `load`; write its files and ``unmapped.txt`` to `out`; mistakes end with exit code 2."""
    from scheduler.exchange.exchanged import ExchangeError
    from scheduler.words import clean
    from scheduler.write import prepare_folder, write_together

    try:
        imported = load()
    except ExchangeError as error:
        for mistake in error.mistakes:
            typer.echo(clean(mistake), err=True)
        raise typer.Exit(BAD_INPUT) from None
    prepare_folder(out)
    lines = "".join(f"{clean(line)}\n" for line in imported.unmapped)
    files = {**imported.files, "unmapped.txt": lines}
    write_together(out, {name: text.encode() for name, text in files.items()})
    print_notes(imported.notes)
    for name in sorted(imported.files):
        print(clean(str(out / name)))
    for line in imported.unmapped[:MOST_SHOWN]:
        print(f"not mapped: {clean(line)}")
    more = len(imported.unmapped) - MOST_SHOWN
    if more > 0:
        print(f"not mapped: {more:,} more, see {out / 'unmapped.txt'}")
