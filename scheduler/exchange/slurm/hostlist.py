"""Slurm's hostlists: ``r[1-2]-n[01-08],login`` and the names that it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from math import prod

MOST_HOSTS = 1_000_000  # what one expression may stand for
_MOST_RANGES = 100_000
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,18}(?![0-9])")


class HostlistError(ValueError):
    """Text that is no hostlist, or one that is too long."""


def expand(text: str) -> list[str]:
    """Return the names that a hostlist stands for, in its order.

    Raises
    ------
    HostlistError
        Brackets that do not close, a range that runs backwards, characters that no host name
        has, or more than `MOST_HOSTS` names.
    """
    found: list[str] = []
    for part in _parts(text):
        pieces = _BRACKET.split(part)  # text, inside, text, inside, ..., text
        inside = [_numbers(each) for each in pieces[1::2]]
        if len(found) + prod(map(len, inside)) > MOST_HOSTS:
            raise HostlistError(f"more than {MOST_HOSTS:,} names")
        for numbers in product(*inside):
            mixed = [pieces[0]]
            for number, after in zip(numbers, pieces[2::2], strict=True):
                mixed += [number, after]
            found.append(_host("".join(mixed)))
    return found


def fold(names: Iterable[str]) -> str:
    """Return a short hostlist of `names`; the same set of names gives the same text.

    Runs of the last number are folded first, then racks that hold the same run:
    ``r1-n01, r1-n02, r2-n01, r2-n02 -> r[1-2]-n[01-02]``.
    """
    runs = _folded(sorted(set(names), key=natural), len)
    return ",".join(_folded(runs, lambda run: (run + "[").index("[")))


def natural(name: str) -> tuple[tuple[str, int, str], ...]:
    """Sort key in which ``n2`` comes before ``n10``."""
    found = re.findall(r"([^0-9]*)([0-9]*)", name)
    return tuple((text, int(digits) if digits else -1, digits) for text, digits in found)


def _parts(text: str) -> Iterator[str]:
    """Yield the parts between the commas that stand outside of brackets."""
    start = depth = 0
    for i, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if depth not in (0, 1):
            raise HostlistError(f"brackets that do not match in {text[:60]!r}")
        if char == "," and depth == 0:
            yield text[start:i].strip()
            start = i + 1
    if depth:
        raise HostlistError(f"a bracket that does not close in {text[:60]!r}")
    yield text[start:].strip()


def _numbers(inside: str) -> list[str]:
    """Return the numbers of ``01-03,7``, zeros kept."""
    found: list[str] = []
    for part in inside.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise HostlistError(f"a range such as 1-8, got {part[:60]!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise HostlistError(f"a range that goes up, got {part[:60]!r}")
        if len(found) + last - first >= _MOST_RANGES:
            raise HostlistError(f"more than {_MOST_RANGES:,} numbers in brackets")
        found += [f"{number:0{len(match[1])}d}" for number in range(first, last + 1)]
    return found


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise HostlistError(f"a host name, got {name[:60]!r}")
    return name


def _folded(pieces: Iterable[str], end_of: Callable[[str], int]) -> list[str]:
    """Fold pieces that differ only in the last number before the place that `end_of` tells."""
    groups: dict[tuple[str, str | None], list[str]] = {}  # None: a piece without a number
    for piece in pieces:
        numbers = list(_NUMBER.finditer(piece, 0, end_of(piece)))
        start, end = numbers[-1].span() if numbers else (len(piece), len(piece))
        after = piece[end:] if numbers else None
        groups.setdefault((piece[:start], after), []).append(piece[start:end])
    return [
        before + (found[0] if len(found) == 1 else f"[{_ranges(found)}]") + (after or "")
        for (before, after), found in groups.items()
    ]


def _ranges(numbers: Iterable[str]) -> str:
    """Return ``01-03,7``; a run goes on while counting from its first number gives the next."""
    runs: list[list[str]] = []
    for number in numbers:
        if runs and f"{int(runs[-1][-1]) + 1:0{len(runs[-1][0])}d}" == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
