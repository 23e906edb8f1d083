"""Documents: YAML and JSON files as plain data with the line of every value.

Files are untrusted: size and depth are bounded, anchors, aliases and tags are refused, and
nothing that a file holds raises anything but a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scheduler.inputs.json_text import json_spots, read_json
from scheduler.inputs.mistakes import Loc, Mistakes
from scheduler.inputs.spots import Spot, line_at
from scheduler.inputs.text_file import MAX_BYTES, read_text
from scheduler.inputs.yaml_text import read_yaml

MAX_YAML_BYTES = 64 * 2**20  # YAML takes about ten times as long as JSON or a table


@dataclass(eq=False)
class Document:
    """A file as plain data: dict, list, str, int, float, bool and None."""

    file: str
    data: Any
    text: str = field(default="", repr=False)  # kept until the lines of a JSON file are needed
    spots: Spot | None = field(default=None, repr=False)

    @staticmethod
    def load(path: Path, mistakes: Mistakes) -> Document | None:
        """Read a YAML file, or a JSON file if the name ends in ``.json``.

        None if nothing can be made of it; what is wrong is added to `mistakes`.
        """
        is_json = path.suffix.lower() == ".json"
        text = read_text(path, mistakes, MAX_BYTES if is_json else MAX_YAML_BYTES)
        if text is None:
            return None
        if is_json:
            read = read_json(str(path), text, mistakes)
            return None if read is None else Document(str(path), read[0], text=text)
        composed = read_yaml(str(path), text, mistakes)
        return None if composed is None else Document(str(path), composed[0], spots=composed[1])

    def line_of(self, loc: Loc) -> int:
        """Line of the value at `loc`, or of its nearest ancestor that exists."""
        if self.spots is None:
            self.spots = json_spots(self.file, self.text, Mistakes()) if self.text else 1
        return line_at(self.data, self.spots, loc)

    def where(self, loc: Loc) -> tuple[str, int]:
        """File and line of the value at `loc`."""
        return self.file, self.line_of(loc)
