"""Everything that the graphs of a site tell, behind one name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from scheduler.model import NORMAL, FailureState, Level
from scheduler.topology import fabric, redundancy, weak_points
from scheduler.topology.flows import PowerFlows
from scheduler.topology.redundancy import Redundancy
from scheduler.topology.weak_points import SinglePoint


@dataclass(frozen=True)
class Topology(PowerFlows):
    """Everything that is derived from the site's graphs. Built once, shared read-only.

    A cycle of power nodes is reported by `faults`; whatever follows power along the graph raises
    `ValueError` with the same words.
    """

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the wiring, in words: unknown names, cycles, dangling feeds."""
        return tuple(weak_points.faults(self))

    def single_points_of_failure(self) -> tuple[SinglePoint, ...]:
        """Components whose loss alone takes racks out, with the racks."""
        return tuple(weak_points.single_points_of_failure(self))

    def deliverable_w(self, state: FailureState = NORMAL) -> int:
        """Most watts that can reach the racks in `state`, each up to its basis power."""
        return weak_points.deliverable_w(self, state)

    def redundancy_found(self) -> tuple[Redundancy, ...]:
        """How every group of UPS that share consumers is redundant, read from the graph."""
        return tuple(redundancy.redundancy_found(self))

    def hops(self, rack_a: str, rack_b: str) -> int | None:
        """Switches between two racks: 1 in an array, 3 in a pod, 5 across pods.

        Inside one rack 0 if NVLink spans it, otherwise 1. None between separate fabrics.
        """
        return fabric.hops(self.site, self.fabric_graph, rack_a, rack_b)

    @cached_property
    def fabric_graph(self) -> nx.Graph[tuple[Level, str]]:
        """Racks below the leaves of their array, below the spines of their pod, below the core."""
        return fabric.fabric_graph(self.site)
