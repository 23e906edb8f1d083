"""Hostlists: there and back, and text that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.exchange.slurm.hostlist import HostlistError, expand, fold

NAMES = st.from_regex(r"[a-c][0-9]{0,3}(-r[0-9]{1,2})?(-n[0-9]{1,3})?(x)?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        ("n[01-03]", ["n01", "n02", "n03"]),
        ("n[8-10]", ["n8", "n9", "n10"]),
        ("r[1-2]-n[01-02]", ["r1-n01", "r1-n02", "r2-n01", "r2-n02"]),
        ("a[1,3],b", ["a1", "a3", "b"]),
        ("a[0-1]x", ["a0x", "a1x"]),
    ],
)
def test_a_hostlist_is_written_and_read(text: str, names: list[str]) -> None:
    assert expand(text) == names
    assert fold(names) == text


def test_runs_of_other_widths_stay_apart() -> None:
    assert fold(["n1", "n2", "n03", "n04", "n5"]) == "n[1-2,03-04,5]"


@given(st.lists(NAMES, min_size=1, max_size=40))
def test_what_is_folded_expands_to_the_same_names(names: list[str]) -> None:
    text = fold(names)
    assert sorted(expand(text)) == sorted(set(names))
    assert fold(reversed(names)) == text


@pytest.mark.parametrize(
    "text",
    ["", "a,", "n[1-2", "n]1[", "n[[1]]", "n[2-1]", "n[a]", "n[]", "n 1", "n[1-999999]",
     "a[1-2000]b[1-2000]", "-n", "n;rm", "n[1-1234567890123456789]"],
)  # fmt: skip
def test_text_that_is_no_hostlist_is_refused(text: str) -> None:
    with pytest.raises(HostlistError):
        expand(text)
