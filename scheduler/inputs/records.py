"""Strict pydantic models of the model's own records, made from their dataclasses.

The bounds of a number follow from the unit in its name. They keep every later product and sum
inside 64 bits: a rack draws at most 10 MW, a job takes at most 100 million GPUs.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    create_model,
)

from scheduler.inputs.fields import MOST_GPUS_PER_UNIT, MOST_UNITS, Name, among, printable
from scheduler.model import (
    Fabric,
    Job,
    Level,
    Loop,
    Plant,
    PowerNode,
    Prices,
    RackType,
    Recirculation,
    Site,
)
from scheduler.model.levels import (
    CONFLICT_LEVELS,
    ISOLATION_LEVELS,
    LOCALITY_LEVELS,
    RACK_DOMAIN_LEVELS,
)

RESERVATION_FIELDS = ("contract", "promised_units", "firm", "sla")  # a job in a file has none

_BY_SUFFIX = (
    ("nk_per_w", 0, 10**8),
    ("_mk_per_w", 0, 10_000),
    ("_w_per_k", 0, 10**6),
    ("_permille_per_k", 0, 1000),
    ("_per_gpu_h", -(10**9), 10**9),
    ("_per_mwh", -(10**9), 10**9),
    ("_per_gpu", 0, 10**9),
    ("_w", 0, 10**12),
    ("_mc", -100_000, 200_000),
    ("_mk", 0, 200_000),
    ("_mlpm", 0, 10**10),
    ("_mbps", 1, 10**9),
    ("_permille", 0, 1000),
    ("_days", 0, 100_000),
    ("_h", 0, 10**6),
    ("_s", 0, 10**6),
)
_BOUNDS: dict[tuple[type, str], tuple[int, int]] = {
    **{
        (RackType, field): (0, 10**7)
        for field in ("nameplate_w", "observed_peak_w", "percentile_w", "idle_w")
    },
    (RackType, "nodes"): (1, 1000),
    (RackType, "gpus_per_node"): (1, 1000),
    (PowerNode, "emergency_permille"): (1000, 100_000),
    (Loop, "units"): (1, 100_000),
    (Fabric, "rails"): (1, 1024),
    (Fabric, "efficiency_permille"): (1, 1000),
    (Fabric, "oversubscription_permille"): (1, 100_000),
    (Prices, "pue_permille"): (1000, 10_000),
    (Job, "priority"): (-(10**6), 10**6),
}
_BY_NAME = {
    "units": (1, MOST_UNITS),
    "min_units": (1, MOST_UNITS),
    "spread_max_units": (1, MOST_UNITS),
    "gpus_per_unit": (1, MOST_GPUS_PER_UNIT),
}
_COUNT = (0, 10**6)
_CHOICES: dict[tuple[type, str], Any] = {
    (Site, "power_basis"): Literal["nameplate", "observed_peak", "percentile"],
    (PowerNode, "mode"): Literal["share", "transfer"],
    (Plant, "heat_rejection"): Literal["tower", "dry"],
}
_LEVELS: dict[str, tuple[Level, ...]] = {
    "nvlink_domain": (Level.HOST, Level.RACK),
    "isolation": ISOLATION_LEVELS,
    "level": CONFLICT_LEVELS,
    "required": LOCALITY_LEVELS,
    "preferred": LOCALITY_LEVELS,
    "spread_level": RACK_DOMAIN_LEVELS,
    "joins": (Level.ARRAY, Level.POD, Level.HALL, Level.SITE),
}


@functools.cache
def record_model(record: type) -> type[BaseModel]:
    """Return a model whose fields are those of the dataclass; unknown keys are mistakes."""
    hints = typing.get_type_hints(record)
    skipped = RESERVATION_FIELDS if record is Job else ()
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(typing.cast(Any, record)):
        if field.name in skipped:
            continue
        default: Any = ...
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        fields[field.name] = (_checked(record, field.name, hints[field.name]), default)
    config = ConfigDict(extra="forbid")
    model: type[BaseModel] = create_model(record.__name__, __config__=config, **fields)
    return model


def record_type(record: type) -> Any:
    """Return the annotation that reads the dataclass itself: checked, then built."""
    return Annotated[record_model(record), AfterValidator(lambda model: record(**vars(model)))]


def _checked(record: type, name: str, hint: Any) -> Any:
    if (record, name) in _CHOICES:
        return _CHOICES[record, name]
    if name == "power_action":
        return Literal["firm", "cap", "shed"]
    if get_origin(hint) is types.UnionType:
        inner = next(each for each in get_args(hint) if each is not type(None))
        return _checked(record, name, inner) | None
    if hint is Level:
        return Annotated[Level, BeforeValidator(among(_LEVELS[name]))]
    if hint is int:
        low, high = _bounds(record, name)
        return Annotated[int, Strict(), Field(ge=low, le=high)]
    if hint is bool:
        return Annotated[bool, Strict()]
    if hint is str:
        free = name == "source" and record is not Recirculation
        return Annotated[str, AfterValidator(printable)] if free else Name
    if dataclasses.is_dataclass(hint):
        return record_type(typing.cast(type, hint))
    return _checked_collection(record, name, hint)


def _checked_collection(record: type, name: str, hint: Any) -> Any:
    """Types of tuples and of records by name: in files both are lists."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        items = tuple(
            each if each is Ellipsis else _checked(record, name, each) for each in arguments
        )
        return types.GenericAlias(tuple, items)
    value = arguments[1]
    if dataclasses.is_dataclass(value):
        return types.GenericAlias(list, (record_type(typing.cast(type, value)),))
    return types.GenericAlias(dict, (Name, _checked(record, name, value)))


def _bounds(record: type, name: str) -> tuple[int, int]:
    if (record, name) in _BOUNDS:
        return _BOUNDS[record, name]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name == "credit_tiers":
        return 0, 1000
    return next(((low, high) for suffix, low, high in _BY_SUFFIX if name.endswith(suffix)), _COUNT)
