"""YAML that is written reads back as the same data, also with a reader of another make."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduler.inputs import dump_yaml

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(DATA, min_size=1, max_size=3))
def test_what_is_written_reads_back(documents: list[object]) -> None:
    assert list(yaml.safe_load_all(dump_yaml(documents))) == documents


@pytest.mark.parametrize("text", ["no", "12:30", "1e3", "0x1f", "null", "~", "2026-01-01", "- a"])
def test_text_stays_text(text: str) -> None:
    assert list(yaml.safe_load_all(dump_yaml([{"value": text}]))) == [{"value": text}]


def test_keys_keep_their_order_and_nothing_is_an_alias() -> None:
    shared = {"b": 1, "a": 2}
    assert dump_yaml([{"z": shared, "y": shared}]) == "z:\n  b: 1\n  a: 2\ny:\n  b: 1\n  a: 2\n"
