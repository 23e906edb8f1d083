"""Validation against a pydantic model, with its errors turned into mistakes in plain words."""

from __future__ import annotations

import difflib
import itertools
import types
from collections.abc import Collection, Iterator
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Loc, Mistakes, Place, Plain, shown
from scheduler.inputs.spots import child_index

M = TypeVar("M", bound=BaseModel)

MOST_NAMES = 20  # names that are listed in full; of more, only a few
FEW_NAMES = 3

_MAPPING = "a mapping (lines of `name: value`)"
_WORDS = {
    "missing": "a value",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a number of sensible size",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than": "< {lt}",
    "less_than_equal": "<= {le}",
    "string_too_short": "at least {min_length} character(s)",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} item(s)",
    "too_long": "at most {max_length} items",
    "literal_error": "{expected}",
    "enum": "{expected}",
}
_UNITS = (
    ("_usd_per_gpu_h", "$/GPU-h"),
    ("_usd_per_mwh", "$/MWh"),
    ("_mills_per_gpu_h", "mills/GPU-h"),
    ("_mills_per_mwh", "mills/MWh"),
    ("_mk_per_w", "mK/W"),
    ("nk_per_w", "nK/W"),
    ("_w_per_k", "W/K"),
    ("_permille_per_k", "permille/K"),
    ("_permille", "permille"),
    ("_mlpm", "mL/min"),
    ("_mk", "mK"),
    ("_kw", "kW"),
    ("_mw", "MW"),
    ("_w", "W"),
    ("_c", "°C"),
    ("_mc", "m°C"),
    ("_k", "K"),
    ("_days", "days"),
    ("_h", "h"),
    ("_s", "s"),
)


def validate(model: type[M], document: Document, mistakes: Mistakes, loc: Loc = ()) -> M | None:
    """Return the value at `loc` of `document` as a `model`, or None after mistakes."""
    data = document.data
    for part in loc:
        data = data[part]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        report(error, model, data, document, mistakes, loc)
        return None


def report(
    error: ValidationError,
    annotation: Any,
    data: Any,
    place: Place,
    mistakes: Mistakes,
    loc: Loc = (),
) -> None:
    """Add every error as a mistake; alternatives for the same value become one mistake."""
    by_loc: dict[Loc, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        by_loc.setdefault(_loc_in(data, each), []).append(each)
    parents = {inner[:depth] for inner in by_loc for depth in range(len(inner))}
    for inner, errors in by_loc.items():
        if inner in parents:  # another alternative got further
            continue
        if mistakes.is_full:
            mistakes.count(1)
        elif not mistakes.count_if_many(loc + inner, _kind(errors)):
            _add(annotation, inner, errors, place, mistakes, loc)


def near(word: str, known: Collection[str], most: int) -> list[str]:
    """Return the known words that are most similar, best first."""
    start = word[:2].lower()
    alike = (name for name in known if len(known) <= 100 or name[:2].lower() == start)
    return difflib.get_close_matches(word[:200], list(itertools.islice(alike, 1000)), n=most)


def closest(word: str, known: Collection[str]) -> str:
    """Return the hint that names the most similar known word, empty if none is near."""
    found = near(word, known, 1)
    return f"did you mean {found[0]}?" if found else ""


def one_of(known: Collection[str], word: str = "") -> str:
    """Say what may stand in a place: ``one of a, b, c``.

    Of a long list only the names that are similar to `word`, or else the first ones.
    """
    if not known:
        return "nothing here"
    few = list(known)
    if len(known) > MOST_NAMES:
        few = near(word, known, FEW_NAMES) or list(itertools.islice(known, FEW_NAMES))
    more = f" and {len(known) - len(few)} more" if len(known) > len(few) else ""
    return f"one of {', '.join(shown(Plain(each)) for each in few)}{more}"


def _add(
    annotation: Any,
    inner: Loc,
    errors: list[ErrorDetails],
    place: Place,
    mistakes: Mistakes,
    loc: Loc,
) -> None:
    first, alike = errors[0], _kind(errors)
    kind, value = first["type"], first["input"]
    if kind == "extra_forbidden":
        known = sorted(set(_keys(annotation, inner[:-1])))
        key = str(inner[-1])
        mistakes.add(place, loc + inner, one_of(known, key), key, closest(key, known), alike)
        return
    unit = _unit(inner)
    expected = " or ".join(dict.fromkeys(_expected(each, unit) for each in errors))
    hint = ""
    if kind == "string_type" and isinstance(value, int | float) and len(errors) == 1:
        hint = "put it in quotes"
    if kind in ("literal_error", "enum") and isinstance(value, str):
        hint = closest(value, first["ctx"]["expected"].replace(" or ", ", ").split("'")[1::2])
    if kind == "one_of" and isinstance(value, str):
        hint = closest(value, first["ctx"]["known"].split(", "))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    got = Plain(f"{shown(value)} {unit}") if is_number and unit else value
    mistakes.add(place, loc + inner, expected, None if kind == "missing" else got, hint, alike)


def _kind(errors: list[ErrorDetails]) -> str:
    """What the errors at one place have in common with those at others."""
    return " ".join(error["type"] + error["msg"] for error in errors)


def _expected(error: ErrorDetails, unit: str) -> str:
    words = _WORDS.get(error["type"])
    if words is None:
        message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return message if message[:2].isupper() else message[:1].lower() + message[1:]
    context = {key: _short(value) for key, value in error.get("ctx", {}).items()}
    text = words.format(**context).replace("'", "")
    return f"{text} {unit}" if unit and text[0] in "<>" else text


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unit(loc: Loc) -> str:
    field = next((part for part in reversed(loc) if isinstance(part, str)), "")
    return next((unit for suffix, unit in _UNITS if field.endswith(suffix)), "")


def _loc_in(data: Any, error: ErrorDetails) -> Loc:
    """Drop from the error's place what pydantic adds: names of alternatives, ``[key]``."""
    kept: list[str | int] = []
    loc = error["loc"]
    for index, part in enumerate(loc):
        if child_index(data, part) is not None:
            data = data[part]
            kept.append(part)
        elif error["type"] == "missing" and index == len(loc) - 1:
            kept.append(part)
    return tuple(kept)


def _keys(annotation: Any, loc: Loc) -> list[str]:
    """Names of the fields that the annotation allows at `loc`."""
    kinds = list(_alternatives(annotation))
    for part in loc:
        kinds = [each for kind in kinds for child in _step(kind, part) for each in child]
    return [key for kind in kinds for key in _fields(kind)]


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from _alternatives(each)
    else:
        yield annotation


def _step(kind: Any, part: str | int) -> Iterator[Iterator[Any]]:
    if isinstance(part, str) and part in (fields := _fields(kind)):
        yield _alternatives(fields[part])
    elif get_args(kind):
        arguments = get_args(kind)
        if isinstance(part, int) or len(arguments) > 1:
            yield _alternatives(arguments[0] if isinstance(part, int) else arguments[1])


def _fields(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {field.alias or key: field.annotation for key, field in kind.model_fields.items()}
    return {}
