"""The rough routing of outages agrees with the exact one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model import FailureState
from scheduler.questions.risk.rough_flow import RoughFlow
from scheduler.topology import Topology
from tests.random_problems import random_problem


@given(st.integers(0, 10**6), st.data())
@settings(max_examples=80, deadline=None)
def test_rough_routing_agrees_with_the_topology(seed: int, data: st.DataObject) -> None:
    site = random_problem(seed).site
    topology = Topology(site)
    names = sorted(site.power_nodes)
    failed = tuple(data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True)))
    draw_w = topology.basis_w
    rough = RoughFlow(topology, draw_w, lambda node: node.rating_w)
    assert rough.dark(failed) == topology.lost_racks(failed)
    flows = topology.failure_flows(FailureState(name="", failed=failed))
    load_w = {
        name: sum(share * draw_w[consumer] for consumer, share in shares.items())
        for name, shares in flows.items()
    }
    found = set(rough.tight(failed))
    rating_w = {name: site.power_nodes[name].rating_w for name in flows}
    assert found >= {name for name, load in load_w.items() if load > rating_w[name]}
    assert found <= {name for name, load in load_w.items() if load > rating_w[name] * 0.999}
