"""The graph of the site."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import pytest

from scheduler.model import NORMAL, BaseLoad, Fabric, FailureState, Level, PowerNode, Rack, Site
from scheduler.terms.routing import Walk
from scheduler.topology import Topology
from tests import build
from tests.power_cases import SEEDS, node, nodes, random_case

HALF, THIRD, ONE = Fraction(1, 2), Fraction(1, 3), Fraction(1)


def topology(racks: dict[str, tuple[str, ...]], *power: PowerNode, **fields: object) -> Topology:
    """A site of racks with these feeds, without cooling loops on them."""
    built = [build.rack(name, feeds=feeds, loop=None) for name, feeds in racks.items()]
    return Topology(build.site(built, power_nodes=nodes(*power), **fields))


def failure(*failed: str) -> FailureState:
    """The loss of `failed`."""
    return FailureState(name="loss", failed=failed)


# Flows ------------------------------------------------------------------------------------


def test_a_rack_splits_over_its_feeds() -> None:
    flows = Topology(build.site()).normal_flows()
    assert flows == {"ups1": {"r1": HALF, "r2": HALF}, "ups2": {"r1": HALF, "r2": HALF}}


def test_nodes_split_over_their_parents() -> None:
    # b hangs on three UPS that hang on one utility: a third each, all of it again at the top.
    ups = [node(f"u{i}", "grid") for i in range(3)]
    site = topology({"r": ("b",)}, node("grid"), *ups, node("b", "u0", "u1", "u2"))
    assert site.normal_flows() == {
        "grid": {"r": ONE},
        "u0": {"r": THIRD},
        "u1": {"r": THIRD},
        "u2": {"r": THIRD},
        "b": {"r": ONE},
    }
    assert site.failure_flows(failure("u1")) == {"u0": {"r": HALF}, "u2": {"r": HALF}}


def test_a_transfer_switch_gives_all_to_the_first_live_parent() -> None:
    switch = node("sts", "u1", "u2", mode="transfer")
    site = topology({"r": ("sts",)}, node("u1"), node("u2"), switch)
    assert site.normal_flows()["u1"] == {"r": ONE}
    assert site.normal_flows()["u2"] == {}
    assert site.failure_flows(failure("u1")) == {"u2": {"r": ONE}}
    assert site.failure_flows(failure("u2")) == {}


def test_flows_after_a_failure_hold_all_consumers_of_the_grown_node() -> None:
    # u2 takes r1 over from u1; r2, which always was on u2, still counts there. u3 does not grow.
    site = topology({"r1": ("u1", "u2"), "r2": ("u2", "u3")}, node("u1"), node("u2"), node("u3"))
    assert site.failure_flows(failure("u1")) == {"u2": {"r1": ONE, "r2": HALF}}


def test_a_node_without_live_parent_is_dead() -> None:
    # Without the utility g1 both u1 and b1 are dead, so b2 carries the whole rack.
    site = topology(
        {"r": ("b1", "b2"), "s": ("b1",)},
        *(node("g1"), node("g2"), node("u1", "g1"), node("u2", "g2")),
        *(node("b1", "u1"), node("b2", "u2")),
    )
    shares = {"r": ONE}
    assert site.failure_flows(failure("g1")) == {"g2": shares, "u2": shares, "b2": shares}
    assert site.lost_racks(("g1",)) == {"s"}
    assert site.lost_racks(("g1", "u2")) == {"r", "s"}
    assert site.lost_racks(()) == frozenset()


def test_base_loads_flow_like_racks() -> None:
    load = BaseLoad(name="switches", hall="H", feeds=("ups1", "ups2"), power_w=1)
    site = Topology(build.site([], base_loads=(load,)))
    assert site.normal_flows()["ups1"] == {"switches": HALF}
    assert site.failure_flows(failure("ups1")) == {"ups2": {"switches": ONE}}
    assert site.lost_racks(("ups1", "ups2")) == frozenset()  # it is no rack


def test_a_loop_takes_its_racks_out_when_no_unit_is_left() -> None:
    loop = build.site().loops["loop1"]
    racks = [build.rack("r1"), build.rack("r2", loop=None)]
    two_units = Topology(build.site(racks))
    one_unit = Topology(build.site(racks, loops={"loop1": replace(loop, units=1)}))
    assert two_units.lost_racks(("loop1",)) == frozenset()
    assert one_unit.lost_racks(("loop1",)) == {"r1"}
    assert one_unit.failure_flows(failure("loop1")) == {}
    assert one_unit.failure_flows(failure("ups1", "loop1")) == {"ups2": {"r2": ONE}}


@pytest.mark.parametrize("seed", SEEDS)
def test_flows_equal_a_walk_from_every_consumer(seed: int) -> None:
    site = random_case(seed)[0].site
    graph = Topology(site)
    before = walked(site, Walk(site))
    assert graph.normal_flows() == before
    for state in site.failure_states:
        lost = graph.lost_racks(state.failed)
        after = walked(site, Walk(site, frozenset(state.failed)), lost)
        grown = {
            name
            for name, shares in after.items()
            if any(share > before[name].get(c, 0) for c, share in shares.items())
        }
        assert graph.failure_flows(state) == {name: after[name] for name in grown}
        dark = {name for name in site.racks if not any(name in s for s in after.values())}
        assert lost == dark


def walked(
    site: Site, walk: Walk, lost: frozenset[str] = frozenset()
) -> dict[str, dict[str, Fraction]]:
    """Flows told by the plain walk of the findings."""
    flows: dict[str, dict[str, Fraction]] = {name: {} for name in site.power_nodes}
    consumers: list[Rack | BaseLoad] = [*site.racks.values(), *site.base_loads]
    for consumer in consumers:
        if consumer.name not in lost:
            for name, share in walk.from_feeds(consumer.feeds).items():
                flows[name][consumer.name] = share
    return flows


# What the graph shows ------------------------------------------------------------------------


def test_the_tree_of_power_nodes() -> None:
    site = topology(
        {"r": ("b",)}, node("g"), node("t", "g"), node("u", "t", "g"), node("b", "u"), node("x")
    )
    assert site.roots == ("g", "x")
    assert site.children["g"] == ("t", "u")
    assert site.depth == {"g": 0, "x": 0, "t": 1, "u": 2, "b": 3}
    assert site.consumers_of("b") == ("r",)
    assert site.consumers_of("g") == ()


def test_loads_follow_the_flows() -> None:
    # Two racks of 20 001 W on two UPS: 20 001 W each; a base load of 5 W on ups1.
    load = BaseLoad(name="switches", hall="H", feeds=("ups1",), power_w=5)
    site = Topology(build.site(base_loads=(load,)))
    assert site.loads_w(lambda _: 20_001) == {"ups1": 20_006, "ups2": 20_001}


def test_wiring_without_faults() -> None:
    assert Topology(build.site()).faults() == ()


def test_faults_are_named() -> None:
    site = topology(
        {"r1": ("u1", "nowhere"), "r2": ("island",), "r3": ("u1", "a")},
        *(node("u1"), node("spare"), node("island", "gone")),
        *(node("a", "c"), node("b", "a"), node("c", "b")),
        failure_sets=(("u1", "unknown"),),
    )
    assert site.faults() == (
        "power node island: unknown parent gone",
        "failure set u1 and unknown: unknown component unknown",
        "cycle of power nodes: a -> b -> c -> a",
        "rack r1: unknown feed nowhere",
        "rack r2: feed island is not connected to a root",
        "rack r3: feed a is not connected to a root",
        "ups spare: nothing hangs on it",
    )


def test_flows_of_a_cyclic_graph_name_the_cycle() -> None:
    site = topology({"r": ("a",)}, node("g"), node("a", "b", "g"), node("b", "a"))
    with pytest.raises(ValueError, match="cycle of power nodes: a -> b -> a"):
        site.normal_flows()


def test_a_rack_without_feeds_and_an_unknown_loop_are_faults() -> None:
    site = Topology(build.site([build.rack("r", feeds=(), loop="brook"), build.rack("s")]))
    assert site.faults() == ("rack r: unknown loop brook", "rack r: no feed")
    assert site.lost_racks(()) == {"r"}


def test_single_points_of_failure_are_the_dominators() -> None:
    # r1 hangs on b1 and b2, but both come from u; r2 on b1 alone; r3 reaches two utilities.
    loop = replace(build.site().loops["loop1"], units=1)
    racks = [
        build.rack("r1", feeds=("b1", "b2"), loop=None),
        build.rack("r2", feeds=("b1",), loop=None),
        build.rack("r3", feeds=("u", "v")),
    ]
    power = nodes(
        *(node("g", kind="utility"), node("h", kind="utility"), node("u", "g"), node("v", "h")),
        *(node("b1", "u", kind="busway"), node("b2", "u", kind="busway")),
    )
    points = Topology(
        build.site(racks, power_nodes=power, loops={"loop1": loop})
    ).single_points_of_failure()
    assert [(point.name, point.kind, point.racks) for point in points] == [
        ("g", "utility", ("r1", "r2")),
        ("u", "ups", ("r1", "r2")),
        ("b1", "busway", ("r2",)),
        ("loop1", "cdu", ("r3",)),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_single_points_of_failure_are_what_single_losses_take_out(seed: int) -> None:
    site = random_case(seed)[0].site
    graph = Topology(site)
    losses = {name: graph.lost_racks((name,)) for name in (*site.power_nodes, *site.loops)}
    points = {point.name: frozenset(point.racks) for point in graph.single_points_of_failure()}
    assert points == {name: racks for name, racks in losses.items() if racks}


def test_deliverable_power_is_the_maximum_flow() -> None:
    # Two racks of 16 kW want 32 kW, u1 gives 10, u2 gives 12: 22 kW; without u1 12 kW.
    power = (node("u1", rating_w=10_000), node("u2", rating_w=12_000))
    site = topology({"r1": ("u1", "u2"), "r2": ("u1", "u2")}, *power)
    assert site.deliverable_w() == 22_000
    assert site.deliverable_w(failure("u1")) == 12_000
    assert site.deliverable_w(failure("u1", "u2")) == 0
    assert Topology(build.site()).deliverable_w() == 32_000  # capped by the racks
    # A base load of 4 kW is served first: 22 - 4 = 18 kW.
    load = BaseLoad(name="switches", hall="H", feeds=("u2",), power_w=4_000)
    assert Topology(replace(site.site, base_loads=(load,))).deliverable_w() == 18_000


def test_deliverable_power_is_held_by_the_narrowest_level() -> None:
    site = topology(
        {"r1": ("b1",), "r2": ("b2",)},
        *(node("g", rating_w=25_000), node("u", "g", rating_w=30_000)),
        *(node("b1", "u", rating_w=9_000), node("b2", "u")),
    )
    assert site.deliverable_w() == 25_000  # 9 kW by b1 and 16 kW by b2
    assert site.deliverable_w(NORMAL) == site.deliverable_w(failure())


# Redundancy ------------------------------------------------------------------------------------


def group(num_ups: int, feeds: list[tuple[str, ...]], *more: PowerNode) -> Topology:
    """Racks of 16 kW on UPS of 30 kW in hall H."""
    ups = [node(f"u{i}", rating_w=30_000, hall="H") for i in range(num_ups)]
    return topology({f"r{i}": each for i, each in enumerate(feeds)}, *ups, *more)


def test_four_to_make_three_is_found() -> None:
    # One rack on each pair: 6 x 16 = 96 kW, after a loss 32 kW on each survivor of 30 kW:
    # 96 x 30 / 32 = 90 kW = 3 UPS of 30 kW.
    found = group(4, list(combinations(["u0", "u1", "u2", "u3"], 2))).redundancy_found()
    assert [each.text for each in found] == ["4N/3: any 3 of 4 carry the load"]
    assert (found[0].hall, found[0].num_pairs, found[0].firm_w) == ("H", 6, 90_000)


def test_uneven_pairs_lower_the_firm_load() -> None:
    # Two racks on u0+u1, one on u1+u2: without u0, u1 carries 32 + 8 = 40 kW of 48 kW in all:
    # 48 x 30 / 40 = 36 kW, where even pairs could carry 60 kW.
    (found,) = group(3, [("u0", "u1"), ("u0", "u1"), ("u1", "u2")]).redundancy_found()
    assert found.text == "3N/2: any 2 of 3 carry the load"
    assert (found.num_pairs, found.firm_w) == (2, 36_000)


def test_other_schemes_are_found() -> None:
    pairs = group(4, [("u0", "u1"), ("u2", "u3")]).redundancy_found()
    assert [each.text for each in pairs] == ["2N: either of 2 carries the load"] * 2
    bus = node("bus", "u0", "u1", "u2", kind="bus")
    (common,) = group(3, [("bus",), ("bus",)], bus).redundancy_found()
    assert common.text == "N+1: any 2 of 3 carry the load"
    assert common.firm_w == 60_000
    (single,) = group(1, [("u0",)]).redundancy_found()
    assert single.text == "N: no spare, its loss takes racks out"
    switches = [node(f"s{i}", f"u{i}", "u2", kind="sts", mode="transfer") for i in range(2)]
    (catcher,) = group(3, [("s0",), ("s1",)], *switches).redundancy_found()
    assert catcher.text == "catcher: 1 in reserve for 2"
    (mixed,) = group(3, [("u0", "u1"), ("u1", "u2"), ("u2",)]).redundancy_found()
    assert mixed.text == "mixed: some loss among 3 takes racks out"
    mains = node("mains", kind="utility")
    (half,) = group(1, [("u0", "mains")], mains).redundancy_found()
    assert half.text == "N + mains: unprotected feeds carry the load when it is lost"


# Fabric ------------------------------------------------------------------------------------


def test_hops_by_level() -> None:
    places = {"a1": ("A", "P"), "a2": ("A", "P"), "b": ("B", "P"), "c": ("C", "Q")}
    racks: list[Rack] = [
        build.rack(name, array=array, pod=pod) for name, (array, pod) in places.items()
    ]
    graph = Topology(build.site(racks))
    assert [graph.hops("a1", other) for other in places] == [1, 1, 3, 5]
    nvlink = {"hgx": build.rack_type(nvlink_domain=Level.RACK)}
    assert Topology(build.site(racks, rack_types=nvlink)).hops("a1", "a1") == 0


@pytest.mark.parametrize(
    ("joins", "expected"),
    [
        (Level.SITE, [1, 3, 5, 5]),
        (Level.HALL, [1, 3, 5, None]),
        (Level.POD, [1, 3, None, None]),
        (Level.ARRAY, [1, None, None, None]),
    ],
)
def test_separate_fabrics_are_not_connected(joins: Level, expected: list[int | None]) -> None:
    places = {
        "a1": ("A", "P", "H"),
        "a2": ("A", "P", "H"),
        "b": ("B", "P", "H"),
        "c": ("C", "Q", "H"),
        "d": ("D", "R", "I"),
    }
    racks = [
        build.rack(name, array=array, pod=pod, hall=hall)
        for name, (array, pod, hall) in places.items()
    ]
    graph = Topology(build.site(racks, fabric=Fabric(joins=joins)))
    assert [graph.hops("a1", other) for other in ("a2", "b", "c", "d")] == expected
