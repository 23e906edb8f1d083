"""Topograph's files: what goes out comes back the same, and what is wrong is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.fabric_nodes import FabricNode, fabric_nodes
from scheduler.exchange.topograph.ranges import compact
from scheduler.exchange.topograph.read import Fabric, import_topograph, read_fabric
from scheduler.exchange.topograph.write import GRAPH, MODEL, export
from scheduler.inputs import read_site_file
from scheduler.model import Level, Plan, Site
from tests import build
from tests.random_problems import random_problem

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "topograph"
needs_models = pytest.mark.skipif(not SHARED.is_dir(), reason="the published models are not here")

MODEL_TEXT = """
switches:
  core: {labels: {topology.kubernetes.io/region: north}, switches: [spine-1, spine-2]}
  spine-1: {switches: [leaf-1]}
  spine-2: {switches: [leaf-2]}
blocks:
- switch: leaf-1
  nodes: ["GPU[08-10]", GPU12]
  annotations: {accelerator.topology.test/domain: nvl}
- {switch: leaf-2, nodes: ["b[1-2]"]}
"""


def written(tmp_path: Path, site: Site) -> tuple[Path, Path]:
    exported = export(build.problem(site), Plan({}))
    for name, text in exported.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / MODEL, tmp_path / GRAPH


def imported(tmp_path: Path, path: Path, rack_type: str = "gb200-nvl72") -> Site:
    found = import_topograph(path, rack_type=rack_type)
    (tmp_path / "site.json").write_text(found.files["site.json"], encoding="utf-8")
    return read_site_file(tmp_path / "site.json")


def topology(nodes: tuple[FabricNode, ...]) -> dict[str, tuple[tuple[str, ...], str | None]]:
    """What a fabric says of every host: the switches above it and its NVLink domain."""
    return {node.host: (node.layers, node.domain) for node in nodes}


def read(tmp_path: Path, text: str, suffix: str = ".yaml") -> Fabric:
    path = tmp_path / f"model{suffix}"
    path.write_text(text, encoding="utf-8")
    return read_fabric(path)


def test_a_model_is_read_as_the_switches_above_every_node(tmp_path: Path) -> None:
    fabric = read(tmp_path, MODEL_TEXT)
    gpu, other = ("leaf-1", "spine-1", "core"), ("leaf-2", "spine-2", "core")
    assert topology(fabric.nodes) == {
        **dict.fromkeys(("GPU08", "GPU09", "GPU10", "GPU12"), (gpu, "nvl")),
        **dict.fromkeys(("b1", "b2"), (other, None)),
    }
    assert fabric.unmapped == ("switch core: labels: topology.kubernetes.io/region",)


def test_a_fabric_becomes_a_site_that_says_what_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(MODEL_TEXT, encoding="utf-8")
    found = import_topograph(path, rack_type="gb200-nvl72")
    assert any("power and cooling are not known" in note for note in found.notes)
    site = imported(tmp_path, path)
    nvl = site.racks["nvl"]
    assert (nvl.array, nvl.pod, nvl.hall) == ("leaf-1", "spine-1", "core")
    assert nvl.hosts == ("GPU08", "GPU09", "GPU10", "GPU12")
    assert site.type_of(nvl).nvlink_domain is Level.RACK
    assert site.type_of(nvl).nodes == 4
    # 132 kW of 18 nodes in proportion, rounded up: the figure of the built-in type.
    whole = 4 * 132_000
    assert site.type_of(nvl).nameplate_w == -(-whole // 18)
    plain = site.racks["leaf-2-R1"]
    assert site.type_of(plain).nvlink_domain is Level.HOST
    assert site.fabric.joins is Level.HALL


def test_the_earlier_shape_of_models_is_read(tmp_path: Path) -> None:
    text = """
switches:
  core: {metadata: {region: west}, switches: [leaf]}
  leaf: {nodes: ["n[1-2]", n3]}
capacity_blocks:
  cb1: {nodes: ["n[1-2]"], attributes: {nvlink: nvl1}}
nodes:
  n3: {attributes: {nvlink: nvl2}}
