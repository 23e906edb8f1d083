"""What survivors carry right after a failure, and who draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from scheduler.model import FailureState, Job, Plan, Problem
from scheduler.model.units import PERMILLE
from scheduler.topology import Topology

ZERO = Fraction(0)


@dataclass(frozen=True)
class AfterFailure:
    """A running plan in the moment after a failure, before any power action."""

    problem: Problem
    plan: Plan
    state: FailureState

    @cached_property
    def topology(self) -> Topology:
        """The graphs of the site."""
        return Topology(self.problem.site)

    @cached_property
    def lost_racks(self) -> frozenset[str]:
        """Racks without power or coolant."""
        return self.topology.lost_racks(self.state.failed)

    @cached_property
    def shares(self) -> Mapping[str, Mapping[str, Fraction]]:
        """Rack or base load -> survivor -> share of its power; loops take liquid heat alike."""
        found: dict[str, dict[str, Fraction]] = {}
        for node, consumers in self.topology.failure_flows(self.state).items():
            for consumer, share in consumers.items():
                if share and consumer not in self.lost_racks:
                    found.setdefault(consumer, {})[node] = share
        for rack in self.problem.site.racks.values():
            if rack.loop is None or rack.name in self.lost_racks:
                continue
            if rack.loop in self.limits:
                liquid = self.problem.site.type_of(rack).liquid_permille
                found.setdefault(rack.name, {})[rack.loop] = Fraction(liquid, PERMILLE)
        return found

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """Watts that every survivor carries for good: power nodes, and loops that lost a CDU."""
        site, failed = self.problem.site, self.state.failed
        nodes = {node.name: node.rating_w for node in site.power_nodes.values()}
        loops = {
            name: (site.loops[name].units - 1) * site.loops[name].unit_w
            for name in failed
            if name in site.loops
        }
        return {**nodes, **loops}

    def live_units(self, job: str) -> dict[str, int]:
        """Return where units of a job still run."""
        racks = self.plan.units.get(job, {})
        return {rack: units for rack, units in racks.items() if rack not in self.lost_racks}

    def drawn(self, job: Job, units: Mapping[str, int], permille: int) -> dict[str, Fraction]:
        """Return what units on racks put on every survivor at a share of the dynamic power."""
        found: dict[str, Fraction] = {}
        for rack, count in units.items():
            rack_type = self.problem.site.type_of(self.problem.site.racks[rack])
            watts = count * self.problem.power_w(job, rack_type, permille)
            for node, share in self.shares.get(rack, {}).items():
                found[node] = found.get(node, ZERO) + watts * share
        return found

    def over_w(self) -> dict[str, Fraction]:
        """Return by how much each survivor is above what it carries for good."""
        loads = dict.fromkeys(self.limits, ZERO)
        standing = {r.name: self.problem.idle_w(r) for r in self.problem.site.racks.values()}
        standing |= {load.name: load.power_w for load in self.problem.site.base_loads}
        for consumer, watts in standing.items():
            for node, share in self.shares.get(consumer, {}).items():
                loads[node] += watts * share
        for name, units in self.plan.units.items():
            job = self.problem.jobs[name]
            peak = self.problem.profile_of(job).peak_permille
            for node, more in self.drawn(job, units, peak).items():
                loads[node] += more
        over = {node: load - self.limits[node] for node, load in loads.items()}
        return {node: excess for node, excess in over.items() if excess > 0}

    def within_s(self, node: str) -> int | None:
        """Return for how long a survivor carries its emergency rating; None for a loop."""
        found = self.problem.site.power_nodes.get(node)
        return None if found is None else found.emergency_s
