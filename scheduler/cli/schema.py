"""``rackwatt schema``: the JSON Schema of an input file, for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from scheduler.cli.console import print_json


class Kind(StrEnum):
    """The files that people write."""

    SITE = "site"
    WORKLOAD = "workload"
    OFFER = "offer"


def command(kind: Annotated[Kind, typer.Argument()]) -> None:
    """Print the JSON Schema of a site, workload or offer file."""
    from scheduler.inputs import json_schema

    print_json(json_schema(kind.value))
