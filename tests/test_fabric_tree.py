"""The fabric as a tree: order, labels, separate fabrics, NVLink domains."""

from __future__ import annotations

from scheduler.exchange.fabric_tree import Domain, fabric_roots, nvlink_blocks
from scheduler.model import Fabric, Level, Rack, Site
from tests import build

PLACES = {
    "r1": ("A1", "P1", "H1"),
    "r2": ("A1", "P1", "H1"),
    "r3": ("A2", "P1", "H1"),
    "r4": ("A3", "P2", "H2"),
}


def site(joins: Level = Level.SITE) -> Site:
    racks: list[Rack] = [
        build.rack(name, array=array, pod=pod, hall=hall, drained=name == "r2")
        for name, (array, pod, hall) in PLACES.items()
    ]
    return build.site(racks, fabric=Fabric(joins=joins))


def outline(domain: Domain) -> object:
    """A tree as nested tuples of names."""
    inside = [outline(child) for child in domain.children] or [r.name for r in domain.racks]
    return (domain.name, *inside)


def test_the_tree_nests_arrays_pods_halls_and_the_site() -> None:
    (root,) = fabric_roots(site())
    assert outline(root) == (
        "test",
        ("H1", ("P1", ("A1", "r1", "r2"), ("A2", "r3"))),
        ("H2", ("P2", ("A3", "r4"))),
    )
    assert [rack.name for rack in root.all_racks] == ["r1", "r2", "r3", "r4"]  # drained as well
    assert [each.label for each in root.walk()] == [
        "test",
        "h1",
        "p1",
        "a1",
        "a2",
        "h2",
        "p2",
        "a3",
    ]


def test_separate_fabrics_have_roots_of_their_own() -> None:
    assert [root.name for root in fabric_roots(site(Level.HALL))] == ["H1", "H2"]
    assert [root.name for root in fabric_roots(site(Level.POD))] == ["P1", "P2"]
    assert [outline(root) for root in fabric_roots(site(Level.ARRAY))] == [
        ("A1", "r1", "r2"),
        ("A2", "r3"),
        ("A3", "r4"),
    ]


def test_a_name_of_two_levels_has_two_labels() -> None:
    (root,) = fabric_roots(build.site([build.rack("r", array="X", pod="X", hall="X")], name="X"))
    assert [each.label for each in root.walk()] == ["x-site", "x-hall", "x-pod", "x"]


def test_racks_that_nvlink_spans_are_blocks_by_type() -> None:
    types = {
        "nvl": build.rack_type("nvl", nvlink_domain=Level.RACK),
        "hgx": build.rack_type(),
    }
    racks = [build.rack("r1", type="nvl"), build.rack("r2"), build.rack("r3", type="nvl")]
    found = nvlink_blocks(build.site(racks, rack_types=types))
    assert {name: [rack.name for rack in inside] for name, inside in found.items()} == {
        "nvl": ["r1", "r3"]
    }
