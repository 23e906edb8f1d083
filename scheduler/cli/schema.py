"""``rackwatt schema``: the JSON Schema of an input file, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.console import print_json


def command(kind: Annotated[str, typer.Argument(metavar="site|workload")]) -> None:
    """Print the JSON Schema of a site or workload file."""
    if kind != "site" and kind != "workload":
        raise typer.BadParameter(f"expected site or workload; got {kind}")
    from scheduler.inputs import json_schema

    print_json(json_schema("site" if kind == "site" else "workload"))
