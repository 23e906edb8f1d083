"""Fields of records that others wrote: of any type, or missing."""

from __future__ import annotations

import re
from typing import Any

_DIGITS = re.compile(r"[0-9]{1,18}")


def text_of(record: object, key: str) -> str:
    """Return text, or a number as text; empty if there is neither."""
    value = record.get(key) if isinstance(record, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else ""


def number_of(record: object, key: str) -> int | None:
    """Return a whole number, also as Slurm writes it since 23.02: ``{"set": .., "number": 4}``."""
    value = record.get(key) if isinstance(record, dict) else None
    if isinstance(value, dict):
        if value.get("set") is False or value.get("infinite") is True:
            return None
        value = value.get("number")
    if type(value) is int:
        return value
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else None


def list_of(record: object, key: str) -> list[Any]:
    """Return a list, one value as a list of one; empty if there is nothing."""
    value = record.get(key) if isinstance(record, dict) else None
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def words_of(record: object, key: str) -> set[str]:
    """Return the words of a list or of one text, in capitals: ``"idle" -> {"IDLE"}``."""
    return {each.upper() for each in list_of(record, key) if isinstance(each, str)}
