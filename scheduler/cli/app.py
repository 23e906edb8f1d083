"""Entry point of ``rackwatt``. Starts fast: verbs import what is heavy when they run."""

from __future__ import annotations

import io
import sys
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scheduler import __version__
from scheduler.cli import (
    check,
    explain,
    export,
    offer,
    plan,
    release,
    replan,
    report,
    risk,
    schema,
    score,
    show,
    site,
)
from scheduler.cli.console import plain_mistakes
from scheduler.cli.imports import (
    acme,
    dps,
    kubernetes,
    netbox,
    openb,
    philly,
    slurm,
    telemetry,
    topograph,
)

VERBS: tuple[ModuleType, ...] = (
    *(plan, check, explain, score, risk, offer, release, replan),
    *(site, show, report, schema, export),
)


class Verbs(TyperGroup):
    """The verbs; every one reports mistakes as plain lines, never as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        with plain_mistakes():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Decide which jobs and tenants go on which racks of a GPU site, inside every limit of "
    "power, cooling, network and contract, also when a part of the site fails.",
)
for verb in VERBS:
    app.command(verb.__name__.rpartition(".")[2])(verb.command)
imports = typer.Typer(no_args_is_help=True, help="Take a site, a workload or a plan from others.")
# One module of `scheduler.cli.imports` for each format.
IMPORTS: tuple[ModuleType, ...] = (
    netbox,
    telemetry,
    slurm,
    kubernetes,
    topograph,
    dps,
    philly,
    acme,
    openb,
)
for form in IMPORTS:
    imports.command(form.__name__.rpartition(".")[2])(form.command)
app.add_typer(imports, name="import")


@app.callback(invoke_without_command=True)
def rackwatt(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Hold the options that come before a verb."""
    if version:
        print(f"rackwatt {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; characters that the terminal cannot show become question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()
