"""Series of samples: from replies of the Prometheus HTTP API and from text of an exporter."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Loc, Mistakes, Plain
from scheduler.inputs.text_file import read_text

MOST_FILES = 100_000
MOST_CHARACTERS = 20_000  # of a line
MS = 1000
LATEST_S = 10**11  # in the year 5138

_LINE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(?P<labels>.*?)\}(?=\s+\S+(?:\s|$)))?"
    r"\s+(?P<value>[^\s#]+)(?:\s+(?P<time>-?[0-9]{1,16}(?:\.[0-9]+)?))?\s*(?:#.*)?"
)
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": " "}


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one metric with one set of labels. A metric without a name has the name ``""``."""

    metric: str
    labels: Mapping[str, str]
    samples: tuple[tuple[int, float], ...]  # (milliseconds, value)
    is_timed: bool = True


def read_series(source: Path, mistakes: Mistakes) -> Iterator[Series]:
    """Yield the series of a file, or of all files in a folder and its folders.

    Files that end in ``.json`` are replies of ``/api/v1/query`` or ``query_range``, all others
    are text of an exporter. What text says without a time belongs to one moment for each folder.
    """
    moments: dict[Path, int] = {}
    for path in _files(source, mistakes):
        moment = moments.setdefault(path.parent, len(moments))
        if path.suffix.lower() == ".json":
            document = Document.load(path, mistakes)
            if document is not None:
                yield from _reply(document, mistakes)
        else:
            text = read_text(path, mistakes)
            if text is not None:
                yield from _exposition(str(path), text, moment, mistakes)


def _files(source: Path, mistakes: Mistakes) -> list[Path]:
    if not source.is_dir():
        return [source]
    found = sorted(path for path in source.rglob("*") if path.is_file())
    if not found or len(found) > MOST_FILES:
        got = Plain(f"{len(found):,}")
        mistakes.add_at(str(source), 1, "folder", f"1 to {MOST_FILES:,} files", got)
        return []
    return found


def _reply(document: Document, mistakes: Mistakes) -> Iterator[Series]:
    """Yield the series of an API reply: a matrix of a range, or a vector of a moment."""
    reply = document.data
    if not isinstance(reply, dict) or reply.get("status") != "success":
        said = reply.get("error") if isinstance(reply, dict) else reply
        mistakes.add(document, ("status",), "a reply with status success", said)
        return
    data = reply.get("data")
    kind = data.get("resultType") if isinstance(data, dict) else None
    if not isinstance(data, dict) or kind not in ("matrix", "vector"):
        mistakes.add(document, ("data", "resultType"), "one of matrix, vector", kind)
        return
    result = data.get("result")
    if not isinstance(result, list):
        mistakes.add(document, ("data", "result"), "a list of series", result)
        return
    for number, row in enumerate(result):
        loc: Loc = ("data", "result", number)
        labels = row.get("metric") if isinstance(row, dict) else None
        if not isinstance(labels, dict):
            mistakes.add(document, loc, "a series with `metric`", row)
            continue
        values = row.get("values") if kind == "matrix" else [row.get("value")]
        samples = _samples(values)
        if samples is None:
            key = "values" if kind == "matrix" else "value"
            mistakes.add(document, (*loc, key), "pairs of time and value", values)
            continue
        named = {str(key): _word(value) for key, value in labels.items()}
        yield Series(named.pop("__name__", ""), named, samples)


def _samples(values: Any) -> tuple[tuple[int, float], ...] | None:
    """Return pairs of time in milliseconds and value; None if they are none."""
    try:
        pairs = tuple((float(time), float(value)) for time, value in values)
    except (TypeError, ValueError):
        return None
    if not all(math.isfinite(time) and abs(time) <= LATEST_S for time, _ in pairs):
        return None
    return tuple((round(time * MS), value) for time, value in pairs)


def _exposition(file: str, text: str, moment: int, mistakes: Mistakes) -> Iterator[Series]:
    """Yield the samples of a text, each a series of its own."""
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        match = _LINE.fullmatch(bare) if len(bare) <= MOST_CHARACTERS else None
        labels = _labels(match["labels"] or "") if match else None
        value = _number(match["value"]) if match else None
        if match is None or labels is None or value is None:
            expected = "a sample: name{label=...} value"
            mistakes.add_at(file, number, "sample", expected, bare, kind="sample")
            continue
        time = match["time"]
        at = moment * MS if time is None else round(float(time) * (MS if "." in time else 1))
        yield Series(match["name"], labels, ((at, value),), is_timed=time is not None)


def _labels(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _LABEL.match(text, at)
        if match is None:
            return {} if not text[at:].strip() and not found else None
        found[match[1]] = _word(re.sub(r"\\.", lambda m: _ESCAPED.get(m[0], m[0]), match[2]))
        at = match.end()
    return found


def _word(value: object) -> str:
    """Return a label as printable text of sensible length."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(value))[:200].strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
