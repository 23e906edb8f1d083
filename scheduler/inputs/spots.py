"""Where every value of a document stands."""

from __future__ import annotations

from typing import Any

from scheduler.inputs.mistakes import Loc

# The line of a value without children, or [line, spot of each child in order].
Spot = int | list["Spot"]

MAX_DEPTH = 64


def line_at(data: Any, spots: Spot, loc: Loc) -> int:
    """Line of the value at `loc`, or of its nearest ancestor that exists."""
    line = _first(spots)
    for part in loc:
        index = child_index(data, part)
        if index is None or not isinstance(spots, list) or index + 1 >= len(spots):
            break
        spots, data = spots[index + 1], data[part]
        line = _first(spots)
    return line


def _first(spots: Spot) -> int:
    while isinstance(spots, list):
        spots = spots[0]
    return spots


def child_index(data: Any, part: str | int) -> int | None:
    """Position of a part in what holds it, None if it is not there."""
    if isinstance(data, dict) and part in data:
        return list(data).index(part)
    if isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data):
        return part
    return None
