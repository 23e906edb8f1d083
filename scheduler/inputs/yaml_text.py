"""YAML text as plain data with lines, built from the parser's events without recursion.

Plain scalars are null, true, false, decimal numbers or text, nothing else: ``no`` and ``12:30``
stay text. Anchors, aliases and tags are refused.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.inputs.spots import MAX_DEPTH, Spot
from scheduler.inputs.text_file import forbidden

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_MOST_DIGITS = 400
_NO_KEY = object()  # a mapping waits for its next key
_DEPTH = f"at most {MAX_DEPTH} levels"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _RefusedError(Exception):
    """Reading cannot go on: expected, got, hint."""

    def __init__(self, expected: str, got: object, hint: str = "") -> None:
        super().__init__(expected, got, hint)
        self.expected, self.got, self.hint = expected, got, hint


def read_yaml(file: str, text: str, mistakes: Mistakes) -> tuple[Any, Spot] | None:
    """Return data and lines of YAML `text`; None if reading stopped at a mistake."""
    composer = _Composer(file, mistakes)
    loader = _Loader(text)
    try:
        event = loader.get_event()
        while type(event) is not yaml.StreamEndEvent:
            composer.feed(event)
            event = loader.get_event()
    except _RefusedError as refused:
        line = event.start_mark.line + 1
        mistakes.add_at(file, line, "file", refused.expected, refused.got, refused.hint)
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "something else"
        if "nesting depth" in problem:  # newer scanners refuse before the composer sees it
            expected, problem = _DEPTH, "deeper nesting"
        else:
            expected = "valid YAML"
        mistakes.add_at(file, line, "file", expected, Plain(problem))
        return None
    finally:
        loader.dispose()
    return composer.result()


class _Composer:
    """Fills nested containers from events; `key` is the mapping key that waits for its value.

    A key of None marks a value that is dropped because its key is a mistake.
    """

    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self.file, self.mistakes = file, mistakes
        self.root: list[Any] = []
        self.root_spots: list[Spot] = [1]
        self.data: Any = self.root
        self.spots = self.root_spots
        self.key: Any = None
        self.key_line = 1
        self.outer: list[tuple[Any, list[Spot]]] = []
        self.handlers = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.start,
            yaml.SequenceStartEvent: self.start,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }

    def feed(self, event: Any) -> None:
        handler = self.handlers.get(type(event))
        if handler:
            handler(event)

    def result(self) -> tuple[Any, Spot]:
        return (self.root[0], self.root_spots[1]) if self.root else (None, 1)

    def scalar(self, event: Any) -> None:
        line = event.start_mark.line + 1
        value = _scalar(event)
        if self.key is _NO_KEY and type(self.data) is dict:
            self.key, self.key_line = self.checked_key(value, event.value, line), line
        else:
            self.put(value, line)

    def start(self, event: Any) -> None:
        _refuse_extras(event)
        if len(self.outer) >= MAX_DEPTH:
            raise _RefusedError(_DEPTH, Plain("deeper nesting"))
        is_mapping = type(event) is yaml.MappingStartEvent
        if self.key is _NO_KEY and type(self.data) is dict:
            raise _RefusedError("a name before the colon", Plain("a list or mapping"))
        in_mapping = type(self.data) is dict
        inner: Any = {} if is_mapping else []
        spots: list[Spot] = [self.key_line if in_mapping else event.start_mark.line + 1]
        self.put(inner, spots)
        self.outer.append((self.data, self.spots))
        self.data, self.spots, self.key = inner, spots, _NO_KEY

    def end(self, _event: Any) -> None:
        self.data, self.spots = self.outer.pop()
        self.key = _NO_KEY

    def alias(self, event: Any) -> None:
        raise _RefusedError("no aliases", Plain(f"*{event.anchor}"), "write the value out")

    def document(self, _event: Any) -> None:
        if self.root:
            raise _RefusedError("one document in a file", Plain("a second one"))

    def put(self, value: Any, spot: Spot) -> None:
        if type(self.data) is list:
            self.data.append(value)
            self.spots.append(spot)
        else:
            if self.key is not None:
                self.data[self.key] = value
                self.spots.append(self.key_line if type(spot) is int else spot)
            self.key = _NO_KEY

    def checked_key(self, value: Any, text: str, line: int) -> str | None:
        if not isinstance(value, str):
            field, hint = text or "key", "put it in quotes"
            self.mistakes.add_at(self.file, line, field, "a name before the colon", value, hint)
            return None
        if value in self.data:
            got = Plain("a second one")
            self.mistakes.add_at(self.file, line, value[:80], "each key once", got)
            return None
        return value


def _scalar(event: Any) -> Any:
    if event.anchor is not None or event.tag is not None:
        _refuse_extras(event)
    value = event.value
    if event.implicit[0]:  # plain: not in quotes, not a block
        return _plain(value) if value in _WORDS or value[0] in _NUMBER_STARTS else value
    if event.style == '"' and not value.isprintable():  # escapes can spell what text may not hold
        bad = forbidden(value)
        if bad:
            raise _RefusedError("printable text", bad)
    return value


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise _RefusedError(f"at most {_MOST_DIGITS} digits", text)
        return int(text)
    leading_zeros = text.isdigit()  # a name or a serial number: stays text
    if not leading_zeros and _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise _RefusedError("a finite number", text)
        return value
    return text


def _refuse_extras(event: Any) -> None:
    if event.anchor is not None:
        raise _RefusedError("no anchors", Plain(f"&{event.anchor}"), "write the value out")
    if event.tag is not None:
        raise _RefusedError("no tags", Plain(event.tag))
