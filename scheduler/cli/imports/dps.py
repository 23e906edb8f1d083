"""``rackwatt import dps``: a power distribution from NVIDIA DPS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.imports.taking import take

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported


def command(
    file: Annotated[Path, typer.Argument(help="Topology file (JSON).")],
    out: Annotated[Path, typer.Option(help="Folder for site.json.")],
    rack_type: Annotated[
        str, typer.Option(help="Built-in rack type of all systems; by default from their model.")
    ] = "",
) -> None:
    """Take the power distribution of a DPS topology file as a site.

    Exit codes: 0 written, 2 bad input.
    """

    def load() -> Imported:
        from scheduler.exchange.dps.site import import_dps

        return import_dps(file, rack_type=rack_type)

    take(load, out)
