"""What the commands that take a public trace have in common: their options, and the work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.imports.taking import take

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported

Trace = Annotated[Path, typer.Argument(metavar="TRACE", help="CSV file of the trace.")]
SiteFile = Annotated[Path, typer.Option("--site", help="Site to scale to.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for workload.yaml.")]
Power = Annotated[
    Path | None,
    typer.Option("--power", help="Acme's power distribution as CSV; else its known quantiles."),
]
Load = Annotated[
    float, typer.Option("--load", min=0.0001, max=1000, help="GPUs asked for / GPUs of the site.")
]
Seed = Annotated[int, typer.Option("--seed", help="Draws the values of the jobs.")]
Merge = Annotated[
    bool, typer.Option(help="Write equal one-unit jobs of a tenant as one elastic job.")
]


def take_trace(
    name: str,
    trace: Path,
    site: Path,
    out: Path,
    *,
    at: str,
    power: Path | None,
    load: float,
    seed: int,
    merge: bool,
    nodes: Path | None = None,
) -> None:
    """Import a trace and write it to `out`."""

    def imported() -> Imported:
        from scheduler.exchange.traces import Request, import_trace

        request = Request(
            trace=trace,
            site=site,
            at=at,
            power=power,
            load=load,
            seed=seed,
            merge=merge,
            nodes=nodes,
        )
        return import_trace(name, request)

    take(imported, out)
