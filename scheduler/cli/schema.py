"""``rackwatt schema``: the JSON Schema of an input file, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.console import print_json

KINDS = ("site", "workload")


def command(kind: Annotated[str, typer.Argument(metavar="site|workload")]) -> None:
    """Print the JSON Schema of a site or workload file."""
    if kind not in KINDS:
        raise typer.BadParameter(f"expected {' or '.join(KINDS)}; got {kind}")
    from scheduler.inputs import json_schema

    print_json(json_schema(kind))
