"""The field types that input files share: names, numbers, percentages, levels."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from scheduler.model import Level
from scheduler.model.levels import (
    CONFLICT_LEVELS,
    ISOLATION_LEVELS,
    LOCALITY_LEVELS,
    RACK_DOMAIN_LEVELS,
)
from scheduler.model.units import round_up

MOST_UNITS = 10_000_000
MOST_GPUS_PER_UNIT = 100_000
MOST_USD_PER_H = 1_000_000

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_NAME = "1 to 200 printable characters without space at either end"


def name(value: str) -> str:
    """Check a name: it must look the same wherever it is shown."""
    if not 1 <= len(value) <= 200 or not value.isprintable() or value.strip() != value:
        raise PydanticCustomError("expected", _NAME)
    return value


def printable(value: str) -> str:
    """Check a remark: one printable line."""
    if len(value) > 2000 or not value.isprintable():
        raise PydanticCustomError("expected", "one line of at most 2000 printable characters")
    return value


def number(value: Any) -> Any:
    """Refuse what only looks like a number to a lenient reader."""
    if isinstance(value, bool):
        raise PydanticCustomError("expected", "a number")
    if isinstance(value, str) and value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise PydanticCustomError("expected", "a finite number")
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("expected", "a finite number")
    return value


def permille(value: Any) -> int:
    """Turn ``2 %`` into 20 thousandths, rounded up."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or Fraction(match[1]) > 100:
        raise PydanticCustomError("expected", "a percentage from 0 % to 100 %, such as 2 %")
    return round_up(Fraction(match[1]), 10)


def among(levels: tuple[Level, ...]) -> Callable[[Any], Level]:
    """Return the reader of a level that must be one of `levels`."""
    by_value = {level.value: level for level in levels}

    def read(value: Any) -> Level:
        found = by_value.get(value) if isinstance(value, str) else None
        if found is None:
            known = ", ".join(by_value)
            raise PydanticCustomError("one_of", "one of {known}", {"known": known})
        return found

    return read


def _enum(levels: tuple[Level, ...]) -> WithJsonSchema:
    return WithJsonSchema({"enum": [level.value for level in levels]})


Isolation = Annotated[Level, BeforeValidator(among(ISOLATION_LEVELS)), _enum(ISOLATION_LEVELS)]
Apart = Annotated[Level, BeforeValidator(among(CONFLICT_LEVELS)), _enum(CONFLICT_LEVELS)]
Locality = Annotated[Level, BeforeValidator(among(LOCALITY_LEVELS)), _enum(LOCALITY_LEVELS)]
RackDomain = Annotated[Level, BeforeValidator(among(RACK_DOMAIN_LEVELS)), _enum(RACK_DOMAIN_LEVELS)]
Name = Annotated[str, AfterValidator(name), Field(min_length=1, max_length=200)]
Number = Annotated[float, BeforeValidator(number), Field(allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(number)]
Percent = Annotated[
    int,
    BeforeValidator(permille, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ ?%$", "examples": ["2 %"]}),
]
Units = Annotated[Whole, Field(ge=1, le=MOST_UNITS)]
GpusPerUnit = Annotated[Whole, Field(ge=1, le=MOST_GPUS_PER_UNIT)]
UsdPerHour = Annotated[Number, Field(ge=-MOST_USD_PER_H, le=MOST_USD_PER_H)]
Days = Annotated[Whole, Field(ge=0, le=100_000)]
