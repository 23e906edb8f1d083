"""``rackwatt site``: the site as a tree, with what its graph shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.console import output


def command(
    site: Annotated[Path, typer.Argument(help="Site: YAML, JSON, or a folder of tables.")],
    every: Annotated[
        bool, typer.Option("--all", help="Every failure state and every line, nothing cut.")
    ] = False,
) -> None:
    """Show halls, power and cooling as trees, redundancy, weak points, and power on both bases."""
    from scheduler.cli.reading import site_of
    from scheduler.cli.site_trees import halls_tree, loops_tree, power_tree
    from scheduler.cli.site_view import (
        points_lines,
        print_deliverable,
        print_lines,
        print_power,
        print_redundancy,
    )
    from scheduler.topology import Topology

    read = site_of(site)
    topology = Topology(read)
    console = output()
    faults = topology.faults()
    console.print(halls_tree(read))
    if any(fault.startswith("cycle") for fault in faults):
        print_lines(console, "faults", faults, every=every)
        return
    console.print(power_tree(topology))
    if read.loops:
        console.print(loops_tree(read))
    print_power(console, read)
    print_redundancy(console, topology)
    points = topology.single_points_of_failure()
    print_lines(console, "single points of failure", list(points_lines(read, points)), every=every)
    print_lines(console, "faults", faults, every=every)
    print_deliverable(console, topology, every=every)
