"""``rackwatt import philly``: a public trace as a workload."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.imports.tracing import Load, Merge, Out, Power, Seed, SiteFile, Trace, take_trace


def command(
    trace: Trace,
    site: SiteFile,
    out: Out,
    at: Annotated[
        str, typer.Option(help="busiest, or a time in UTC such as 2017-10-21T23:00.")
    ] = "busiest",
    power: Power = None,
    load: Load = 1.1,
    seed: Seed = 0,
    merge: Merge = True,
) -> None:
    """Jobs of a Microsoft cluster that ran at one moment of 2017, repeated to the size of a site.

    Exit codes: 0 written, 2 bad input.
    """
    take_trace(
        "philly",
        trace,
        site,
        out,
        at=at,
        power=power,
        load=load,
        seed=seed,
        merge=merge,
    )
