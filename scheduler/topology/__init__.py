"""What follows from the wiring of a site: what feeds what, and what a failure takes out.

The only package that imports networkx. Power from the bottom up: `graph` says what hangs on what,
`flows` where load goes; `weak_points`, `redundancy` and `fabric` read more from the same graphs.
"""

from scheduler.topology.flows import Flows, Shares
from scheduler.topology.graph import Feeds
from scheduler.topology.redundancy import Redundancy
from scheduler.topology.topology import Topology
from scheduler.topology.weak_points import SinglePoint

__all__ = ["Feeds", "Flows", "Redundancy", "Shares", "SinglePoint", "Topology"]
