"""``rackwatt show``: the floor as blocks of characters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import fail, output
from scheduler.cli.reading import DIR_OR_FILES

if TYPE_CHECKING:
    from scheduler.cli.blocks import View

VIEWS = ("tenant", "headroom", "utilisation", "inlet", "exclusivity")


def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar=DIR_OR_FILES, help="What `plan` wrote, or three files.")
    ],
    by: Annotated[str, typer.Option(help=f"What a character says: {', '.join(VIEWS)}.")] = "tenant",
) -> None:
    """Draw the site in the terminal: every rack is a character, hall by hall.

    Exit codes: 0 drawn, 2 bad input.
    """
    from scheduler.check import check
    from scheduler.cli import block_views
    from scheduler.cli.blocks import print_floor
    from scheduler.cli.reading import planned
    from scheduler.report.floor import floor_of
    from scheduler.report.racks import racks_of
    from scheduler.topology import Topology

    if by not in VIEWS:
        fail(f"--by: expected {', '.join(VIEWS)}; got {by}")
    problem, plan = planned(paths)
    racks = racks_of(problem, plan, Topology(problem.site), check(problem, plan).findings)
    views: dict[str, View] = {
        "tenant": block_views.by_tenant(racks),
        "headroom": block_views.by_headroom(racks),
        "utilisation": block_views.by_utilisation(racks),
        "inlet": block_views.by_inlet(racks),
        "exclusivity": block_views.by_exclusivity(racks),
    }
    print_floor(output(), problem.site.name, floor_of(problem.site), views[by])
