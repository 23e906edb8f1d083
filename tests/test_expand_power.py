"""Power written out from the compact site: every redundancy scheme, by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from scheduler.inputs.expand_power import balance, feeder_w
from scheduler.model import Site
from tests.compact import compact, expand, hall, mistakes_of


def ups_of_arrays(site: Site) -> list[tuple[str, ...]]:
    """What the busways of each array hang on, array by array."""
    feeds = {rack.array: rack.feeds for rack in site.racks.values()}
    return [
        tuple(site.power_nodes[busway].parents[0] for busway in busways)
        for busways in feeds.values()
    ]


def power(scheme: str, **fields: Any) -> dict[str, Any]:
    return {"scheme": scheme, "ups_kw": 100, **fields}


def test_4n3_gives_each_of_the_six_pairs_one_array() -> None:
    site = expand(hall())
    pairs = Counter(ups_of_arrays(site))
    assert len(pairs) == 6
    assert set(pairs.values()) == {1}
    assert all(a < b for a, b in pairs)


def test_chain_of_ratings() -> None:
    site = expand(hall(), utility={"feeds": 2, "mva": 30, "power_factor": 0.95})
    nodes = site.power_nodes
    assert [name for name, node in nodes.items() if node.kind == "utility"] == [
        "utility-A",
        "utility-B",
    ]
    # 30 MVA * 0.95 / PUE 1.25 = 22.8 MW of IT power
    assert nodes["utility-A"].rating_w == 22_800_000
    # 100 kW / 0.95 = 105.3 kVA: the next step is 500 kVA, times 0.95 = 475 kW
    assert nodes["H1-T1"].rating_w == 475_000
    assert nodes["H1-T1"].parents == ("utility-A", "utility-B")
    ups = nodes["H1-UPS1"]
    assert (ups.rating_w, ups.emergency_permille, ups.emergency_s) == (100_000, 1330, 10)
    assert ups.parents == ("H1-T1",)
    # 80 kW of nameplate: the smallest size is 800 A, sqrt(3) * 415 * 800 * 0.95 * 0.8 = 437,031 W
    busway = nodes["H1-A01-BA"]
    assert busway.rating_w == 437_031
    # a breaker at 80 % carries 100 % for less than 3 h: 1 / 0.8 = 1.25
    assert (busway.emergency_permille, busway.emergency_s) == (1250, 10_800)


def test_a_1200_a_busway_fits_one_hopper_array() -> None:
    # sqrt(3) * 415 * 1200 * 0.95 * 0.8 = 655,546.6 W, and 8 * 81.6 = 652.8 kW
    assert feeder_w(1200, 0.95, 80.0) == 655_546
    site = expand(
        hall(arrays=[{"racks": 8, "rack": "hgx-h100-liquid"}], power=power("2N", ups_kw=1000))
    )
    assert site.power_nodes["H1-A01-BB"].rating_w == 655_546


def test_given_busways_are_derated_by_their_breakers() -> None:
    site = expand(hall(power=power("2N", busway_kw=200)))
    assert site.power_nodes["H1-A01-BA"].rating_w == 160_000
    site = expand(hall(power=power("2N", busway_kw=200, breakers="100 %")))
    assert site.power_nodes["H1-A01-BA"].rating_w == 200_000
    assert site.power_nodes["H1-A01-BA"].emergency_permille == 1000
    site = expand(hall(power=power("2N", busway_a=1600)))
    # sqrt(3) * 415 * 1600 * 0.95 * 0.8 = 874,062.1 W
    assert site.power_nodes["H1-A01-BA"].rating_w == 874_062


def test_2n_is_one_pair() -> None:
    site = expand(hall(power=power("2N")))
    assert set(ups_of_arrays(site)) == {("H1-UPS1", "H1-UPS2")}


def test_3n2_spreads_over_three_pairs() -> None:
    site = expand(hall(power=power("3N/2")))
    pairs = Counter(ups_of_arrays(site))
    assert pairs == {
        ("H1-UPS1", "H1-UPS2"): 2,
        ("H1-UPS1", "H1-UPS3"): 2,
        ("H1-UPS2", "H1-UPS3"): 2,
    }


def test_groups_multiply_the_pairs() -> None:
    site = expand(hall(power=power("3N/2", groups=2)))
    assert len(set(ups_of_arrays(site))) == 6
    assert sum(node.kind == "ups" for node in site.power_nodes.values()) == 6


def test_n_feeds_each_array_once() -> None:
    site = expand(hall(power=power("N")))
    # 480 kW of nameplate + 5 % of 384 kW observed = 499.2 kW: 5 UPS of 100 kW
    assert sum(node.kind == "ups" for node in site.power_nodes.values()) == 5
    assert {len(rack.feeds) for rack in site.racks.values()} == {1}
    assert Counter(ups_of_arrays(site)) == {
        ("H1-UPS1",): 2,
        ("H1-UPS2",): 1,
        ("H1-UPS3",): 1,
        ("H1-UPS4",): 1,
        ("H1-UPS5",): 1,
    }


def test_n_plus_1_hangs_on_one_bus() -> None:
    site = expand(hall(power=power("N+1")))
    bus = site.power_nodes["H1-BUS1"]
    assert bus.kind == "bus"
    assert bus.mode == "share"
    assert len(bus.parents) == 6  # 5 needed and 1 spare
    assert bus.rating_w == 500_000
    assert set(ups_of_arrays(site)) == {("H1-BUS1", "H1-BUS1")}
    assert {len(rack.feeds) for rack in site.racks.values()} == {2}
    assert {load.feeds for load in site.base_loads} == {("H1-BUS1",)}


def test_catcher_transfers_to_the_reserve() -> None:
    site = expand(hall(power=power("catcher", ups=4)))
    switch = site.power_nodes["H1-STS2B"]
    assert switch.kind == "sts"
    assert switch.mode == "transfer"
    assert switch.parents == ("H1-UPS2", "H1-UPS4")
    assert set(ups_of_arrays(site)) == {(f"H1-STS{n}A", f"H1-STS{n}B") for n in (1, 2, 3)}


def test_base_load_is_5_percent_of_observed_power_over_the_pairs() -> None:
    site = expand(hall())
    # 6 * 8 * 8 kW = 384 kW observed, 5 % = 19.2 kW, over 6 pairs = 3.2 kW
    assert [load.power_w for load in site.base_loads] == [3200] * 6
    given = expand(hall(base_load_kw=30))
    assert [load.power_w for load in given.base_loads] == [5000] * 6
    assert expand(hall(base_load_kw=0)).base_loads == ()


def test_heaviest_first_onto_the_lightest_outlet() -> None:
    outlets = [("a", "b"), ("a", "c"), ("b", "c")]
    # 9 -> ab; 5 -> ac (first of equals: a and c carry 9, b and c carry 9); 4 -> bc;
    # 3 -> bc (4 is the least); 2 -> ac (5 < 7)
    assert balance(outlets, [2, 9, 4, 5, 3]) == (1, 0, 2, 1, 2)


def test_the_second_array_goes_to_other_ups() -> None:
    # five pairs are empty; only the last one shares no UPS with the first
    outlets = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    assert balance(outlets, [9, 5]) == (0, 5)


def test_swing_limits_by_kind() -> None:
    site = expand(hall(), swing={"site_mw": 1.5, "ups_kw": 40})
    assert site.site_swing_limit_w == 1_500_000
    assert site.power_nodes["H1-UPS1"].swing_limit_w == 40_000
    assert site.power_nodes["H1-T1"].swing_limit_w is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"power": power("4N/3", ups=3)}, "halls[0].power.ups: expected 4 UPS in a group"),
        ({"power": power("N+1", ups=1)}, "halls[0].power.ups: expected at least 2 UPS"),
        (
            {"power": power("2N", busway_a=800, busway_kw=90)},
            "halls[0].power.busway_kw: expected either",
        ),
    ],
)
def test_mistakes(fields: dict[str, Any], expected: str) -> None:
    (mistake,) = mistakes_of(compact(hall(**fields)))
    assert expected in mistake
