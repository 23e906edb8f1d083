"""Fields of untrusted mappings, read one by one; every mistake keeps its file and line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.exchange.exchanged import ExchangeError
from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import InputError, Loc, Mistakes

MOST_CHARACTERS = 200  # of a name
MOST = 10**12  # of any amount


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping of a document, and where it stands. What is missing or wrong reads as empty."""

    data: dict[str, Any]
    document: Document
    mistakes: Mistakes
    loc: Loc = ()

    def expected(self, key: str, condition: str) -> None:
        """Note that the value of a field is not what was expected."""
        self.mistakes.add(self.document, (*self.loc, key), condition, self.data.get(key))

    def name(self, key: str) -> str:
        """Read a name that must be there."""
        value = self.data.get(key)
        if not is_name(value):
            self.expected(key, f"1 to {MOST_CHARACTERS} printable characters")
            return ""
        return str(value)

    def text(self, key: str) -> str | None:
        """Read a name that may be missing."""
        return None if self.data.get(key) is None else self.name(key)

    def names(self, key: str) -> list[str]:
        """Read a list of names that may be missing."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(map(is_name, value)):
            self.expected(key, "a list of names")
            return []
        return [str(each) for each in value]

    def number(self, key: str, default: float | None = None) -> float | None:
        """Read a number of at least 0 that may be missing."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.expected(key, "a number")
            return default
        if not (math.isfinite(value) and 0 <= value <= MOST):
            self.expected(key, f"0 to {MOST:.0e}")
            return default
        return value

    def count(self, key: str) -> int | None:
        """Read a whole number of at least 0 that may be missing."""
        value = self.number(key)
        if value is not None and value != int(value):
            self.expected(key, "a whole number")
            return None
        return None if value is None else int(value)

    def inner(self, key: str) -> Fields:
        """Read a mapping that may be missing: it is empty then."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, dict):
            self.expected(key, "a mapping")
        data = value if isinstance(value, dict) else {}
        return Fields(data, self.document, self.mistakes, (*self.loc, key))

    def records(self, key: str) -> Iterator[Fields]:
        """Yield the mappings of a list that may be missing."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, list):
            self.expected(key, "a list")
        for number, each in enumerate(value if isinstance(value, list) else ()):
            loc = (*self.loc, key, number)
            if isinstance(each, dict):
                yield Fields(each, self.document, self.mistakes, loc)
            else:
                self.mistakes.add(self.document, loc, "a mapping", each)

    def by_name(self, key: str) -> Iterator[tuple[str, Fields]]:
        """Yield the mappings of a mapping by their names; null is an empty one."""
        outer = self.inner(key)
        for name in outer.data:
            if is_name(name):
                yield name, outer.inner(name)
            else:
                outer.expected(name, f"a name of 1 to {MOST_CHARACTERS} printable characters")

    def others(self, *known: str) -> list[str]:
        """Return the keys that are not among the known ones."""
        return [key for key in self.data if key not in known]


def is_name(value: object) -> bool:
    """Whether a value can be a name: it must look the same wherever it is shown."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= MOST_CHARACTERS
        and value.isprintable()
        and value.strip() == value
    )


def read_fields(path: Path, mistakes: Mistakes) -> Fields:
    """Read a YAML or JSON file that holds one mapping.

    Raises
    ------
    ExchangeError
        The file cannot be read, or holds something else.
    """
    document = Document.load(path, mistakes)
    if document is not None and not isinstance(document.data, dict):
        mistakes.add(document, (), "a mapping", document.data)
    raise_if_any(mistakes)
    assert document is not None, "a reader that gives up says why"
    return Fields(document.data, document, mistakes)


def raise_if_any(mistakes: Mistakes) -> None:
    """Raise `ExchangeError` with all mistakes, if there is any."""
    try:
        mistakes.raise_if_any()
    except InputError as error:
        raise ExchangeError([str(mistake) for mistake in error.mistakes]) from None
