"""``rackwatt import topograph``: a fabric from Topograph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.imports.taking import take

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported


def command(
    file: Annotated[Path, typer.Argument(help="Model (YAML), or graph (JSON).")],
    out: Annotated[Path, typer.Option(help="Folder for site.json.")],
    rack_type: Annotated[str, typer.Option(help="Built-in rack type that the nodes are of.")],
    name: Annotated[str, typer.Option(help="Name of the site, unless a switch is all of it.")] = "",
) -> None:
    """Take the fabric of a Topograph model or graph as a site.

    Exit codes: 0 written, 2 bad input.
    """

    def load() -> Imported:
        from scheduler.exchange.topograph.read import import_topograph

        return import_topograph(file, rack_type=rack_type, name=name)

    take(load, out)
