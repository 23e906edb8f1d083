"""JSON text as plain data; lines are looked for only when a mistake needs them."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.inputs.spots import MAX_DEPTH, Spot
from scheduler.inputs.text_file import forbidden

_DEPTH = f"at most {MAX_DEPTH} levels"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]|[^\s{}\[\],:"]+', re.DOTALL)


def read_json(file: str, text: str, mistakes: Mistakes) -> tuple[Any] | None:
    """Return the data of JSON `text` as a tuple of one; None if it cannot be used."""
    doubtful: list[object] = []  # doubled keys and numbers that are none: their lines come later
    try:
        data = _parse(text, doubtful)
    except json.JSONDecodeError as error:
        mistakes.add_at(file, error.lineno, "file", "valid JSON", Plain(error.msg))
        return None
    except (RecursionError, ValueError) as error:
        deep = isinstance(error, RecursionError)
        expected = _DEPTH if deep else "numbers of fewer digits"
        got = "deeper nesting" if deep else "thousands of digits"
        mistakes.add_at(file, 1, "file", expected, Plain(got))
        return None
    before = len(mistakes)
    if not _is_flat(data):
        mistakes.add_at(file, 1, "file", _DEPTH, Plain("deeper nesting"))
    elif doubtful:
        json_spots(file, text, mistakes)
    elif "\\u" in text:
        for bad in itertools.islice(filter(None, map(forbidden, _strings(data))), 1):
            mistakes.add_at(file, 1, "file", "printable text", bad)
    return (data,) if len(mistakes) == before else None


def _parse(text: str, doubtful: list[object]) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            doubtful.append(items)
        return found

    def number(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            doubtful.append(literal)
        return value

    return json.loads(text, object_pairs_hook=pairs, parse_float=number, parse_constant=number)


def json_spots(file: str, text: str, mistakes: Mistakes) -> Spot:
    """Find the lines of valid JSON `text`; report doubled keys and numbers that are none."""
    line = 1
    root: list[Spot] = [1]
    spots = root
    keys: set[str] | None = None  # keys seen so far, None in a list
    key: str | None = None
    outer: list[tuple[list[Spot], set[str] | None]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        match token[0]:
            case "\n":
                line += 1
            case "{" | "[":
                inner: list[Spot] = [line]
                spots.append(inner)
                outer.append((spots, keys))
                spots, keys, key = inner, set() if token == "{" else None, None
            case "}" | "]":
                (spots, keys), key = outer.pop(), None
            case ",":
                key = None
            case ":":
                pass
            case _ if keys is not None and key is None:
                key = token
                if key in keys:
                    got = Plain("a second one")
                    mistakes.add_at(file, line, json.loads(key)[:80], "each key once", got)
                keys.add(key)
            case _:
                spots.append(line)
                if not _is_plain(token):
                    mistakes.add_at(file, line, "number", "a finite number", Plain(token))
    return root[1]


def _is_plain(token: str) -> bool:
    return token[0] in '"tfn' or math.isfinite(float(token))


def _is_flat(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [child for each in level for child in _containers(each)]
        if not level:
            return True
    return False


def _containers(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [child for child in data.values() if isinstance(child, dict | list)]
    if isinstance(data, list):
        return [child for child in data if isinstance(child, dict | list)]
    return []


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, child in data.items():
            yield key
            yield from _strings(child)
    elif isinstance(data, list):
        for child in data:
            yield from _strings(child)
