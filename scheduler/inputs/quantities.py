"""Building blocks of the file records: strict models, percentages, quantities with a unit."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from scheduler.model.units import exact, round_down, round_up

KILO = 1000
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
PERCENT = r"^[0-9]{1,4}(\.[0-9]{1,4})? ?%$"
_REQUIRED: Any = ...


class Record(BaseModel):
    """A record of a file: no unknown fields, no silent conversion, no NaN."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True
    )


def quantity(
    unit: str,
    description: str,
    default: Any = _REQUIRED,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """Return a pydantic field for a number with a unit, bounds and the source of its default."""
    return Field(
        default, description=description, ge=ge, gt=gt, le=le, json_schema_extra={"unit": unit}
    )


def read_percent(value: object) -> object:
    """Return ``"80 %"`` as 80.0; a bare number is refused, because 0.8 and 80 are both written."""
    if isinstance(value, str) and re.fullmatch(PERCENT, value):
        return float(value.rstrip("% "))
    raise PydanticCustomError("expected", "a percentage with its sign, such as 80 %")


Percent = Annotated[
    float,
    BeforeValidator(read_percent),
    WithJsonSchema({"type": "string", "pattern": PERCENT, "examples": ["80 %"]}),
]


def permille_up(percent: float) -> int:
    """Return a percentage that is a demand as thousandths."""
    return round_up(percent, 10)


def permille_down(percent: float) -> int:
    """Return a percentage that is a limit as thousandths."""
    return round_down(percent, 10)


def watts_up(kw: float) -> int:
    """Return a demand in kW as watts."""
    return round_up(kw, KILO)


def watts_down(kw: float) -> int:
    """Return a limit in kW as watts."""
    return round_down(kw, KILO)


def times(value: float, percent: float, per_unit: int = 1) -> int:
    """Return ``floor(value * per_unit * percent / 100)``: a derated limit."""
    return round_down(exact(value) * per_unit * exact(percent) / 100)
