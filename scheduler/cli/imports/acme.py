"""``rackwatt import acme``: a public trace as a workload."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.imports.tracing import Load, Merge, Out, Power, Seed, SiteFile, Trace, take_trace


def command(
    trace: Trace,
    site: SiteFile,
    out: Out,
    at: Annotated[
        str, typer.Option(help="densest: stretch of arrivals; all: an even part of them.")
    ] = "densest",
    power: Power = None,
    load: Load = 1.1,
    seed: Seed = 0,
    merge: Merge = True,
) -> None:
    """Gangs of up to 1,024 GPUs of a training cluster, repeated to the size of a site.

    Exit codes: 0 written, 2 bad input.
    """
    take_trace(
        "acme",
        trace,
        site,
        out,
        at=at,
        power=power,
        load=load,
        seed=seed,
        merge=merge,
    )
