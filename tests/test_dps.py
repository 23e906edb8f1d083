"""DPS topology files: limits, static loads, A and B feeds; what goes out comes back the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.exchange.dps.read import read_topology
from scheduler.exchange.dps.site import import_dps
from scheduler.exchange.dps.write import FILE, export, feed_tags
from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.node_names import node_names
from scheduler.inputs import read_site_file
from scheduler.model import BaseLoad, Plan, PowerNode, Site
from tests import build
from tests.random_problems import random_problem

Document = dict[str, Any]


def limit(watts: float, factor: float = 1) -> Document:
    return {"PowerValue": {"Value": watts, "Type": "W"}, "PowerFactor": factor}


def small() -> Document:
    """Two feeds of one utility each, four systems on both: the file of a small pilot."""
    hosts = [f"gpu-r{rack}-n{node}" for rack in (1, 2) for node in (1, 2)]
    return {
        "Topology": {
            "Name": "pilot",
            "Entities": [
                {"Name": "feed-b", "FeedTag": "B", "Children": ["pdu-b"]},
                {"Name": "feed-a", "FeedTag": "A", "Children": ["pdu-a"]},
                {"Name": "pdu-b", "Children": [*hosts]},
                {"Name": "pdu-a", "Children": [*hosts]},
                *({"Name": host} for host in hosts),
            ],
        },
        "Entities": [
            {"Type": "PowerDomain", "Name": "feed-a", "OperatingLimit": limit(900_000, 0.95)},
            {"Type": "PowerDomain", "Name": "feed-b", "Constraints": limit(100_001, 0.9)},
            {
                "Type": "PowerDistribution",
                "Name": "pdu-a",
                "Model": "FloorPDU",
                "StaticLoad": 2000.5,
                "OperatingLimit": limit(50_000),
                "Redfish": {"URL": "https://192.0.2.10", "SecretName": "x"},
            },
            {"Type": "PowerDistribution", "Name": "pdu-b", "Model": "FloorPDU"},
            *(
                {"Type": "ComputerSystem", "Name": host, "Model": "DGX_H100", "Policy": "MaxQ"}
                for host in hosts
            ),
        ],
        "Policies": [{"Name": "MaxQ", "Limits": []}],
    }


def put(tmp_path: Path, document: object) -> Path:
    path = tmp_path / FILE
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def site_from(tmp_path: Path, path: Path, rack_type: str = "") -> Site:
    found = import_dps(path, rack_type=rack_type)
    (tmp_path / "site.json").write_text(found.files["site.json"], encoding="utf-8")
    return read_site_file(tmp_path / "site.json")


def test_limits_are_value_times_power_factor_rounded_down(tmp_path: Path) -> None:
    nodes = site_from(tmp_path, put(tmp_path, small())).power_nodes
    assert nodes["feed-a"].rating_w == 855_000
    assert nodes["feed-b"].rating_w == 90_000  # 90,000.9 W, under the older name of the field
    assert nodes["pdu-a"].rating_w == 50_000
    assert (nodes["pdu-a"].parents, nodes["pdu-a"].kind) == (("feed-a",), "FloorPDU")
    assert nodes["feed-a"].kind == "utility"


def test_a_node_without_a_limit_limits_nothing_and_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, small())
    site = site_from(tmp_path, path)
    all_w = sum(site.type_of(rack).nameplate_w for rack in site.racks.values()) + 2_001
    assert site.power_nodes["pdu-b"].rating_w == all_w
    assert "1 entities without OperatingLimit: pdu-b" in import_dps(path).unmapped


def test_static_loads_are_base_loads_rounded_up(tmp_path: Path) -> None:
    document = small()
    document["Entities"][4]["StaticLoad"] = 300  # of gpu-r1-n1
    assert site_from(tmp_path, put(tmp_path, document)).base_loads == (
        BaseLoad(name="static load of pdu-a", hall="pilot", feeds=("pdu-a",), power_w=2_001),
        BaseLoad(
            name="static load of gpu-r1-n1", hall="pilot", feeds=("pdu-b", "pdu-a"), power_w=300
        ),
    )


def test_systems_with_the_same_feeds_and_stem_are_a_rack_fed_by_a_then_b(tmp_path: Path) -> None:
    site = site_from(tmp_path, put(tmp_path, small()))
    assert {name: rack.hosts for name, rack in site.racks.items()} == {
        "gpu-r1": ("gpu-r1-n1", "gpu-r1-n2"),
        "gpu-r2": ("gpu-r2-n1", "gpu-r2-n2"),
    }
    for rack in site.racks.values():
        assert rack.feeds == ("pdu-a", "pdu-b")
        assert site.type_of(rack).gpu_type == "h100"
        assert site.type_of(rack).nodes == 2
    assert site.failure_kinds == ("FloorPDU",)


def test_two_feeds_with_one_tag_are_no_redundancy(tmp_path: Path) -> None:
    document = small()
    document["Topology"]["Entities"][0]["FeedTag"] = "A"
    assert site_from(tmp_path, put(tmp_path, document)).failure_kinds == ()


def test_what_has_no_place_is_listed(tmp_path: Path) -> None:
    document = small()
    document["Topology"]["Entities"][0]["FeedTag"] = "site-feed-b"
    document["Version"] = 1
    document["Entities"].append({"Type": "PowerDomain", "Name": "spare"})
    assert set(import_dps(put(tmp_path, document)).unmapped) == {
        "Policy of 4 entities",
        "Redfish of 1 entities",
        "policy MaxQ",
        "Version",
        "entity spare: not in the topology",
        "1 entities without OperatingLimit: pdu-b",
        "FeedTag site-feed-b: kept as the order of feeds",
    }
    assert "192.0.2.10" not in str(import_dps(put(tmp_path, document)))


def power(path: Path, tags: bool = True) -> dict[str, object]:
    """What a file says of every entity, whatever the order of its parts."""
    return {
        name: (e.type, e.model, e.limit_w, e.static_w, e.tag if tags else "", frozenset(e.children))
        for name, e in read_topology(path).entities.items()
    }


@settings(deadline=None, max_examples=60)  # files are written and read
@given(st.integers(0, 10**6), st.booleans())
def test_any_site_comes_back_with_the_same_power(
    tmp_path_factory: pytest.TempPathFactory, seed: int, two_feeds: bool
) -> None:
    folder = tmp_path_factory.mktemp("power")
    site = random_problem(seed).site
    if two_feeds:  # A feeds and B feeds, so that there are tags
        a, b = (
            PowerNode(name="a", kind="pdu", rating_w=9),
            PowerNode(name="b", kind="pdu", rating_w=8),
        )
        racks = {name: replace(rack, feeds=("a", "b")) for name, rack in site.racks.items()}
        site = replace(site, racks=racks, power_nodes={**site.power_nodes, "a": a, "b": b})
        assert feed_tags(site) == {"a": "A", "b": "B"}
    path = folder / FILE
    path.write_text(export(build.problem(site), Plan({})).files[FILE], encoding="utf-8")
    before = power(path, tags=two_feeds)
    again = site_from(folder, path, "hgx-h100-liquid")
    for name, node in site.power_nodes.items():
        found = again.power_nodes[name]
        assert (found.rating_w, set(found.parents)) == (node.rating_w, set(node.parents))
    feeds = {h: set(r.feeds) for r in site.racks.values() for h in node_names(site).hosts[r.name]}
    assert {h: set(r.feeds) for r in again.racks.values() for h in r.hosts} == feeds
    path.write_text(export(build.problem(again), Plan({})).files[FILE], encoding="utf-8")
    after = power(path, tags=two_feeds)
    for entities in (before, after):  # the rack type was chosen: the model is another one
        for name in feeds:
            entities.pop(name)
    assert after == before


def test_the_simulated_site_of_the_sdk_comes_back(tmp_path: Path) -> None:
    """144 nodes in 8 racks: 750 kW over 1.6 MW over 4 x 450 kW, 2 racks each, as its page says."""
    hosts = {r: [f"gb300-r{r}-n{n:02d}" for n in range(1, 19)] for r in range(1, 9)}
    tree: dict[str, tuple[str, int, list[str]]] = {
        "Utility": ("PowerDomain", 750_000, ["Switchboard"]),
        "Switchboard": ("PowerDistribution", 1_600_000, [f"FloorPDU-{n}" for n in range(1, 5)]),
        **{
            f"FloorPDU-{n}": ("PowerDistribution", 450_000, hosts[n] + hosts[n + 4])
            for n in range(1, 5)
        },
    }
    every = [host for rack in hosts.values() for host in rack]
    document = {
        "Topology": {
            "Name": "sdk",
            "Entities": [
                *({"Name": name, "Children": below} for name, (_, _, below) in tree.items()),
                *({"Name": host} for host in every),
            ],
        },
        "Entities": [
            *(
                {"Type": kind, "Name": name, "OperatingLimit": limit(watts)}
                for name, (kind, watts, _) in tree.items()
            ),
            *({"Type": "ComputerSystem", "Name": h, "Model": "DGX_GB300"} for h in every),
        ],
    }
    site = site_from(tmp_path, put(tmp_path, document))
    assert len(site.racks) == 8
    assert {rack.type for rack in site.racks.values()} == {"gb300-nvl72"}
    assert site.racks["gb300-r5"].feeds == ("FloorPDU-1",)
    before = power(tmp_path / FILE)
    (tmp_path / FILE).write_text(export(build.problem(site), Plan({})).files[FILE])
    after = power(tmp_path / FILE)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == tree.keys() - {"Utility"}  # these had no model, and now have one


def _double(document: Document) -> None:
    document["Entities"].append(document["Entities"][0])


def _cycle(document: Document) -> None:
    document["Topology"]["Entities"][2]["Children"].append("feed-b")


def _stranger(document: Document) -> None:
    document["Topology"]["Entities"][2]["Children"].append("nobody")


def _unknown(document: Document) -> None:
    document["Topology"]["Entities"].append({"Name": "nobody"})


def _kind(document: Document) -> None:
    document["Entities"][0]["Type"] = "Toaster"


def _watts(document: Document) -> None:
    document["Entities"][0]["OperatingLimit"]["PowerValue"]["Value"] = -1


def _unit(document: Document) -> None:
    document["Entities"][0]["OperatingLimit"]["PowerValue"]["Type"] = "A"


def _factor(document: Document) -> None:
    document["Entities"][0]["OperatingLimit"]["PowerFactor"] = 1.5


def _model(document: Document) -> None:
    document["Entities"][4]["Model"] = "Abacus"


def _three(document: Document) -> None:
    document["Topology"]["Entities"][0]["Children"].append("gpu-r1-n1")


def _unfed(document: Document) -> None:
    for entity in document["Topology"]["Entities"][2:4]:
        entity["Children"].remove("gpu-r1-n1")


def _below(document: Document) -> None:
    document["Topology"]["Entities"][4]["Children"] = ["gpu-r1-n2"]


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (_double, "Entities[8].Name: expected each entity once, got 'feed-a'"),
        (_cycle, "expected feeds without a cycle, got"),
        (_stranger, "Children: expected entities of the topology, got nobody"),
        (_unknown, "Topology.Entities[8].Name: expected an entity of the file, got 'nobody'"),
        (_kind, "Entities[0].Type: expected one of ComputerSystem, PowerDomain,"),
        (_watts, "OperatingLimit.PowerValue.Value: expected 0 to 1e+12, got -1"),
        (_unit, "OperatingLimit.PowerValue.Type: expected W or VA, got 'A'"),
        (_factor, "PowerFactor: expected above 0 and at most 1, got 1.5"),
        (_model, "gpu-r1-n1: expected a model that names a known GPU (or --rack-type), got Abacus"),
        (_three, "gpu-r1-n1: expected one or two feeds, got 3"),
        (_unfed, "gpu-r1-n1: expected one or two feeds, got 0"),
        (_below, "Children: expected none below a ComputerSystem"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, spoil: Callable[[Document], None], line: str
) -> None:
    document = small()
    spoil(document)
    with pytest.raises(ExchangeError) as error:
        import_dps(put(tmp_path, document))
    assert any(line in mistake for mistake in error.value.mistakes), error.value.mistakes


@settings(deadline=None, max_examples=60)  # files are written and read
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("Entities", "Topology", "Name", "Type", "Children", "Model")),
                inner,
                max_size=4,
            )
        ),
        max_leaves=15,
    )
)
def test_noise_is_refused_in_words(tmp_path_factory: pytest.TempPathFactory, noise: object) -> None:
    folder = tmp_path_factory.mktemp("noise")
    with pytest.raises(ExchangeError):
        import_dps(put(folder, noise))


def test_a_site_says_what_dps_does_not_know() -> None:
    exported = export(build.problem(), Plan({}))
    document = json.loads(exported.files[FILE])
    tags = {each["Name"]: each.get("FeedTag") for each in document["Topology"]["Entities"][:2]}
    assert tags == {"ups1": "A", "ups2": "B"}
    assert document["Entities"][2] == {
        "Type": "ComputerSystem",
        "Name": "r1-n01",
        "Model": "DGX_H100",
    }
    assert exported == export(build.problem(), Plan({}))


def test_a_base_load_on_two_feeds_is_two_halves_rounded_up() -> None:
    loads = (
        BaseLoad(name="net", hall="H", feeds=("ups1", "ups2"), power_w=1_001),
        BaseLoad(name="pumps", hall="H", feeds=("ups2",), power_w=40),
    )
    exported = export(build.problem(build.site(base_loads=loads)), Plan({}))
    entities = {each["Name"]: each for each in json.loads(exported.files[FILE])["Entities"]}
    assert entities["ups1"]["StaticLoad"] == 501
    assert entities["ups2"]["StaticLoad"] == 541
    assert any("halves" in note for note in exported.notes)
