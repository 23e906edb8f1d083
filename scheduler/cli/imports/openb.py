"""``rackwatt import openb``: a public trace as a workload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.imports.tracing import Load, Merge, Out, Power, Seed, SiteFile, Trace, take_trace


def command(
    trace: Trace,
    site: SiteFile,
    out: Out,
    at: Annotated[
        str, typer.Option(help="all, busiest, or seconds after the start of the trace.")
    ] = "all",
    power: Power = None,
    load: Load = 1.1,
    seed: Seed = 0,
    merge: Merge = True,
    nodes: Annotated[
        Path | None, typer.Option(help="Node list of the trace; it becomes a note.")
    ] = None,
) -> None:
    """Pods of Alibaba's GPU cluster, most of which want a part of a GPU.

    Exit codes: 0 written, 2 bad input.
    """
    take_trace(
        "openb",
        trace,
        site,
        out,
        at=at,
        power=power,
        load=load,
        seed=seed,
        merge=merge,
        nodes=nodes,
    )
