"""Plain data as YAML text. Keys stay in their order, and nothing is written as an alias."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

_WIDTH = 100


def _never(_dumper: object, _data: object) -> bool:
    return True


_Dumper: Any = type(
    "_Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {"ignore_aliases": _never}
)


def dump_yaml(documents: Iterable[object]) -> str:
    """Return one or more documents of dicts, lists, text, numbers, booleans and None as YAML.

    Text that YAML would read as something else is put in quotes. The same data gives the same text.
    """
    text: str = yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=_WIDTH,
    )
    return text
