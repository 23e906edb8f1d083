"""What single losses take out, told by walking down the power nodes: the plain side of contracts.

Shares no code with ``scheduler.topology``, so that findings check what was compiled from there.
"""

from __future__ import annotations

from collections.abc import Mapping

from scheduler.model import Job, Problem, Site
from scheduler.model.levels import RACK_DOMAIN_LEVELS
from scheduler.model.units import part

Losses = Mapping[str, frozenset[str]]  # component or domain -> racks that its loss takes out


def counted_units(job: Job, racks: Mapping[str, int], losses: Mapping[str, Losses]) -> int:
    """Return the units of `job` that are paid for and meet an obligation.

    Parameters
    ----------
    racks
        Units of the job on every rack.
    losses
        What `all_losses` returns.
    """
    total = sum(racks.values())
    if job.promised_units is None:
        return min(total, job.units)
    sla = job.sla
    spare = part(job.promised_units, sla.spare_permille) if sla else 0
    worst = worst_loss(job, racks, losses)
    return max(0, min(total - spare - worst, job.promised_units))


def worst_loss(job: Job, racks: Mapping[str, int], losses: Mapping[str, Losses]) -> int:
    """Return the most units that one loss of a kind that `job` must survive takes out."""
    kinds = job.sla.survives if job.sla else ()
    taken = (units_in(racks, out) for kind in kinds for out in losses[kind].values())
    return max(taken, default=0)


def all_losses(problem: Problem) -> Mapping[str, Losses]:
    """Return the racks that every single loss takes out, by kind that any SLA names."""
    return {kind: _losses(problem.site, kind) for kind in survived_kinds(problem)}


def survived_kinds(problem: Problem) -> tuple[str, ...]:
    """Return the kinds of loss that any contract must survive, in order of mention."""
    contracts = problem.workload.contracts.values()
    return tuple(dict.fromkeys(kind for each in contracts for kind in each.sla.survives))


def units_in(racks: Mapping[str, int], lost: frozenset[str]) -> int:
    """Return the units on lost racks."""
    return sum(racks[rack] for rack in lost if rack in racks)


def _losses(site: Site, kind: str) -> Losses:
    if kind in RACK_DOMAIN_LEVELS:
        return _domain_losses(site, kind)
    return _loop_losses(site) if kind == "cdu" else _power_losses(site, kind)


def _domain_losses(site: Site, level: str) -> Losses:
    members: dict[str, set[str]] = {}
    for rack in site.racks.values():
        domain = site.domain_of(rack, level)
        if domain is not None:
            members.setdefault(domain, set()).add(rack.name)
    return {domain: frozenset(racks) for domain, racks in members.items()}


def _loop_losses(site: Site) -> Losses:
    """Return the racks on every loop that has no second CDU unit."""
    _, live = _power_tree(site)
    lost = {loop: set(_unfed(site, live)) for loop in site.loops}
    for rack in site.racks.values():
        if rack.loop is not None and site.loops[rack.loop].units <= 1:
            lost[rack.loop].add(rack.name)
    return {loop: frozenset(racks) for loop, racks in lost.items()}


def _power_losses(site: Site, kind: str) -> Losses:
    """Return the racks that have no live feed left after the loss of each node of `kind`."""
    children, live = _power_tree(site)
    unfed = _unfed(site, live)
    on_feed: dict[str, list[str]] = {}
    for rack in site.racks.values():
        for feed in rack.feeds:
            on_feed.setdefault(feed, []).append(rack.name)
    losses: dict[str, frozenset[str]] = {}
    for node in site.power_nodes.values():
        if node.kind == kind:
            dead = _dead_nodes(site, children, live, node.name)
            hit = {rack for name in dead for rack in on_feed.get(name, ())}
            dark = {
                rack
                for rack in hit
                if not any(feed in live and feed not in dead for feed in site.racks[rack].feeds)
            }
            losses[node.name] = unfed | dark
    return losses


def _unfed(site: Site, live: set[str]) -> frozenset[str]:
    """Return the racks that no power reaches even when nothing has failed."""
    return frozenset(rack.name for rack in site.racks.values() if not live.intersection(rack.feeds))


def _power_tree(site: Site) -> tuple[Mapping[str, list[str]], set[str]]:
    """Return the nodes right below every power node, and all nodes that power reaches."""
    children: dict[str, list[str]] = {}
    for node in site.power_nodes.values():
        for parent in node.parents:
            children.setdefault(parent, []).append(node.name)
    live = {node.name for node in site.power_nodes.values() if not node.parents}
    reached = list(live)
    while reached:
        new = [child for child in children.get(reached.pop(), ()) if child not in live]
        live.update(new)
        reached += new
    return children, live


def _dead_nodes(
    site: Site, children: Mapping[str, list[str]], live: set[str], failed: str
) -> set[str]:
    """Walk down from `failed`: a node is dead when no parent of it is alive."""
    dead = {failed}
    reached = [failed]
    while reached:
        for child in children.get(reached.pop(), ()):
            parents = site.power_nodes[child].parents
            if child not in dead and not any(p in live and p not in dead for p in parents):
                dead.add(child)
                reached.append(child)
    return dead
