"""Where the gap between bound and plan sits, and what proved the bound, in words."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.families import SLOTS, family_of, rack_named
from scheduler.model import Problem
from scheduler.planner import GapPart
from scheduler.words import percent, quantity
from scheduler.worth import usd

PROVED_BY = {
    "volume": "by a linear relaxation",
    "columns": "by Dantzig-Wolfe over exclusive tenants",
    "mixed": "by a mixed-integer program with large jobs and kept domains whole",
    "program": "by an integer program over rack classes",
    "exact": "by an exact program",
}
_UNUSED = "unused"
_COUNTED_MORE = {
    "group": "tenant {}: the bound counts more of it than the plan earns",
    "job": "job {}: the bound counts more of it than the plan earns",
}


def gap_records(problem: Problem, parts: Iterable[GapPart]) -> list[dict[str, object]]:
    """Return the parts of the gap, the largest first, unused room by component family.

    `share` is of all parts above zero. One below zero is how much closer the bound in the end is
    than the prices say that split it.
    """
    mills: dict[tuple[str, str], int] = {}
    for part in parts:
        subject = _room(problem, part.subject) if part.kind == _UNUSED else part.subject
        mills[part.kind, subject] = mills.get((part.kind, subject), 0) + part.mills
    total = sum(amount for amount in mills.values() if amount > 0)
    ordered = sorted(mills.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "kind": kind,
            "subject": subject,
            "usd_per_h": amount / 1000,
            "share": round(amount / total, 6) if total else 0.0,
        }
        for (kind, subject), amount in ordered
    ]


def gap_lines(records: list[dict[str, object]], most: int) -> list[str]:
    """Return a line for each of the largest parts of `gap_records`."""
    shown = [record for record in records if _number(record["usd_per_h"]) > 0]
    lines = [
        f"{usd(_number(record['usd_per_h']))}/h, {percent(_number(record['share']), 0)}: "
        f"{_part_words(str(record['kind']), str(record['subject']))}"
        for record in shown[:most]
    ]
    rest = shown[most:]
    if rest:
        left = sum(_number(record["usd_per_h"]) for record in rest)
        lines.append(f"{usd(left)}/h in {quantity(len(rest), 'smaller parts')}")
    closer = -sum(min(0.0, _number(record["usd_per_h"])) for record in records)
    if closer > 0:
        lines.append(f"less {usd(closer)}/h, as another proof is closer than these prices")
    return lines


def proved_by(bound_by: str) -> str:
    """Return what proved the bound, as the end of a clause; nothing if it is not said."""
    return f" ({PROVED_BY.get(bound_by, f'by {bound_by}')})" if bound_by else ""


def _part_words(kind: str, subject: str) -> str:
    if kind == _UNUSED:
        room = subject or "between sizes of jobs and of kept domains"
        return f"room that has a price and stays empty: {room}"
    return _COUNTED_MORE.get(kind, f"{kind} {{}}").format(subject)


def _room(problem: Problem, subject: str) -> str:
    """Return the family of the room that is empty: its hall and type."""
    site = problem.site
    is_rack = subject not in site.power_nodes and subject not in site.loops
    kind = SLOTS if is_rack and rack_named(site, subject) is not None else "load"
    family, _ = family_of(site, kind, "", subject)
    return f"GPU slots of {family.words}" if kind == SLOTS else family.words


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)
