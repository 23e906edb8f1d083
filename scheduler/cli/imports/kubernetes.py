"""``rackwatt import kubernetes``: nodes of a cluster, and what Kueue runs on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import fail
from scheduler.cli.imports.taking import take

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported


def command(
    nodes: Annotated[Path, typer.Argument(help="Output of `kubectl get nodes -o json`.")],
    out: Annotated[Path, typer.Option(help="Folder for site.json, plan.json, workload.yaml.")],
    workloads: Annotated[
        Path | None, typer.Option(help="Output of `kubectl get workloads -A -o json`.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="Your site; with --workload. Else one is made of labels.")
    ] = None,
    workload: Annotated[Path | None, typer.Option(help="Your workload, with --site.")] = None,
    rack_type: Annotated[
        str, typer.Option(help="Built-in rack type of all nodes; by default from their GPUs.")
    ] = "",
    levels: Annotated[
        str, typer.Option(help="Labels of your layers of switches, the outermost first, by commas.")
    ] = "",
    name: Annotated[str, typer.Option(help="Name of the site that is made.")] = "",
) -> None:
    """Take nodes and the running plan from Kubernetes and Kueue.

    Exit codes: 0 written, 2 bad input.
    """
    from scheduler.cli.reading import problem_of

    if (site is None) != (workload is None):
        fail("--site and --workload: expected both or none")
    problem = problem_of(site, workload) if site and workload else None

    def load() -> Imported:
        from scheduler.exchange.kubernetes.running import Choices, import_kubernetes

        keys = tuple(key.strip() for key in levels.split(",") if key.strip())
        choices = Choices(rack_type=rack_type, name=name, levels=keys, problem=problem)
        return import_kubernetes(nodes, workloads, choices)

    take(load, out)
