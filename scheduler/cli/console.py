"""Where the command line writes: results to stdout, progress and mistakes to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLUMNS = 100  # widest line of any table
BROKEN, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes besides 0


def output() -> Console:
    """Return the console of results: at most `COLUMNS` wide, colour only on a terminal."""
    return _console(stderr=False)


def errors() -> Console:
    """Return the console of progress and mistakes."""
    return _console(stderr=True)


def safe(text: str) -> str:
    """Return text from a file for a console with markup: no control characters, no tags."""
    from rich.markup import escape

    from scheduler.words import clean

    return escape(clean(text))


def table(*columns: str, title: str | None = None, numbers: tuple[str, ...] = ()) -> Table:
    """Return a plain table; columns named in `numbers` are set to the right."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def print_json(document: object) -> None:
    """Print a document as JSON on stdout, for machines."""
    print(json.dumps(document, indent=1, allow_nan=False))


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on stderr, one line each."""
    from scheduler.words import clean

    for note in notes:
        print(f"note: {clean(note)}", file=sys.stderr)


def fail(line: str, code: int = BAD_INPUT) -> NoReturn:
    """Print one line on stderr and leave."""
    from scheduler.words import clean

    print(f"rackwatt: {clean(line)}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def plain_mistakes() -> Iterator[None]:
    """Turn errors of the operating system into one line on stderr and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(reason_of(error))


def reason_of(error: OSError) -> str:
    """Return ``folder/file: No space left on device``."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    probe = Console(stderr=stderr, highlight=False)
    width = min(probe.width, COLUMNS) if probe.is_terminal else COLUMNS
    return Console(stderr=stderr, highlight=False, width=width)
