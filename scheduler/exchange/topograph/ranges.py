"""Topograph's compact ranges: ``n[08-10]`` for n08, n09, n10."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"(.*?)([0-9]{1,18})")


def compact(hosts: Iterable[str]) -> list[str]:
    """Fold neighbours whose last number counts up by one; the order stays as it is.

    One range in one name, at its end: Topograph reads no others.
    """
    found: list[tuple[str, str, str]] = []  # what comes before, first and last number
    for host in hosts:
        match = _NUMBERED.fullmatch(host)
        before, number = (match[1], match[2]) if match else (host, "")
        if found and number and found[-1][0] == before and _next(found[-1][2]) == number:
            found[-1] = (before, found[-1][1], number)
        else:
            found.append((before, number, number))
    return [
        before + (first if first == last else f"[{first}-{last}]") for before, first, last in found
    ]


def _next(number: str) -> str:
    return f"{int(number) + 1:0{len(number)}d}" if number else ""
