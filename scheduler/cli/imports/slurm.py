"""``rackwatt import slurm``: a cluster as Slurm knows it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.imports.taking import take


def command(
    topology: Annotated[
        Path,
        typer.Argument(help="topology.conf, topology.yaml or output of `scontrol show topology`."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    sinfo: Annotated[Path | None, typer.Option(help="Output of `sinfo --json`.")] = None,
    squeue: Annotated[Path | None, typer.Option(help="Output of `squeue --json`.")] = None,
    name: Annotated[str, typer.Option(help="Name of the site.")] = "slurm",
    nodes_per_rack: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Most nodes that are one rack.")
    ] = None,
) -> None:
    """Take fabric, nodes and GPUs from Slurm, and its queue as a workload and the running plan.

    Exit codes: 0 written, 2 bad input.
    """
    from scheduler.exchange.slurm.importing import load

    take(
        lambda: load(topology, sinfo, squeue, name=name, nodes_per_rack=nodes_per_rack),
        out,
    )
