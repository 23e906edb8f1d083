"""The power tree under a plan: the load of every node, normally and in every failure state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.model import Finding, Problem
from scheduler.report.tight import POWER, Tightest, tightest_of
from scheduler.topology import Topology

BEFORE = " (before action)"  # how a state is named until jobs have acted


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """One power node."""

    name: str
    kind: str
    hall: str  # empty for what several halls share
    parents: tuple[str, ...]
    consumers: int  # racks and base loads that hang on the node itself
    rating_w: int
    seconds_w: int  # what the node may carry until jobs have acted
    normal_w: int
    worst: Tightest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """One failure state: loads of the nodes that it adds to; no other carries more than before."""

    name: str
    failed: tuple[str, ...]
    lost_racks: tuple[str, ...]
    after_w: Mapping[str, int]  # once jobs have acted
    before_w: Mapping[str, int]  # until then


def nodes_of(
    problem: Problem, topology: Topology, findings: Iterable[Finding]
) -> tuple[NodeFacts, ...]:
    """Return every power node, parents first."""
    findings = tuple(findings)
    worst = tightest_of(findings, POWER)
    normal = {f.subject: f.amount for f in findings if f.term == "power_normal"}
    seconds = {
        f.subject: f.limit
        for f in findings
        if f.term == "power_failover" and f.state.endswith(BEFORE)
    }
    nodes = problem.site.power_nodes
    return tuple(
        NodeFacts(
            name=name,
            kind=nodes[name].kind,
            hall=nodes[name].hall or "",
            parents=nodes[name].parents,
            consumers=len(topology.consumers_of(name)),
            rating_w=nodes[name].rating_w,
            seconds_w=seconds.get(name, nodes[name].rating_w),
            normal_w=normal.get(name, 0),
            worst=worst.get(name),
        )
        for name in topology.order
    )


def states_of(
    problem: Problem, topology: Topology, findings: Iterable[Finding]
) -> tuple[StateFacts, ...]:
    """Return every failure state of the site, in its order."""
    loads: dict[str, dict[str, int]] = {}
    for finding in findings:
        if finding.term == "power_failover":
            loads.setdefault(finding.state, {})[finding.subject] = finding.amount
    return tuple(
        StateFacts(
            name=state.name,
            failed=state.failed,
            lost_racks=tuple(sorted(topology.lost_racks(state.failed))),
            after_w=loads.get(state.name, {}),
            before_w=loads.get(state.name + BEFORE, {}),
        )
        for state in problem.site.failure_states
    )
