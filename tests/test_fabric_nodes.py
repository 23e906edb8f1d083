"""The fabric seen from its nodes: switches of one name are told apart, unless they are the same."""

from __future__ import annotations

from dataclasses import replace

from scheduler.exchange.fabric_nodes import fabric_nodes
from scheduler.model import Level, Site
from tests import build


def site(*places: tuple[str, str, str]) -> Site:
    """A rack in each of these (array, pod, hall)."""
    racks = [
        build.rack(f"r{number}", array=array, pod=pod, hall=hall)
        for number, (array, pod, hall) in enumerate(places)
    ]
    halls = {hall: replace(build.site().halls["H"], name=hall) for _, _, hall in places}
    return build.site(racks, halls=halls)


def layers(of: Site, joins: Level = Level.SITE) -> list[tuple[str, ...]]:
    joined = replace(of, fabric=replace(of.fabric, joins=joins))
    return list(dict.fromkeys(node.layers for node in fabric_nodes(joined)))


def test_every_level_is_a_layer_up_to_what_the_fabric_joins() -> None:
    plain = site(("A", "P", "H"), ("B", "P", "H"))
    assert layers(plain) == [("A", "P", "H", "test"), ("B", "P", "H", "test")]
    assert layers(plain, Level.POD) == [("A", "P"), ("B", "P")]
    assert layers(plain, Level.ARRAY) == [("A",), ("B",)]


def test_a_switch_that_joins_one_of_its_own_name_is_that_one() -> None:
    assert layers(site(("X", "X", "X")), Level.HALL) == [("X",)]
    assert layers(site(("A", "S", "S"), ("B", "S", "S")), Level.HALL) == [("A", "S"), ("B", "S")]


def test_different_domains_of_one_name_are_told_apart() -> None:
    assert layers(site(("P", "P", "H"), ("B", "P", "H")), Level.POD) == [
        ("P", "P-pod"),
        ("B", "P-pod"),
    ]
    # The name that would tell them apart is somebody else's already.
    taken = site(("P", "P", "H"), ("P-pod", "P", "H"))
    assert layers(taken, Level.POD) == [("P", "P-pod-pod"), ("P-pod", "P-pod-pod")]


def test_nvlink_that_spans_the_rack_is_a_domain() -> None:
    types = {"hgx": build.rack_type(nvlink_domain=Level.RACK)}
    nodes = fabric_nodes(build.site(rack_types=types))
    assert [(node.host, node.domain, node.rack) for node in nodes[:2]] == [
        ("r1-n01", "r1", "r1"),
        ("r1-n02", "r1", "r1"),
    ]
    assert {node.domain for node in fabric_nodes(build.site())} == {None}
