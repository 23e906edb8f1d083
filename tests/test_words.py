"""Amounts, money and racks as people read them."""

from __future__ import annotations

import pytest

from scheduler.model import Finding, Kind, Level
from scheduler.words import (
    clean,
    folded,
    gpu_count,
    in_one,
    load_of_limit,
    money,
    percent,
    places,
    quantity,
    share_of,
    some,
    state_words,
    tightness,
)
from tests import build


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (9_999, "W", "9,999 W"),
        (12_340, "W", "12.3 kW"),
        (31_200_400, "W", "31.200 MW"),
        (1_500_000_000, "nK", "1.50 K"),
        (20_500, "mL/min", "20.5 L/min"),
        (7, "nodes", "7 nodes"),
        (1, "nodes", "1 node"),
        (-2_500, "mills/h", "-2.50 $/h"),
    ],
)
def test_quantities_carry_a_unit_that_is_easy_to_read(amount: int, unit: str, text: str) -> None:
    assert quantity(amount, unit) == text


def test_money_and_percent_say_when_they_are_unknown() -> None:
    assert (money(None), money(1_234_560)) == ("unknown", "1,234.56 $/h")
    assert (percent(None), percent(0.0123)) == ("unknown", "1.23 %")


def test_a_share_of_a_limit_is_rounded_up() -> None:
    assert share_of(2_533, 2_500) == "101.4 %"  # 101.32
    assert share_of(100_001, 100_000) == "100.1 %"
    assert share_of(1, 0) == "more than 100 %"


def test_gpus_and_levels_are_told_in_words() -> None:
    assert (gpu_count(1), gpu_count(1024)) == ("1 GPU", "1,024 GPUs")
    assert in_one(Level.NVLINK) == " in one NVLink domain"
    assert in_one(Level.POD) == " in one pod"
    assert in_one(Level.SITE) == in_one(None) == ""


def test_clean_replaces_what_could_move_the_cursor_or_reorder_a_line() -> None:
    assert clean("a\x1b[31mb\u202ec\ud800\n") == "a\ufffd[31mb\ufffdc\ufffd\ufffd"


def test_runs_of_numbered_names_are_folded_in_natural_order() -> None:
    names = ["H1-A10", "H1-A9", "H1-A8", "H1-A2", "B", "H2-A11"]
    assert folded(names) == ["B", "H1-A2", "H1-A8..A10", "H2-A11"]
    assert folded(["H09", "H10"]) == ["H09..H10"]
    assert folded(["A²", "A1"]) == ["A1", "A²"]  # a digit that is no ASCII number


def test_some_counts_what_it_leaves_out() -> None:
    assert some(["a", "b", "c"], 2) == "a, b, and 1 more"
    assert some(["a", "b"], 2) == "a, b"


def test_places_name_whole_halls_whole_arrays_parts_and_single_racks() -> None:
    """H1 whole; of H2 array A1 whole, 3 of 4 racks of A2 and one rack of A3."""
    racks = [
        build.rack(f"{hall}-A{a}-R{r}", hall=hall, array=f"{hall}-A{a}")
        for hall, count in (("H1", 2), ("H2", 4))
        for a in range(1, 4)
        for r in range(1, count + 1)
    ]
    site = build.site(racks)
    chosen = [rack.name for rack in racks if rack.hall == "H1" or rack.array == "H2-A1"]
    chosen += ["H2-A2-R1", "H2-A2-R2", "H2-A2-R3", "H2-A3-R4"]
    assert places(site, chosen) == "H1, H2-A1, H2-A2 (3 of 4 racks), H2-A3-R4"
    assert places(site, []) == ""


def test_states_end_a_clause() -> None:
    assert state_words("normal") == ""
    assert state_words("loss of ups1") == " after loss of ups1"
    assert state_words("hot day") == " (hot day)"


def test_load_and_tightness_of_a_limit() -> None:
    finding = Finding(
        term="t", kind=Kind.LIMIT, subject="u", amount=101_300, limit=100_000, unit="W"
    )
    assert load_of_limit(finding) == "101.3 % of 100.0 kW"
    assert tightness(finding) == pytest.approx(-0.013)
    none = Finding(term="t", kind=Kind.LIMIT, subject="u", amount=2, limit=0, unit="units")
    assert load_of_limit(none) == "2 of 0 units"
    assert tightness(none) == -2
