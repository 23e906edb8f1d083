"""The built-in hardware catalogue: rack types, each figure with its evidence tag and source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import Field, TypeAdapter

from scheduler.inputs.quantities import Record
from scheduler.inputs.rack_type_file import FIGURES, RackTypeFile, rack_type
from scheduler.model import RackType


class Figure(Record):
    """A value, how well it is known and who says so."""

    value: int | float | str
    tag: Literal["T", "S", "M", "D", "A"] = Field(
        description="[T] primary source, [S] secondary, [M] general knowledge, [D] derived, "
        "[A] assumption"
    )
    source: str = Field(min_length=1)


@cache
def figures() -> Mapping[str, Mapping[str, Figure]]:
    """Return every figure of the catalogue: rack type -> field -> figure."""
    text = resources.files("scheduler.inputs").joinpath("catalogue.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, dict[str, Figure]]).validate_python(yaml.safe_load(text))


@cache
def records() -> Mapping[str, RackTypeFile]:
    """Return the catalogue as the records that people may override."""
    return {
        name: RackTypeFile.model_validate(
            {field: figure.value for field, figure in row.items()} | {"source": _source(row)}
        )
        for name, row in figures().items()
    }


@cache
def catalogue() -> Mapping[str, RackType]:
    """Return the built-in rack types by name.

    Raises
    ------
    ValueError
        If a built-in type lacks a figure.
    """
    types = {name: rack_type(name, record) for name, record in records().items()}
    found = {name: each for name, each in types.items() if each is not None}
    if len(found) < len(types):
        raise ValueError(f"catalogue.yaml: figures missing in {sorted(set(types) - set(found))}")
    return found


def _source(row: Mapping[str, Figure]) -> str:
    return "; ".join(f"{field} [{row[field].tag}] {row[field].source}" for field in FIGURES)
