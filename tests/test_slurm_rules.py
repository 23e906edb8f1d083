"""The mistakes that clusters have made with topologies are found, each by its own words."""

from __future__ import annotations

import pytest

from scheduler.exchange.slurm.topologies import Block, Blocks, Switch, Topologies
from scheduler.exchange.slurm.topology_rules import (
    block_faults,
    joined_faults,
    missing_faults,
    small_blocks,
    tree_faults,
)

A = Switch(name="a", nodes=("n1", "n2"))
B = Switch(name="b", nodes=("n3",))
TOP = Switch(name="top", children=("a", "b"))
BLOCKS = Blocks(
    name="nvl",
    sizes=(2, 4),
    blocks=(Block(name="x", nodes=("n1", "n2")), Block(name="y", nodes=("n3", "n4"))),
)


def test_a_sound_topology_has_no_faults() -> None:
    assert list(tree_faults((TOP, A, B))) == []
    assert list(block_faults(BLOCKS)) == []
    sound = Topologies(switches=(TOP, A, B))
    assert list(missing_faults(sound, ["n1", "n2", "n3"], [])) == []
    assert list(joined_faults((TOP, A, B), dict.fromkeys(("n1", "n2", "n3"), "f"))) == []


@pytest.mark.parametrize(
    ("switches", "words"),
    [
        ((Switch(name="bare"),), "switch bare: expected either nodes or switches below it"),
        (
            (Switch(name="top", children=("a",), nodes=("n9",)), A),
            "switch top: expected either nodes or switches below it",
        ),
        ((TOP, A), "switch top: expected switches of the file below it, got b"),
        ((A, A), "switch a: expected a name that no other has"),
        (
            (TOP, Switch(name="alt", children=("a",)), A, B),
            "switch a: expected at most one above it, got 2",
        ),
        (
            (Switch(name="p", children=("q",)), Switch(name="q", children=("p",))),
            "switch p: expected a tree, got a cycle",
        ),
        ((A, Switch(name="c", nodes=("n2",))), "node n2: expected on one leaf, got a and c"),
        ((Switch(name="a b", nodes=("n1",)),), "switch 'a b': expected a name of at most 63"),
    ],
)
def test_a_broken_tree_is_named(switches: tuple[Switch, ...], words: str) -> None:
    assert any(words in text for _line, text in tree_faults(switches))


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (Blocks(name="t", sizes=(), blocks=BLOCKS.blocks), "a base size of at least 1"),
        (Blocks(name="t", sizes=(2, 6), blocks=BLOCKS.blocks), "2 times a power of two, got 6"),
        (Blocks(name="t", sizes=(2, 3), blocks=BLOCKS.blocks), "2 times a power of two, got 3"),
        (
            Blocks(name="t", sizes=(1,), blocks=(*BLOCKS.blocks, Block(name="z", nodes=("n4",)))),
            "node n4: expected on one block, got y and z",
        ),
        (
            Blocks(name="t", sizes=(1,), blocks=(Block(name="z", nodes=()),)),
            "block z: expected nodes, got none",
        ),
    ],
)
def test_broken_blocks_are_named(blocks: Blocks, words: str) -> None:
    assert any(words in text for _line, text in block_faults(blocks))


def test_every_node_has_one_place_and_every_place_a_node() -> None:
    found = Topologies(switches=(TOP, A, B), blocks=(BLOCKS,))
    assert list(missing_faults(found, ["n1", "n2", "n3", "n5"], ["n1", "n5"])) == [
        "node n5: expected on exactly one leaf switch, got 0",
        "node n5: expected in exactly one block, got 0",
        "node n4: expected a node of the site",
    ]


def test_separate_fabrics_below_one_root_are_named() -> None:
    fabric_of = {"n1": "H1", "n2": "H1", "n3": "H2"}
    assert list(joined_faults((TOP, A, B), fabric_of)) == [
        "switch top: joins the separate fabrics H1, H2"
    ]
    assert list(joined_faults((A, B), fabric_of)) == []


def test_blocks_below_the_base_size_are_counted_by_usable_nodes() -> None:
    assert small_blocks(BLOCKS, {"n1", "n3", "n4"}) == [("x", 1)]
