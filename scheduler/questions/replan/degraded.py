"""The site without what has failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scheduler.model import Contract, FailureState, Hall, Loop, Plan, PowerNode, Problem, Site
from scheduler.model.units import part
from scheduler.topology import Topology


@dataclass(frozen=True)
class Degraded:
    """What is left of a problem, and what went with the failed components."""

    problem: Problem  # of the site that is left
    failed: tuple[str, ...]
    dark_racks: tuple[str, ...]  # no power reaches them, or their loop has no pump left

    @property
    def state(self) -> FailureState:
        """The failure as a failure state of the site as it was."""
        return FailureState(name="loss of " + " and ".join(self.failed), failed=self.failed)


def unknown_components(site: Site, failed: Iterable[str]) -> tuple[str, ...]:
    """Return names that are neither a power node nor a cooling loop of the site."""
    return tuple(name for name in failed if name not in site.power_nodes and name not in site.loops)


def without(problem: Problem, failed: Iterable[str], running: Plan) -> Degraded:
    """Return the problem with `failed` out as of now.

    Failed power nodes go, with all that only they fed; a loop loses one of its CDU units, the
    spare ones first. Racks that no power or coolant reaches go as well. Every failure state of
    the components that are left has to hold on top of that.

    A contract promises what is left after *one* loss. That loss has happened, and the promise
    is what runs now: no SLA asks for a second loss until the component is back. The SLA stays as
    it is for a contract that holds more than it promises with its spares, because that is what
    such units are for.

    Parameters
    ----------
    failed
        Power nodes or cooling loops of the site: see `unknown_components`. A loop may be named
        once for each of its CDU units.
    running
        The plan that runs.
    """
    site, failed = problem.site, tuple(failed)
    live = _live_nodes(site, failed)
    loops = _loops(site, failed)
    dark = {
        rack.name
        for rack in site.racks.values()
        if live.isdisjoint(rack.feeds) or (rack.loop is not None and rack.loop not in loops)
    }
    left = replace(
        site,
        power_nodes={
            name: _node(node, live) for name, node in site.power_nodes.items() if name in live
        },
        loops=loops,
        racks={
            name: replace(rack, feeds=_kept(rack.feeds, live))
            for name, rack in site.racks.items()
            if name not in dark
        },
        base_loads=tuple(
            replace(load, feeds=_kept(load.feeds, live))
            for load in site.base_loads
            if not live.isdisjoint(load.feeds)
        ),
        halls={name: _hall(hall, dark) for name, hall in site.halls.items()},
        failure_sets=_failure_sets(site, {*live, *loops}),
    )
    contracts = {
        name: _after_loss(contract, running.placed_units(name)) if failed else contract
        for name, contract in problem.workload.contracts.items()
    }
    workload = replace(problem.workload, contracts=contracts)
    return Degraded(Problem(site=left, workload=workload), failed, tuple(sorted(dark)))


def _after_loss(contract: Contract, held: int) -> Contract:
    """Return the contract with its one loss used up."""
    enough = contract.units + part(contract.units, contract.sla.spare_permille)
    if held > enough:
        return contract
    return replace(contract, sla=replace(contract.sla, survives=()))


def _live_nodes(site: Site, failed: Iterable[str]) -> set[str]:
    """Return the power nodes that power still reaches."""
    routes = Topology(site).routes_without(failed)
    return {name for name, route in routes.items() if route}


def _loops(site: Site, failed: Iterable[str]) -> dict[str, Loop]:
    """Return the loops with the CDU units that are left; a loop without any is gone."""
    names = list(failed)
    found = {}
    for name, loop in site.loops.items():
        units = loop.units - names.count(name)
        spare = max(0, loop.spare_units - names.count(name))
        if units > 0:
            found[name] = replace(loop, units=units, spare_units=min(spare, units - 1))
    return found


def _node(node: PowerNode, live: set[str]) -> PowerNode:
    return replace(node, parents=_kept(node.parents, live))


def _hall(hall: Hall, dark: set[str]) -> Hall:
    kept = (each for each in hall.recirculation if dark.isdisjoint((each.rack, each.source)))
    return replace(hall, recirculation=tuple(kept))


def _failure_sets(site: Site, left: set[str]) -> tuple[tuple[str, ...], ...]:
    """Return the sets of what can still fail together; what fails alone is a state anyway."""
    sets = dict.fromkeys(_kept(each, left) for each in site.failure_sets)
    singles = {
        (node.name,) for node in site.power_nodes.values() if node.kind in site.failure_kinds
    }
    if "cdu" in site.failure_kinds:
        singles |= {(loop,) for loop in site.loops}
    return tuple(each for each in sets if each and each not in singles)


def _kept(names: tuple[str, ...], left: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in left)