"""
    fabric = read(tmp_path, text)
    layers = ("leaf", "core")
    assert topology(fabric.nodes) == {
        "n1": (layers, "nvl1"),
        "n2": (layers, "nvl1"),
        "n3": (layers, "nvl2"),
    }
    assert fabric.unmapped == ("switch core: metadata",)


@needs_models
@pytest.mark.parametrize("name", ["nvl72.yaml", "small-tree.yaml"])
def test_the_published_models_come_back_the_same(tmp_path: Path, name: str) -> None:
    before = topology(read_fabric(SHARED / name).nodes)
    site = imported(tmp_path, SHARED / name)
    assert topology(fabric_nodes(site)) == before
    for path in written(tmp_path, site):
        assert topology(read_fabric(path).nodes) == before
    theirs = yaml.safe_load((SHARED / name).read_text())
    ours = yaml.safe_load((tmp_path / MODEL).read_text())
    below = {name: each.get("switches") for name, each in theirs["switches"].items()}
    assert {name: each.get("switches") for name, each in ours["switches"].items()} == below
    assert [b["switch"] for b in ours["blocks"]] == [b["switch"] for b in theirs["blocks"]]


@settings(deadline=None, max_examples=60)  # files are written and read
@given(st.integers(0, 10**6), st.sampled_from((Level.ARRAY, Level.POD, Level.HALL, Level.SITE)))
def test_any_site_comes_back_with_the_same_fabric(
    tmp_path_factory: pytest.TempPathFactory, seed: int, joins: Level
) -> None:
    folder = tmp_path_factory.mktemp("fabric")
    site = random_problem(seed).site
    site = replace(site, fabric=replace(site.fabric, joins=joins))
    before = fabric_nodes(site)
    for path in written(folder, site):
        assert set(read_fabric(path).nodes) == set(before)
        again = imported(folder, path)
        assert topology(fabric_nodes(again)) == topology(before)
        assert set(again.racks) == set(site.racks)
        for rack in again.racks.values():
            assert again.type_of(rack).nodes == site.type_of(site.racks[rack.name]).nodes


@settings(deadline=None, max_examples=60)  # files are written and read
@given(st.integers(0, 10**6))
def test_a_fabric_from_switches_alone_comes_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Trees of 1 to 4 layers, of one root at the fourth, with and without NVLink domains."""
    folder, rng = tmp_path_factory.mktemp("tree"), Random(seed)
    depth = rng.randint(1, 4)
    instances = []
    for number in range(rng.randint(1, 12)):
        spine, leaf = rng.randint(0, 1), rng.randint(0, 2)
        layers = [f"leaf-{spine}-{leaf}", f"spine-{spine}", "core", "top"][:depth]
        label = "accelerator.topograph.run/domain"
        domain = rng.choice((None, f"nvl-{spine}-{leaf}"))
        labels = {"labels": {label: domain}} if domain else {}
        instances.append({"id": f"Node{number}", "network_layers": layers, **labels})
    path = folder / "graph.json"
    path.write_text(json.dumps({"instances": instances}))
    before = topology(read_fabric(path).nodes)
    site = imported(folder, path, "hgx-h100-liquid")
    for again in written(folder, site):
        assert topology(read_fabric(again).nodes) == before


def test_ranges_are_folded_at_the_end_of_names_only() -> None:
    hosts = ["n08", "n09", "n10", "n12", "login", "a1b", "a2b"]
    assert compact(hosts) == ["n[08-10]", "n12", "login", "a1b", "a2b"]
    assert compact(["n9", "n10", "m1"]) == ["n[9-10]", "m1"]


def test_a_domain_behind_two_leaves_is_told(tmp_path: Path) -> None:
    label = {"accelerator.topograph.run/domain": "nvl"}
    instances: list[dict[str, Any]] = [
        {"id": f"n{n}", "network_layers": [f"leaf{n}", "top"], "labels": label} for n in (1, 2)
    ]
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"instances": instances}))
    found = import_topograph(path, rack_type="gb200-nvl72")
    assert "NVLink domain nvl: behind 2 leaves, so a rack for each" in found.unmapped


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[]", "expected a mapping"),
        ("a: 1", "expected switches (a model) or instances (a graph), got none"),
        ("switches: {a: {switches: [b]}, c: {switches: [b]}}", "b is below a, got c"),
        ("switches: {a: {switches: [a]}}", "expected a tree of at most 64 layers"),
        ("switches: {}\nblocks: [{switch: a, nodes: ['n[2-1]']}]", "blocks[0].nodes: expected"),
        ("switches: {}\nblocks: [{switch: a, nodes: [n]}, {switch: b, nodes: [n]}]", "each node"),
        ("switches: {}\nblocks: [{nodes: [n]}]", "blocks[0].switch: expected 1 to 200 printable"),
        ("switches: [a]", "switches: expected a mapping"),
        ("instances: [1]", "instances[0]: expected a mapping, got 1"),
        ("instances: []", "expected at least one node below a switch, got none"),
        ("switches: {a: {switches: no}}", "switches.a.switches: expected a list of names"),
        ("instances: [{id: n, network_layers: [a, b, c, d, e]}]", "expected at most 4 layers"),
        (
            "instances: [{id: n, network_layers: [a, b, c, d]}, {id: m, network_layers: [x]}]",
            "expected at most 3 layers in each of several fabrics",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExchangeError) as error:
        import_topograph(path, rack_type="gb200-nvl72")
    assert any(line in mistake for mistake in error.value.mistakes), error.value.mistakes


def test_an_unknown_rack_type_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(MODEL_TEXT, encoding="utf-8")
    with pytest.raises(ExchangeError, match="rack type: expected one of hgx-h100-liquid"):
        import_topograph(tmp_path / "model.yaml", rack_type="abacus")


@settings(deadline=None, max_examples=60)  # files are written and read
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused_in_words(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    folder = tmp_path_factory.mktemp("noise")
    for name in ("model.yaml", "graph.json"):
        (folder / name).write_bytes(noise)
        with pytest.raises(ExchangeError):
            import_topograph(folder / name, rack_type="gb200-nvl72")
