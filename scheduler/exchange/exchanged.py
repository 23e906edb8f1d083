"""What goes over the border: files for a neighbour, or what a neighbour's files became."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Exported:
    """Files for a neighbour, by name, and what its reader should know."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Files of ours, by name, and everything that has no place in them."""

    files: Mapping[str, str]
    unmapped: tuple[str, ...] = ()  # one line each: what, where, and why it is left out
    notes: tuple[str, ...] = ()  # choices that were made, defaults that were filled in


class ExchangeError(Exception):
    """Files that cannot be taken or made: every mistake, one line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def differences(files: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Yield the lines of a unified diff from what `folder` holds to `files`.

    Files of the folder that are not in `files` are left alone, and so not shown.
    """
    for name, new in sorted(files.items()):
        path = folder / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        yield from difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            f"{path}" if path.exists() else "(none)",
            f"{path} (new)",
            lineterm="",
        )
