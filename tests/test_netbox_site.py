"""NetBox objects as a site: watts of feeds, the least limit of every way, sides, rack types."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler.check import check
from scheduler.cli.app import app
from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.netbox.cables import supply_of
from scheduler.exchange.netbox.choices import Choices
from scheduler.exchange.netbox.feed_power import feed_w
from scheduler.exchange.netbox.load import Source, import_netbox
from scheduler.exchange.netbox.names import unique_names
from scheduler.exchange.netbox.rack_kinds import scaled
from scheduler.exchange.netbox.rack_rules import Rule, read_rules
from scheduler.exchange.netbox.read_objects import read_objects
from scheduler.exchange.netbox.series import stages_of
from scheduler.exchange.netbox.supply import INLET, Element, Supply
from scheduler.inputs import read_site_file
from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes
from scheduler.model import Plan, Problem, Site, Workload
from scheduler.topology import Topology
from tests import netbox_shapes as shapes
from tests.netbox_shapes import choice, data_centre, device, ends, feed, outlet, panel, port, rack

PF = Fraction(95, 100)


def taken(
    folder: Path, objects: dict[str, Any], choices: Choices | None = None, site: str = ""
) -> Imported:
    """Save the replies and import them."""
    shapes.save(folder, objects)
    return import_netbox(Source(place=str(folder), site=site), choices)


def read_back(folder: Path, imported: Imported) -> Site:
    (folder / "site.json").write_text(imported.files["site.json"])
    return read_site_file(folder / "site.json")


def site_of(folder: Path, objects: dict[str, Any], choices: Choices | None = None) -> Site:
    return read_back(folder, taken(folder, objects, choices))


def with_feeds(*feeds: Any, **more: Any) -> dict[str, Any]:
    """One rack of eight H100 servers with these feeds of panels A and B."""
    return {
        "racks": [rack(1, "R1")],
        "power-panels": [panel(1, "PA"), panel(2, "PB")],
        "power-feeds": list(feeds),
        "devices": [device(100 + i, f"gpu-{i}", 1, "DGX H100") for i in range(8)],
        **more,
    }


@pytest.mark.parametrize(
    ("volts", "amperes", "percent", "factor", "three_phase", "watts"),
    [
        # 230 V x 16 A = 3,680 VA; 80 % = 2,944 VA; x 0.95 = 2,796.8 W.
        (230, 16, 80, "0.95", False, 2_796),
        # 415 V x 60 A = 24,900 VA; 80 % = 19,920; x sqrt(3) = 34,502.452; x 0.95 = 32,777.329 W.
        (415, 60, 80, "0.95", True, 32_777),
        # 400 V x 32 A = 12,800; 100 %; x sqrt(3) = 22,170.250 VA = W at a power factor of 1.
        (400, 32, 100, "1", True, 22_170),
        # 208 V x 30 A x 80 % x sqrt(3) = 8,646.15 VA; x 0.9 = 7,781.5 W.
        (208, 30, 80, "0.9", True, 7_781),
        # 100 V x 1 A x 1 % = 1 VA exactly: nothing is lost in rounding.
        (100, 1, 1, "1", False, 1),
        # -48 V of direct current counts as 48 V: 48 x 100 x 50 % = 2,400 W.
        (48, 100, 50, "1", False, 2_400),
    ],
)
def test_apparent_power_becomes_derated_watts(
    volts: int, amperes: int, percent: int, factor: str, three_phase: bool, watts: int
) -> None:
    made = feed_w(volts, amperes, percent, Fraction(factor), three_phase=three_phase)
    assert made == watts


@given(
    st.integers(1, 32_767),
    st.integers(1, 65_535),
    st.integers(1, 100),
    st.fractions(Fraction(1, 100), 1, max_denominator=100),
)
def test_three_phases_carry_the_root_of_three_times_as_much(
    volts: int, amperes: int, percent: int, factor: Fraction
) -> None:
    exact = Fraction(volts * amperes * percent, 100) * factor
    single = feed_w(volts, amperes, percent, factor, three_phase=False)
    assert single == exact.numerator // exact.denominator
    three = feed_w(volts, amperes, percent, factor, three_phase=True)
    assert three**2 <= 3 * exact**2 < (three + 1) ** 2


def test_the_data_centre_becomes_a_site(tmp_path: Path) -> None:
    imported = taken(tmp_path, data_centre())
    site = read_back(tmp_path, imported)
    assert imported.unmapped == ()
    assert {name: (r.type, r.feeds) for name, r in site.racks.items()} == {
        "R1": ("hgx-h100-liquid", ("PA/F1", "PB/F2")),
        "R2": ("hgx-h100-liquid-4n", ("PA/F3", "PB/F4")),
    }
    assert {name: node.rating_w for name, node in site.power_nodes.items()} == {
        "PA/F1": 30_000,  # its PDU carries less than the feed's 32,777 W
        "PB/F2": 32_777,  # its PDU has no limit of its own
        "PA/F3": 32_777,
        "PB/F4": 32_777,
        "PA/F5": 2_796,
        "PA": 30_000 + 32_777 + 2_796,  # no limit in NetBox: the sum of its feeds
        "PB": 32_777 + 32_777,
    }
    assert {node.parents for node in site.power_nodes.values()} == {(), ("PA",), ("PB",)}
    (load,) = site.base_loads
    hosts = imported.files["hosts.csv"].splitlines()
    assert hosts[:2] == ["host,rack", "gpu-0,R1"]
    assert hosts[-1] == "gpu-b3,R2"
    assert len(hosts) == 1 + 8 + 4
    assert (load.name, load.power_w, load.feeds) == ("R3", 1_200, ("PA/F5",))
    assert (site.racks["R1"].down_nodes, site.racks["R2"].down_nodes) == (0, 1)
    assert site.failure_kinds == ("panel",)
    assert site.racks["R1"].hosts == tuple(f"gpu-{i}" for i in range(8))
    assert site.racks["R2"].hosts == ("gpu-b0", "gpu-b1", "gpu-b2", "gpu-b3")  # broken ones last
    assert (site.racks["R1"].hall, site.racks["R1"].array) == ("Hall 1", "Hall 1")


def test_the_site_can_be_planned_on(tmp_path: Path) -> None:
    site = site_of(tmp_path, data_centre())
    workload = Workload(tenants={}, contracts={}, jobs={}, profiles={}, name="none")
    verdict = check(Problem(site=site, workload=workload), Plan({}))
    # R1 idles at 15.2 kW, R2 at 7.6 kW: inside every rating, also after the loss of a panel.
    assert verdict.checked
    states = {finding.state for finding in verdict.findings}
    assert {"loss of PA", "loss of PB"} <= states


def test_a_pdu_behind_a_pdu_limits_the_rack(tmp_path: Path) -> None:
    # Feed 32,777 W -> UPS of two racks 25,000 W -> a PDU of 20,000 W and one of 40,000 W.
    objects = with_feeds(
        feed(1, "F1", 1),
        racks=[rack(1, "R1"), rack(2, "R2")],
        devices=[
            *(device(100 + i, f"a{i}", 1 + i % 2, "DGX H100") for i in range(16)),
            device(1, "ups", None, "UPS"),
            device(2, "pdu1", 1, "PDU"),
            device(3, "pdu2", 2, "PDU"),
        ],
        **{
            "power-ports": [
                port(1, "in", 1, maximum_draw=25_000, **ends("powerfeed", 1)),
                port(2, "in", 2, maximum_draw=20_000, **ends("poweroutlet", 11)),
                port(3, "in", 3, maximum_draw=40_000, **ends("poweroutlet", 12)),
            ],
            "power-outlets": [
                *(outlet(11, 1, 1), outlet(12, 1, 1), outlet(21, 2, 2), outlet(31, 3, 3)),
            ],
        },
    )
    imported = taken(tmp_path, objects)
    site = read_back(tmp_path, imported)
    assert {name: (n.rating_w, n.parents, n.kind) for name, n in site.power_nodes.items()} == {
        "PA": (25_000, (), "panel"),
        "PA/F1": (25_000, ("PA",), "feed"),  # the UPS is all that hangs on it
        "pdu1/in": (20_000, ("PA/F1",), "pdu"),
        "pdu2/in": (40_000, ("PA/F1",), "pdu"),
    }
    assert site.racks["R1"].feeds == ("pdu1/in",)
    assert imported.unmapped == ("device ups: it stands in no rack that was read",)


def test_feeds_of_one_type_on_two_panels_are_a_and_b(tmp_path: Path) -> None:
    imported = taken(tmp_path, with_feeds(feed(1, "F1", 1, 1), feed(2, "F2", 2, 1)))
    assert read_back(tmp_path, imported).racks["R1"].feeds == ("PA/F1", "PB/F2")
    assert "A and B are feeds of one type, which NetBox does not tell apart (1 racks)" in (
        imported.notes
    )


def test_one_panel_on_both_sides_makes_feeds_fail_one_by_one(tmp_path: Path) -> None:
    two = with_feeds(feed(1, "F1", 1, 1), feed(2, "F2", 1, 1, type=choice("redundant")))
    site = site_of(tmp_path, two)
    assert site.racks["R1"].feeds == ("PA/F1", "PA/F2")
    assert site.failure_kinds == ("panel", "feed")


def test_several_feeds_of_a_side_carry_equal_parts(tmp_path: Path) -> None:
    # A: 32,777 W and 230 V x 32 A x 80 % x 0.95 = 5,593 W; equal parts: 2 x 5,593. B: 32,777 W.
    small = {"phase": choice("single-phase"), "voltage": 230, "amperage": 32}
    redundant = {"type": choice("redundant")}
    feeds = [feed(1, "F1", 1, 1), feed(2, "F2", 1, 1, **small), feed(3, "F3", 2, 1, **redundant)]
    site = site_of(tmp_path, with_feeds(*feeds))
    assert site.racks["R1"].feeds == ("R1 A", "PB/F3")
    joint = site.power_nodes["R1 A"]
    assert (joint.rating_w, joint.parents, joint.kind) == (11_186, ("PA/F1", "PA/F2"), "side")


def test_two_pdus_on_one_feed_are_one_side(tmp_path: Path) -> None:
    objects = with_feeds(feed(1, "F1", 1))
    objects["devices"] += [device(1, "a", 1, "PDU"), device(2, "b", 1, "PDU")]
    objects["power-ports"] = [port(n, "in", n, **ends("powerfeed", 1)) for n in (1, 2)]
    objects["power-outlets"] = [outlet(n, n, n) for n in (1, 2)]
    assert site_of(tmp_path, objects).racks["R1"].feeds == ("PA/F1",)


def test_servers_cabled_to_a_pdu_elsewhere_are_found(tmp_path: Path) -> None:
    objects = with_feeds(feed(1, "F1", 1))
    objects["racks"].append(rack(9, "PDUs", status=choice("available")))
    objects["devices"].append(device(1, "row pdu", 9, "PDU"))
    objects["power-ports"] = [
        port(1, "in", 1, maximum_draw=9_000, **ends("powerfeed", 1)),
        port(2, "psu", 100, **ends("poweroutlet", 1)),
    ]
    objects["power-outlets"] = [outlet(1, 1, None)]
    imported = taken(tmp_path, objects)
    site = read_back(tmp_path, imported)
    assert site.racks["R1"].feeds == ("PA/F1",)
    assert site.power_nodes["PA/F1"].rating_w == 9_000
    assert imported.unmapped == ("rack PDUs: no GPUs that are known, and no power draw",)


def test_what_cannot_be_mapped_is_listed(tmp_path: Path) -> None:
    objects = data_centre()
    objects["racks"] += [
        rack(4, "R4", status=choice("planned")),
        rack(5, "R5"),
        rack(6, "R6", status=choice("deprecated")),
    ]
    objects["power-feeds"] += [
        feed(6, "F6", 1, 6),
        feed(7, "F7", 1, 6, status=choice("failed")),
        feed(8, "F8", 1),
        feed(9, "F9", 77, 6),
    ]
    objects["devices"] += [
        device(300, "gpu-x", 5, "DGX H100"),
        device(301, "gpu-y", 6, "DGX H100"),
        device(302, None, None, "Spare"),
        device(303, "new", 1, "DGX H100", status=choice("planned")),
        device(304, "pdu-c", 1, "PDU"),
        device(305, "pdu-d", 1, "PDU", status=choice("offline")),
    ]
    objects["power-ports"] += [
        port(6, "in", 304, maximum_draw=17_000),
        port(7, "in", 305, **ends("powerfeed", 1)),
    ]
    objects["power-outlets"] += [outlet(6, 304, 6), outlet(7, 305, 7)]
    objects["rack-reservations"] = [
        {"id": 1, "rack": {"id": 1, "name": "R1"}, "tenant": {"id": 1, "name": "acme"}}
    ]
    imported = taken(tmp_path, objects)
    assert sorted(imported.unmapped) == [
        "PA/F7: its status is failed",
        "PA/F8: neither its rack nor its cable leads to a rack",
        "device Spare (302): it stands in no rack that was read",
        "device new: its status is planned, it is not counted",
        "panel #77/F9: its panel #77 is not among the power panels",
        "pdu-c/in: no cable leads from it to an active feed; its limit of 17,000 W is not counted",
        "pdu-d/in: the status of its device is offline",
        "rack R4: its status is planned",
        "rack R5: no active feed leads to it",
        "rack reservation #1 of R1 for acme: reservations are a matter of the workload",
    ]
    site = read_back(tmp_path, imported)
    assert site.racks["R6"].drained
    assert site.racks["R6"].feeds == ("PA/F6",)
    assert site.rack_types[site.racks["R1"].type].nodes == 8  # the planned server is not counted


def test_a_rule_says_what_a_rack_is(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text(
        "field,value,type,nodes\n"
        "rack,R3,leave-out,\n"
        "custom_field.gpu,GB2*,gb200-nvl72,\n"
        "device_type,dgx*,hgx-h200-liquid,\n"
    )
    mistakes = Mistakes()
    rules = tuple(read_rules(table, mistakes))
    objects = data_centre()
    objects["racks"][1]["custom_fields"] = {"gpu": "gb200"}
    folder = tmp_path / "netbox"
    folder.mkdir()
    imported = taken(folder, objects, Choices(rules=rules))
    site = read_back(folder, imported)
    assert site.racks["R1"].type == "hgx-h200-liquid"
    assert (site.racks["R2"].type, site.racks["R2"].down_nodes) == ("gb200-nvl72", 0)
    assert "rack R3: left out by a rule of the map" in imported.unmapped
    assert not any("taken as hgx-h100" in note for note in imported.notes)
    assert not mistakes


def test_trays_that_are_missing_are_down_nodes(tmp_path: Path) -> None:
    objects = with_feeds(feed(1, "F1", 1, 1))
    objects["devices"] = [device(100 + i, f"t{i}", 1, "GB200 tray") for i in range(16)]
    imported = taken(tmp_path, objects)
    site = read_back(tmp_path, imported)
    assert (site.racks["R1"].type, site.racks["R1"].down_nodes) == ("gb200-nvl72", 2)
    assert imported.unmapped == (
        "rack R1: its 18 nodes are named after it, for there is not one host name for each node",
    )
    objects["devices"] = [device(100, "whole", 1, "GB200 NVL72")]
    assert site_of(tmp_path, objects).racks["R1"].down_nodes == 0


def test_a_rack_with_fewer_servers_draws_its_part() -> None:
    whole = catalogue()["hgx-h100-liquid"]
    part = scaled(whole, 3)
    # 81,600 x 3 / 8 = 30,600; 62,100 x 3 / 8 = 23,287.5, rounded up; 1,360 x 3 / 8 = 510.
    assert (part.nodes, part.gpus, part.nameplate_w) == (3, 24, 30_600)
    assert (part.percentile_w, part.air_w_per_k) == (23_288, 510)
    assert part.source.startswith("[D] 3 of 8 nodes of hgx-h100-liquid")
    assert scaled(whole, 8) is whole


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("colour,red,hgx-h100-liquid,", "map.csv:2: field: expected one of rack"),
        ("role,gpu,hgx-h10-liquid,", "did you mean hgx-h100-liquid"),
        ("role,,hgx-h100-liquid,", "map.csv:2: value: expected a name"),
        ("role,gpu,hgx-h100-liquid,0", "map.csv:2: nodes: expected 1 to 1000"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    table = tmp_path / "map.csv"
    table.write_text(f"field,value,type,nodes\n{line}\n")
    shapes.save(tmp_path, data_centre())
    words_of = ["import", "netbox", str(tmp_path), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words_of, "--map", str(table)])
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("endpoint", "key", "value", "words"),
    [
        ("power-feeds", "voltage", 0, "voltage: expected volts other than 0, got 0"),
        ("power-feeds", "voltage", "415", "voltage: expected a whole number"),
        ("power-feeds", "max_utilization", 120, "max_utilization: expected a whole number from 1"),
        ("power-feeds", "amperage", True, "amperage: expected a whole number"),
        ("power-feeds", "power_panel", None, "power_panel: expected an object with `id`"),
        ("power-feeds", "status", {"value": "odd"}, "status: expected one of active, offline"),
        ("racks", "id", "one", "id: expected a whole number"),
        ("power-ports", "connected_endpoints", 5, "connected_endpoints: expected a list"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    tmp_path: Path, endpoint: str, key: str, value: Any, words: str
) -> None:
    objects = data_centre()
    objects[endpoint][0][key] = value
    with pytest.raises(ExchangeError) as caught:
        taken(tmp_path, objects)
    assert f"{endpoint}.json:1: results[0].{words}" in str(caught.value)


def test_a_reply_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    shapes.save(tmp_path, data_centre())
    part = shapes.reply([rack(1, "R1"), rack(2, "R2")], count=3, following="http://x/?offset=2")
    (tmp_path / "racks.json").write_text(json.dumps(part))
    with pytest.raises(ExchangeError, match="expected 3 entries, got 2"):
        import_netbox(Source(place=str(tmp_path)))
    (tmp_path / "racks-2.json").write_text(json.dumps(shapes.reply([rack(3, "R3")], count=3)))
    assert "R3" in import_netbox(Source(place=str(tmp_path))).files["site.json"]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"racks.json:1: file: expected the reply of /api/dcim"):
        import_netbox(Source(place=str(tmp_path)))
    with pytest.raises(ExchangeError, match="expected a folder of saved replies"):
        import_netbox(Source(place=str(tmp_path / "none")))


def test_racks_panels_and_feeds_alone_do_with_a_rule(tmp_path: Path) -> None:
    objects = data_centre()
    for endpoint in ("devices", "power-ports", "power-outlets", "rack-reservations"):
        del objects[endpoint]
    rule = Rule("location", "hall-1", "hgx-h100-liquid", nodes=4)
    imported = taken(tmp_path, objects, Choices(rules=(rule,)))
    site = read_back(tmp_path, imported)
    assert {rack.type for rack in site.racks.values()} == {"hgx-h100-liquid-4n"}
    assert site.power_nodes["PA/F1"].rating_w == 32_777
    assert "no reply of power-ports: taken as empty" in imported.notes


def test_one_of_several_sites_has_to_be_chosen(tmp_path: Path) -> None:
    objects = data_centre()
    other = {"id": 2, "name": "DC2", "slug": "dc2"}
    objects["racks"].append(rack(9, "R9", site=other))
    objects["devices"].append(device(900, "far", 9, "DGX H100", site=other))
    with pytest.raises(ExchangeError, match="--site: expected one of dc1, dc2"):
        taken(tmp_path, objects)
    imported = taken(tmp_path, objects, site="dc1")
    assert imported.unmapped == ()
    assert read_back(tmp_path, imported).name == "DC1"
    with pytest.raises(ExchangeError, match="at least one rack of site dc3"):
        taken(tmp_path, objects, site="dc3")


def test_a_circle_of_cables_is_refused(tmp_path: Path) -> None:
    objects = data_centre()
    objects["power-ports"][0] |= ends("poweroutlet", 1)
    with pytest.raises(ExchangeError, match="without a circle, got pdu-a/in"):
        taken(tmp_path, objects)


def test_names_are_made_unique(tmp_path: Path) -> None:
    assert unique_names({1: ("a", "x/a"), 2: ("a", "y/a"), 3: ("b",)}) == {
        1: "x/a",
        2: "y/a",
        3: "b",
    }
    assert list(unique_names({1: ("a",), 2: ("a",)}).values()) == ["a (2)", "a (3)"]
    objects = data_centre()
    objects["racks"][1]["name"] = "R1"
    objects["racks"][1]["location"] = shapes.brief(11, "Hall 2")
    assert set(site_of(tmp_path, objects).racks) == {"Hall 1/R1", "Hall 2/R1"}


def test_locations_of_one_name_are_two_halls(tmp_path: Path) -> None:
    objects = data_centre()
    objects["racks"][1]["location"] = shapes.brief(11, "Hall 1")  # in another building
    objects["racks"][2]["location"] = None
    objects["power-panels"][0]["location"] = shapes.brief(11, "Hall 1")
    site = site_of(tmp_path, objects)
    assert {name: rack.hall for name, rack in site.racks.items()} == {
        "R1": "Hall 1 #10",
        "R2": "Hall 1 #11",
    }
    assert set(site.halls) == {"Hall 1 #10", "Hall 1 #11", "DC1"}
    assert site.power_nodes["PA"].hall == "Hall 1 #11"


def test_hostile_names_stay_one_printable_line(tmp_path: Path) -> None:
    objects = data_centre()
    objects["racks"][0]["name"] = "R1\u202e\n<script>" + "x" * 500
    objects["power-feeds"][0]["name"] = "=cmd()\t"
    site = site_of(tmp_path, objects)
    for name in (*site.racks, *site.power_nodes):
        assert name.isprintable()
        assert len(name) <= 200


@st.composite
def supplies(draw: st.DrawFn) -> tuple[Supply, dict[int, tuple[str, int]]]:
    """A forest of panels, feeds and chains of PDUs with or without limits, and racks on it."""
    limit = st.none() | st.integers(1, 50)
    elements = {("panel", n): Element(key=("panel", n), name=f"P{n}") for n in range(2)}
    for n in range(draw(st.integers(1, 4))):
        parent = ("panel", draw(st.integers(0, 1)))
        elements["feed", n] = Element(
            key=("feed", n), name=f"F{n}", parents=(parent,), limit_w=draw(st.integers(1, 50))
        )
    for n in range(draw(st.integers(0, 8))):
        parents = draw(st.sampled_from([key for key in elements if key[0] != "panel"]))
        elements[INLET, n] = Element(
            key=(INLET, n), name=f"I{n}", parents=(parents,), limit_w=draw(limit)
        )
    ends_of = st.sampled_from([key for key in elements if key[0] != "panel"])
    hung = {rack: draw(ends_of) for rack in range(draw(st.integers(1, 6)))}
    return Supply(elements, {rack: (end,) for rack, end in hung.items()}), hung


@given(supplies())
@settings(max_examples=100, deadline=None)
def test_merging_keeps_the_least_limit_of_every_way(
    case: tuple[Supply, dict[int, tuple[str, int]]],
) -> None:
    supply, hung = case
    made = stages_of(supply, [(end,) for end in hung.values()])
    for end in hung.values():
        limits = [supply.elements[key].limit_w for key in way(supply, end)]
        least = min(limit for limit in limits if limit is not None)
        assert supply.path_w[end] == least
        # The same rack by rack on what was written: from the stage that it hangs on to the panel.
        key, ratings = made.stage_of[end], []
        while key[0] != "panel":
            ratings.append(made.stages[key].rating_w)
            (key,) = made.stages[key].parents
        assert min(ratings) == least
        assert made.stages[key].rating_w >= least


@given(supplies())
@settings(max_examples=100, deadline=None)
def test_merging_leaves_no_stage_that_a_neighbour_could_stand_for(
    case: tuple[Supply, dict[int, tuple[str, int]]],
) -> None:
    supply, hung = case
    made = stages_of(supply, [(end,) for end in hung.values()])
    users = [parent for stage in made.stages.values() for parent in stage.parents]
    users += [made.stage_of[end] for end in hung.values()]
    for key in made.stages:
        assert users.count(key) >= 1
        below = [stage for stage in made.stages.values() if stage.parents == (key,)]
        assert key[0] == "panel" or users.count(key) > 1 or not below


def way(supply: Supply, key: tuple[str, int]) -> list[tuple[str, int]]:
    """The elements from `key` up to its panel, found without the code under test."""
    parents = supply.elements[key].parents
    return [key, *(way(supply, parents[0]) if parents else [])]


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.lists(st.none() | st.integers(1_000, 40_000), min_size=1, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_a_chain_of_pdus_carries_what_its_weakest_part_carries(
    amperes: list[int], pdus: list[int | None]
) -> None:
    """One feed, then PDUs in a row; the site's own topology says what reaches the rack."""
    objects = {
        "racks": [rack(1, "R1")],
        "power-panels": [panel(1, "PA")],
        "power-feeds": [feed(1, "F1", 1, amperage=amperes[0])],
        "devices": [device(n, f"pdu{n}", 1, "PDU") for n in range(1, len(pdus) + 1)],
        "power-ports": [
            port(n, "in", n, maximum_draw=watts)
            | (ends("powerfeed", 1) if n == 1 else ends("poweroutlet", n - 1))
            for n, watts in enumerate(pdus, 1)
        ],
        "power-outlets": [outlet(n, n, n) for n in range(1, len(pdus) + 1)],
    }
    pages = {
        name: [Document(name, shapes.reply(rows), text="{}")] for name, rows in objects.items()
    }
    mistakes = Mistakes()
    supply, lost = supply_of(read_objects(pages, mistakes), PF)
    assert not mistakes
    assert lost == []
    (end,) = supply.leaves[1]
    own = feed_w(415, amperes[0], 80, PF, three_phase=True)
    assert supply.path_w[end] == min([own, *(watts for watts in pdus if watts is not None)])
    assert end == (INLET, len(pdus))


SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "value", "results", "status", "rack", "voltage"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(data_centre())), st.integers(0, 5), st.text(max_size=8), SMALL)
@settings(max_examples=80, deadline=None)
def test_nothing_but_mistakes_comes_of_strange_values(
    endpoint: str, number: int, other: str, value: Any
) -> None:
    objects = data_centre()
    rows = objects[endpoint]
    keys = sorted(rows[0]) if rows else [other]
    if rows:
        rows[number % len(rows)][keys[len(other) % len(keys)]] = value
    else:
        rows.append({other: value})
    pages = {name: [Document(name, shapes.reply(r), text="{}")] for name, r in objects.items()}
    mistakes = Mistakes()
    read = read_objects(pages, mistakes)
    if not mistakes:
        supply_of(read, PF)


def test_the_command_writes_the_site_and_lists_what_is_left(tmp_path: Path) -> None:
    objects = data_centre()
    objects["racks"].append(rack(5, "R5"))
    shapes.save(tmp_path, objects)
    words = ["import", "netbox", str(tmp_path), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    line = "rack R5: no GPUs that are known, and no power draw"
    assert f"not mapped: {line}" in done.stdout
    assert (tmp_path / "out" / "unmapped.txt").read_text() == line + "\n"
    site = read_site_file(tmp_path / "out" / "site.json")
    reach = Topology(site)
    assert reach is not None
    bad = CliRunner().invoke(app, [*words, "--power-basis", "label"])
    assert bad.exit_code == 2
    assert "power_basis: expected" in bad.stderr


def test_choices_change_the_site(tmp_path: Path) -> None:
    objects = data_centre()
    objects["racks"][0]["custom_fields"] = {"pod_row": "A7"}
    choices = Choices(
        power_factor=Fraction(1),
        power_basis="nameplate",
        survive=("panel", "feed"),
        array_field="pod_row",
    )
    site = site_of(tmp_path, objects, choices)
    assert site.power_nodes["PA/F3"].rating_w == 34_502
    assert site.power_basis == "nameplate"
    assert site.failure_kinds == ("panel", "feed")
    assert (site.racks["R1"].array, site.racks["R2"].array) == ("Hall 1/A7", "Hall 1")
    other = replace(choices, rules=(Rule("rack", "R1", "base-load"),))
    assert "rack R1: no GPUs" in "".join(taken(tmp_path, objects, other).unmapped)
