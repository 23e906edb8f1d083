"""The compact site written out: names, seats, pods, rack types, loops, air, PUE, mistakes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from scheduler.inputs import InputError, read_site_file
from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.climate import cop, pue_permille
from scheduler.inputs.expand_layout import hall_names
from tests.compact import BOX, compact, expand, hall, mistakes_of


def test_names_are_readable_and_in_order() -> None:
    site = expand(hall("H[1-2]", arrays=[{"count": 2, "racks": 3, "rack": "box"}]))
    assert list(site.halls) == ["H1", "H2"]
    assert list(site.racks)[:4] == ["H1-A01-R1", "H1-A01-R2", "H1-A01-R3", "H1-A02-R1"]
    rack = site.racks["H2-A02-R3"]
    assert (rack.hall, rack.array, rack.pod) == ("H2", "H2-A02", "P2")
    assert rack.feeds == ("H2-A02-BA", "H2-A02-BB")
    assert rack.loop == "H2-L1"


def test_ranges() -> None:
    assert hall_names("H") == ("H",)
    assert hall_names("H[9-11]") == ("H9", "H10", "H11")
    assert hall_names("H[08-10]") == ("H08", "H09", "H10")


def test_pods_stay_inside_a_hall() -> None:
    site = expand(hall("H[1-2]"), arrays_per_pod=4)
    pods = {rack.array: rack.pod for rack in site.racks.values()}
    # 6 arrays a hall, 4 a pod: P1 has 4, P2 the other 2; hall 2 starts with P3
    assert list(pods.values()) == ["P1"] * 4 + ["P2"] * 2 + ["P3"] * 4 + ["P4"] * 2


def test_an_array_starts_a_new_row_where_it_does_not_fit() -> None:
    arrays = [{"count": 3, "racks": 6, "rack": "box"}, {"racks": 20, "rack": "box"}]
    site = expand(hall(arrays=arrays, racks_per_row=16))
    at = {name: (rack.row, rack.position) for name, rack in site.racks.items()}
    assert at["H1-A02-R1"] == (0, 6)
    assert at["H1-A03-R1"] == (1, 0)  # 12 of 16 seats taken, 6 needed
    assert at["H1-A04-R1"] == (2, 0)
    assert at["H1-A04-R17"] == (3, 0)  # longer than a row
    assert len(set(at.values())) == len(at)


def test_loops_carry_nameplate_heat_with_spares() -> None:
    loop = {"cdu_kw": 100, "per": 4, "flow_lpm": 1000}
    site = expand(hall(cooling={"loop": loop}))
    # 4 arrays * 8 racks * 10 kW * 75 % = 240 kW: 3 CDUs and 1 spare; the last 2 arrays: 120 kW
    first, last = site.loops["H1-L1"], site.loops["H1-L2"]
    assert (first.units, first.spare_units) == (4, 1)
    assert (last.units, last.spare_units) == (3, 1)
    assert site.racks["H1-A05-R1"].loop == "H1-L2"


def test_loops_carry_the_design_flow() -> None:
    # 8 racks * 12 L/min = 96 L/min over 50 L/min a CDU: 2, though 60 kW need only 1 of 100 kW
    loop = {"cdu_kw": 100, "per": 1, "flow_lpm": 50, "redundancy": "N"}
    site = expand(hall(cooling={"loop": loop}))
    assert site.loops["H1-L1"].units == 2
    # default flow: 1.5 L/min per kW
    default = expand(hall(cooling={"loop": {"cdu_kw": 100}}))
    assert default.loops["H1-L1"].unit_flow_mlpm == 150_000


@pytest.mark.parametrize(
    ("redundancy", "units", "spare"), [("N", 3, 0), ("N+1", 4, 1), ("2N", 6, 3)]
)
def test_redundancy_of_loops(redundancy: str, units: int, spare: int) -> None:
    loop = {"cdu_kw": 100, "per": 4, "flow_lpm": 1000, "redundancy": redundancy}
    found = expand(hall(cooling={"loop": loop})).loops["H1-L1"]
    assert (found.units, found.spare_units) == (units, spare)


def test_given_cdus_are_taken_as_they_are() -> None:
    loop = {"cdu_kw": 100, "cdus": 2, "per": 6}
    found = expand(hall(cooling={"loop": loop})).loops["H1-L1"]
    assert (found.units, found.spare_units) == (2, 1)


def test_air_cooled_arrays_have_no_loop() -> None:
    arrays = [{"racks": 2, "rack": "hgx-b200-air"}, {"racks": 2, "rack": "box"}]
    site = expand(hall(arrays=arrays))
    assert site.racks["H1-A01-R1"].loop is None
    assert site.racks["H1-A02-R1"].loop == "H1-L1"


def test_arrays_of_different_entries_share_no_loop() -> None:
    arrays = [{"count": 3, "racks": 2, "rack": "box"}, {"racks": 2, "rack": "gb200-nvl72"}]
    site = expand(hall(arrays=arrays, cooling={"loop": {"per": 2}}))
    loops = {rack.array: rack.loop for rack in site.racks.values()}
    assert list(loops.values()) == ["H1-L1", "H1-L1", "H1-L2", "H1-L3"]


def test_the_supply_covers_small_recirculation() -> None:
    site = expand(hall())
    # 48 racks see more than the 16 entries that are kept
    assert len(site.halls["H1"].recirculation) == 48 * 16
    assert 22_000 < site.halls["H1"].supply_mc < 22_300
    few = expand(hall(arrays=[{"racks": 8, "rack": "box"}]))
    assert len(few.halls["H1"].recirculation) == 8 * 8
    assert few.halls["H1"].supply_mc == 22_000


def test_own_types_change_the_catalogue() -> None:
    types = {
        "hgx-h100-liquid": {"observed_peak_kw": 64},
        "fat": {"like": "hgx-h100-liquid", "nodes": 9, "source": "[T] own meter"},
    }
    arrays = [{"racks": 1, "rack": name} for name in types]
    site = expand(hall(arrays=arrays), rack_types=types)
    changed, fat = site.rack_types["hgx-h100-liquid"], site.rack_types["fat"]
    built_in = catalogue()["hgx-h100-liquid"]
    assert changed.observed_peak_w == 64_000
    assert changed.nameplate_w == built_in.nameplate_w
    assert changed.source.startswith("observed_peak_kw from the site file; rest like")
    assert (fat.nodes, fat.observed_peak_w) == (9, 64_000)
    assert fat.source.startswith("[T] own meter")


def test_broken_and_drained_racks() -> None:
    entry = {
        "racks": 2,
        "rack": "box",
        "drained": ["H2-A01-R1"],
        "down_nodes": {"H1-A01-R2": 1},
    }
    site = expand(hall("H[1-2]", arrays=[entry]))
    assert [rack.name for rack in site.racks.values() if rack.drained] == ["H2-A01-R1"]
    assert {name: r.down_nodes for name, r in site.racks.items() if r.down_nodes} == {
        "H1-A01-R2": 1
    }


def test_weather_and_plant() -> None:
    ambient = {
        "dry_bulb_c": 36,
        "wet_bulb_c": 26,
        "hot_days": [{"name": "july", "dry_bulb_c": 40.5, "wet_bulb_c": 28}],
    }
    site = expand(ambient=ambient, plant={"heat_rejection": "dry"})
    assert [(d.name, d.dry_bulb_mc, d.wet_bulb_mc) for d in site.weather] == [
        ("design", 36_000, 26_000),
        ("july", 40_500, 28_000),
    ]
    assert site.plant.approach_mk == 7000
    assert expand().plant.approach_mk == 4000


def test_cop_of_the_chiller() -> None:
    # 0.0068 * 400 + 0.0008 * 20 + 0.458 = 2.72 + 0.016 + 0.458
    assert cop(Fraction(20)) == Fraction("3.194")


def test_pue_by_hand() -> None:
    # losses 1 / (0.99 * 0.97 * 0.99) = 1.051861, rest 0.01
    # liquid 3/4 * 0.025 = 0.01875; air 1/4 * (1 / 3.194 + 0.05) = 0.25 * 0.363087 = 0.090772
    # 1.051861 + 0.01 + 0.01875 + 0.090772 = 1.171383
    assert pue_permille(75, [(25, 20_000)], free_water=30_000) == 1172
    # free cooling of the air: 0.25 * 0.05 = 0.0125, so 1.093111
    assert pue_permille(75, [(25, 20_000)], free_water=20_000) == 1094
    # no rack at all: 1.061861
    assert pue_permille(0, [], free_water=20_000) == 1062


def test_default_pue_is_that_of_the_design_day() -> None:
    # 75 % liquid, air at 22 C: COP 3.2912 + 0.0176 + 0.458 = 3.7668, 1 / COP = 0.265477
    # 1.051861 + 0.01 + 0.01875 + 0.25 * 0.315477 = 1.159480
    assert expand(prices={}).prices.pue_permille == 1160
    assert expand().prices.pue_permille == 1250


def test_ladder_and_failure_states() -> None:
    site = expand(
        isolation_ladder={"array": ["array", "loop"]},
        failure_states=["ups"],
        failure_sets=[["H1-UPS1", "H1-L1"]],
    )
    assert site.isolation_ladder["array"] == ("array", "loop")
    assert site.isolation_ladder["rack"] == ("rack",)
    assert [state.failed for state in site.failure_states] == [
        ("H1-UPS1",),
        ("H1-UPS2",),
        ("H1-UPS3",),
        ("H1-UPS4",),
        ("H1-UPS1", "H1-L1"),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (compact(hall(arrays=[{"rack": "hgx-h100"}])), "arrays[0].rack: expected one of"),
        (compact(hall("H1"), hall("H[1-2]")), "halls[1].name: expected a name that no other"),
        (compact(hall("P1")), "halls[0].name: expected a name that no other"),
        (compact(hall("H[4-2]")), "halls[0].name: expected a range that goes up"),
        (compact(hall("H[1-1001]")), "expected at most 1000 halls, got 1001"),
        (
            compact(hall("H[1-11]", arrays=[{"count": 100, "racks": 100, "rack": "box"}])),
            "expected at most 100000 racks, got 110000",
        ),
        (
            compact(hall(arrays=[{"rack": "box", "drained": ["H1-A01-R9"]}])),
            "arrays[0].drained[0]: expected a rack of these arrays",
        ),
        (
            compact(hall(arrays=[{"rack": "box", "down_nodes": {"H1-A01-R1": 3}}])),
            "expected 0 to 2 nodes, got 3",
        ),
        (compact(failure_sets=[["H1-UPS9"]]), "failure_sets[0][0]: expected a power node"),
        (compact(failure_sets=[[]]), "failure_sets[0]: expected at least one component"),
        (
            compact(rack_types={"box": {**BOX, "like": "nothing"}}),
            "rack_types.box.like: expected one of",
        ),
        (
            compact(rack_types={"box": {key: BOX[key] for key in BOX if key != "idle_kw"}}),
            "rack_types.box: expected values for idle_kw",
        ),
        (compact(rack_types={"box": {**BOX, "idle_kw": 9}}), "expected idle power of at most 7000"),
        (
            compact(hall(cooling={"loop": {"cdus": 1}})),
            "halls[0].cooling.loop.cdus: expected at least 2 CDUs",
        ),
        (
            compact(hall(cooling={"loop": {"return_limit_c": 20}})),
            "halls[0].cooling.loop.return_limit_c: expected > 30",
        ),
        (
            compact(hall(cooling={"air": {"inlet_limit_c": 22}})),
            "halls[0].cooling.air.inlet_limit_c: expected > 22.",
        ),
    ],
)
def test_mistakes(data: dict[str, Any], expected: str) -> None:
    found = mistakes_of(data)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("power: {breakers: 0.8}", "a percentage with its sign"),
        ("power: {ups_kw: .nan}", "expected a number"),
        ("power: {ups_kw: -5}", "> 0 kW, got -5 kW"),
        ("power: {scheme: 5N/4}", "'4N/3'|4N/3"),
        ("pwr: {}", "did you mean power?"),
    ],
)
def test_a_file_with_a_mistake_names_its_line(tmp_path: Any, line: str, expected: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "name: x\nambient: {dry_bulb_c: 30, wet_bulb_c: 20}\npower_basis: nameplate\n"
        f"halls:\n  - name: H1\n    {line}\n    arrays: [{{rack: gb200-nvl72}}]\n"
    )
    with pytest.raises(InputError) as caught:
        read_site_file(file)
    (mistake,) = caught.value.mistakes
    assert mistake.line == 6
    assert any(each in str(mistake) for each in expected.split("|"))
