"""The sound part of a compact site file with mistakes of shape: the rest is put in its place.

Every broken part gets a stand-in, so that halls and arrays keep their numbers and the rest can be
written out and checked. What names something that a stand-in may have changed is left out.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError

from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.mistakes import Loc
from scheduler.inputs.site_file import SiteFile
from scheduler.inputs.validation import near

_COOL = {"air": {"inlet_limit_c": 60}}  # nothing is too hot: cooling that is broken says nothing
_STAND_INS: dict[str, Any] = {
    "name": "unnamed",
    "ambient": {"dry_bulb_c": 20, "wet_bulb_c": 10},
    "power_basis": "nameplate",
}
_NAMING_PARTS = ("drained", "down_nodes")


def sound_part(data: object) -> SiteFile | None:
    """Return what can be read of the content of a site file; None if that is too little."""
    if not isinstance(data, dict) or not isinstance(data.get("halls"), list):
        return None
    locs = _broken(data)
    tops = {str(loc[0]) for loc in locs}
    fields = SiteFile.model_fields
    if any("rack_types" in near(key, fields, 1) for key in tops - fields.keys()):
        return None  # racks of types that stand under a misspelt name
    part: dict[str, Any] = copy.deepcopy(data)
    _replace_types(part, locs)
    for top in tops - {"halls", "rack_types"}:
        part.pop(top, None)
    part["halls"] = [
        _hall(number, hall, [loc[2:] for loc in locs if loc[:2] == ("halls", number)])
        for number, hall in enumerate(part["halls"])
    ]
    if tops & {"halls", "utility"}:
        part.pop("failure_sets", None)
    try:
        return SiteFile.model_validate(_STAND_INS | part)
    except ValidationError:
        return None


def _broken(data: dict[str, Any]) -> list[Loc]:
    try:
        SiteFile.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return [each["loc"] for each in found]
    return []


def _replace_types(part: dict[str, Any], locs: list[Loc]) -> None:
    types = part.get("rack_types")
    names = [loc[1] for loc in locs if loc[0] == "rack_types" and len(loc) > 1]
    if names and isinstance(types, dict):
        types |= {name: {"like": _any_type()} for name in names}
        _drop_names(part["halls"])


def _any_type() -> str:
    return next(iter(catalogue()))


def _hall(number: int, hall: object, broken: list[Loc]) -> object:
    """Return the hall, with stand-ins for what is broken in it."""
    if not broken:
        return hall
    entries = hall.get("arrays") if isinstance(hall, dict) else None
    arrays = list(entries) if isinstance(entries, list) and entries else [None]
    fields = {str(loc[0]) for loc in broken if loc}
    kept = {} if not isinstance(hall, dict) else dict(hall)
    for loc in broken:
        if loc[:1] == ("arrays",) and len(loc) > 1 and isinstance(loc[1], int):
            arrays[loc[1]] = _array(arrays[loc[1]])
    for name in fields:
        kept.pop(name, None)
    if "cooling" in fields:
        kept["cooling"] = _COOL
    kept["arrays"] = [_array(None) if each is None else each for each in arrays]
    kept.setdefault("name", f"hall-{number}")
    _drop_names([kept])
    return kept


def _array(entry: object) -> dict[str, Any]:
    """Return a stand-in for an array that keeps its rack type, which can be checked."""
    rack = entry.get("rack") if isinstance(entry, dict) else None
    return {"rack": rack if isinstance(rack, str) and rack else _any_type()}


def _drop_names(halls: list[Any]) -> None:
    """Leave out what names racks, whose names and nodes may differ in the stand-ins."""
    for hall in halls:
        arrays = hall.get("arrays") if isinstance(hall, dict) else None
        for entry in arrays if isinstance(arrays, list) else []:
            if isinstance(entry, dict):
                for field in _NAMING_PARTS:
                    entry.pop(field, None)
