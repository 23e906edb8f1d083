"""Mistakes in input files: collected with their places, reported all at once."""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass, field, replace
from typing import Protocol

Loc = tuple[str | int, ...]

MOST_MISTAKES = 200  # what is listed one by one; the rest is counted
MOST_OF_A_KIND = 10  # mistakes alike that are listed one by one; the rest is summed up
EACH = "[*]"  # in the field of a total: every record of a section
_WIDTH = 80
_FIGURES = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PLAIN_KEY = re.compile(r"[\w.-]{1,60}")


class Place(Protocol):
    """Something whose values stand in files: a document, a folder of tables."""

    def where(self, loc: Loc) -> tuple[str, int]:
        """Return file and line of the value at `loc`; lines count from 1."""
        ...


class Plain(str):
    """A `got` that is shown as it stands, without quotes: ``Plain("-5 kW")``."""

    __slots__ = ()


class _Short(reprlib.Repr):
    """``repr`` of untrusted values, cut at every level."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple = 2, 3, 4, 4
        self.maxstring = self.maxlong = self.maxother = 60


_SHORT = _Short()


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: where it is, what was expected there and what was found."""

    file: str
    line: int
    field: str
    expected: str
    got: str
    hint: str = ""

    def __str__(self) -> str:
        """``site.yaml:12: halls[0].power.ups_kw: expected > 0 kW, got -5 kW (hint: ...)``."""
        hint = f" (hint: {self.hint})" if self.hint else ""
        return _one_line(
            f"{self.file}:{self.line}: {self.field}: expected {self.expected}, got {self.got}{hint}"
        )


class InputError(Exception):
    """Input that cannot be used, with every mistake that was found."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(slots=True)
class _Kind:
    """Mistakes alike: the same field of many records, the same words."""

    loc: Loc
    listed: list[Mistake] = field(default_factory=list)
    more: int = 0

    def total(self) -> Mistake:
        """One line for those that are not listed, in the place of the last one that is."""
        last = max(self.listed, key=lambda mistake: (mistake.file, mistake.line))
        got = f"{self.more} more mistakes like this one"
        return replace(last, field=field_text(self.loc), got=got, hint="")


class Mistakes:
    """Collects mistakes while files are read."""

    def __init__(self) -> None:
        self._found: list[Mistake] = []
        self._kinds: dict[tuple[Loc, str], _Kind] = {}
        self._more = 0
        self._summed_up = 0

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._found)

    @property
    def is_full(self) -> bool:
        """Whether further mistakes are only counted: their words are not worth finding."""
        return len(self._found) >= MOST_MISTAKES

    def count(self, more: int) -> None:
        """Count mistakes that are not listed."""
        self._more += more

    def __len__(self) -> int:
        """How many were found, listed or only counted."""
        return len(self._found) + self._summed_up + self._more

    def count_if_many(self, loc: Loc, kind: str) -> bool:
        """Count one more mistake of a kind if enough of it are listed: its words are not needed."""
        found = self._kinds.get((_pattern(loc), kind))
        if found is None or len(found.listed) < MOST_OF_A_KIND:
            return False
        found.more += 1
        self._summed_up += 1
        return True

    def add(
        self,
        document: Place,
        loc: Loc,
        expected: str,
        got: object,
        hint: str = "",
        kind: str | None = None,
    ) -> None:
        """Add the mistake at `loc` of `document`; `got` is the value that stands there.

        Mistakes of one `kind` in the same field of many records are summed up after the first few;
        without a kind, those whose words differ in figures only are alike.
        """
        kind = _FIGURES.sub("0", expected) if kind is None else kind
        if self.count_if_many(loc, kind):
            return
        if self.is_full:
            self._more += 1
            return
        file, line = document.where(loc)
        mistake = Mistake(file, line, field_text(loc), expected, shown(got), hint)
        self._list(mistake, _pattern(loc), kind)

    def add_at(
        self,
        file: str,
        line: int,
        field: str,
        expected: str,
        got: object,
        hint: str = "",
        kind: str = "",
    ) -> None:
        """Add a mistake whose place is already known; those of one `kind` are summed up."""
        if kind and self.count_if_many((field,), kind):
            return
        if self.is_full:
            self._more += 1
            return
        self._list(Mistake(file, line, field, expected, shown(got), hint), (field,), kind)

    def _list(self, mistake: Mistake, pattern: Loc, kind: str) -> None:
        self._found.append(mistake)
        if kind:
            self._kinds.setdefault((pattern, kind), _Kind(pattern)).listed.append(mistake)

    def raise_if_any(self) -> None:
        """Raise `InputError` with all mistakes in order of their place, if there is any."""
        if not self._found:
            return
        totals = [kind.total() for kind in self._kinds.values() if kind.more]
        listed = sorted([*self._found, *totals], key=lambda mistake: (mistake.file, mistake.line))
        if self._more:
            last = listed[-1]
            listed.append(
                Mistake(last.file, last.line, "further mistakes", "none", f"{self._more} more")
            )
        raise InputError(tuple(listed))


def _pattern(loc: Loc) -> Loc:
    """Return `loc` without what tells records apart: their numbers, their names."""
    return tuple(
        EACH if isinstance(part, int) or (depth == 1 and len(loc) > 2) else part
        for depth, part in enumerate(loc)
    )


def field_text(loc: Loc) -> str:
    """Return `loc` as a person writes it: ``halls[0].power.ups_kw``."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part == EACH:
            text += EACH
        else:
            key = part if _PLAIN_KEY.fullmatch(part) else _SHORT.repr(part)
            text += f".{key}" if text else key
    return text or "file"


def shown(value: object) -> str:
    """Return an untrusted value as one short line, control characters escaped."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _one_line(value) if isinstance(value, Plain) else _SHORT.repr(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
