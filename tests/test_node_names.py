"""Host names: valid everywhere, never the same twice, and back again."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scheduler.exchange.node_names import LONGEST, labels, node_names
from tests import build

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NAMES = st.text(st.sampled_from("aAbB019._-"), min_size=1, max_size=64)


def test_a_node_is_named_after_its_rack_and_counts_from_one() -> None:
    site = build.site([build.rack("H1-A01-R1"), build.rack("H1-A01-R2", down_nodes=1)])
    names = node_names(site)
    assert names.hosts["H1-A01-R1"] == ("h1-a01-r1-n01", "h1-a01-r1-n02")
    assert names.place["h1-a01-r2-n02"] == ("H1-A01-R2", 1)
    # The broken node keeps its name and is the last one.
    assert names.hosts["H1-A01-R2"] == ("h1-a01-r2-n01", "h1-a01-r2-n02")
    assert names.usable(site, "H1-A01-R2") == ("h1-a01-r2-n01",)


def test_all_racks_of_a_site_have_numbers_of_one_width() -> None:
    site = build.site([build.rack("r1"), build.rack("r2", type="big")])
    big = build.rack_type("big", nodes=100)
    names = node_names(replace(site, rack_types={**site.rack_types, "big": big}))
    assert names.hosts["r1"] == ("r1-n001", "r1-n002")
    assert names.hosts["r2"][99] == "r2-n100"


def test_the_rack_that_is_a_label_already_keeps_it() -> None:
    found = labels(["R_1", "R.1", "r-1"])
    assert found["r-1"] == "r-1"
    # sha256("R.1") and sha256("R_1"), computed with sha256sum
    assert found["R.1"] == "r-1-638066"
    assert found["R_1"] == "r-1-8996cf"


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True), st.randoms())
def test_labels_are_valid_unique_and_the_same_in_any_order(names: list[str], order: Random) -> None:
    found = labels(names)
    assert set(found) == set(names)
    assert len(set(found.values())) == len(names)
    assert all(DNS_LABEL.fullmatch(label) for label in found.values())
    order.shuffle(names)
    assert labels(names) == found


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_every_name_leads_back_to_its_node(racks: list[str]) -> None:
    site = build.site([build.rack(name) for name in racks])
    names = node_names(site)
    assert len(names.place) == 2 * len(racks)
    for rack, hosts in names.hosts.items():
        for node, host in enumerate(hosts):
            assert names.place[host] == (rack, node)
            assert len(host) <= LONGEST
            assert DNS_LABEL.fullmatch(host)


def test_host_names_of_the_site_come_first() -> None:
    named = build.rack("a", hosts=("b-n01", "gpu7"))
    site = build.site([named, build.rack("b")])
    names = node_names(site)
    assert names.hosts["a"] == ("b-n01", "gpu7")
    # b-n01 is taken; sha256("b") begins with 3e23e8
    assert names.hosts["b"] == ("b-3e23e8-n01", "b-3e23e8-n02")
    assert names.place["gpu7"] == ("a", 1)
