"""Entries of list replies: untrusted JSON objects, read field by field with their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Loc, Mistakes

MOST_CHARACTERS = 80
MOST_ID = 2**63


@dataclass(frozen=True, slots=True)
class Ref:
    """Another object as an entry names it."""

    id: int
    name: str
    slug: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a reply, and where it stands."""

    data: dict[str, Any]
    page: Document
    loc: Loc
    mistakes: Mistakes

    @property
    def id(self) -> int:
        """Number of the object."""
        return self.whole("id", 0, MOST_ID)

    def name(self) -> str:
        """Return its name; devices may have none, and show another."""
        return name_of(self.data)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Read a whole number; `default` stands for null, if given."""
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.expected(key, f"a whole number from {low} to {high}", value)
            return low
        return value

    def optional_whole(self, key: str, high: int) -> int | None:
        """Read a whole number of at least 0; None for null."""
        return None if self.data.get(key) is None else self.whole(key, 0, high)

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        """Read ``{"value": ..., "label": ...}``; null is the first of `known`."""
        value = self.data.get(key)
        value = value.get("value") if isinstance(value, dict) else value
        if value is None or value == "":
            return known[0]
        if not isinstance(value, str) or value not in known:
            self.expected(key, f"one of {', '.join(known)}", value)
            return known[0]
        return value

    def ref(self, key: str, *, needed: bool = False) -> Ref | None:
        """Read another object: an object with ``id``, or its number; None for null."""
        value = self.data.get(key)
        if value is None and not needed:
            return None
        found = _ref(value)
        if found is None:
            self.expected(key, "an object with `id`", value)
        return found

    def needed_ref(self, key: str) -> Ref:
        """Read an object that must be there."""
        return self.ref(key, needed=True) or Ref(-1, "")

    def ends(self, kind: str) -> tuple[int, ...]:
        """Return what the cable leads to, as far as it is of `kind`, such as ``dcim.powerfeed``."""
        ends = self.data.get("connected_endpoints")
        if ends is None or self.data.get("connected_endpoints_type") != kind:
            return ()
        refs = [_ref(each) for each in ends] if isinstance(ends, list) else [None]
        if None in refs:
            self.expected("connected_endpoints", "a list of objects with `id`", ends)
        return tuple(each.id for each in refs if each is not None)

    def custom_fields(self) -> dict[str, str]:
        """Return the custom fields that hold text, a number or a choice, as text."""
        fields = self.data.get("custom_fields")
        if not isinstance(fields, dict):
            return {}
        return {
            str(key): tidy(str(value))
            for key, value in fields.items()
            if isinstance(value, str | int | float) and not isinstance(value, bool)
        }

    def expected(self, key: str, expected: str, got: object) -> None:
        """Add a mistake."""
        self.mistakes.add(self.page, (*self.loc, key), expected, got)


def entries(pages: list[Document], mistakes: Mistakes) -> Iterator[Entry]:
    """Yield every object of the pages once: a page may repeat what moved while it was read."""
    seen: set[int] = set()
    for page in pages:
        is_bare = isinstance(page.data, list)
        rows: list[Any] = page.data if is_bare else page.data["results"]
        for number, data in enumerate(rows):
            loc: Loc = (number,) if is_bare else ("results", number)
            if not isinstance(data, dict):
                mistakes.add(page, loc, "an object", data)
                continue
            entry = Entry(data, page, loc, mistakes)
            if entry.id not in seen:
                seen.add(entry.id)
                yield entry


def name_of(data: dict[str, Any]) -> str:
    """Return a name that may stand in our files: printable, short, no space at either end."""
    for key in ("name", "display"):
        if isinstance(data.get(key), str) and (name := tidy(data[key])):
            return name
    return f"#{data.get('id')}"


def tidy(text: str) -> str:
    """Return text as one printable line without spaces at its ends, cut to what a name may be."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line[:MOST_CHARACTERS].strip()


def _ref(value: object) -> Ref | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Ref(value, f"#{value}")
    if not isinstance(value, dict):
        return None
    number = value.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    slug = value.get("slug")
    model = value.get("model")
    named = {"name": model, **value} if isinstance(model, str) else value
    return Ref(number, name_of(named), tidy(slug) if isinstance(slug, str) else "")
