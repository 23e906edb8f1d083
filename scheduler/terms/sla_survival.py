"""Term `sla_survival`: what a contract promises is there after the loss of one component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import NONE, UNLIMITED, Form, GroupCount, Rows
from scheduler.model import Finding, Job, Kind, Plan, Problem, Site
from scheduler.model.levels import RACK_DOMAIN_LEVELS
from scheduler.model.units import part
from scheduler.terms.base import Terrain
from scheduler.terms.spread import domain_rows

Losses = Mapping[str, frozenset[str]]  # component or domain -> racks that its loss takes out


@dataclass(frozen=True)
class SlaSurvival:
    """Units that the loss of one component would take out do not count for a contract.

    ``counted[j] = clip(total[j] - held_back[j] - worst_loss[j], 0, promised[j])`` with
    ``worst_loss[j] = max over single losses d of sum_{r lost in d} x[j, r]``, in units, and
    ``held_back = ceil(promised * spare_permille / 1000)``. A loss is one rack, array, pod, hall,
    CDU unit or power node of a kind in the SLA's ``survives``. A power node takes out the racks
    that have no live feed left; a CDU unit takes out the racks of a loop of one unit.
    The rule has no limit of its own: what does not count is unpaid and an unmet firm obligation.
    Source: modelling choice [A] after SLAs that promise a share of a rack's GPUs [M].
    """

    name: ClassVar[str] = "sla_survival"

    def applies(self, problem: Problem) -> bool:
        """Some contract asks to survive a loss."""
        return any(contract.sla.survives for contract in problem.workload.contracts.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupCount` per kind of loss that takes racks out; groups are contracts."""
        for kind in _kinds(terrain.problem):
            domains, names = _domains(terrain, kind)
            if not names:
                continue
            survives = [job.sla is not None and kind in job.sla.survives for job in terrain.jobs]
            chosen = np.flatnonzero(survives)
            group_of_job = np.full(len(terrain.jobs), NONE, np.int32)
            group_of_job[chosen] = np.arange(len(chosen))
            yield GroupCount(
                term=self.name,
                level=kind,
                domains=domains,
                group_of_job=group_of_job,
                limit=np.full(len(chosen), UNLIMITED, np.int64),
                survives=np.array(survives, bool),
                domain_names=names,
                group_names=tuple(terrain.jobs[j].name for j in chosen),
            )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield, per placed contract and kind, the units that the worst single loss takes out."""
        losses = all_losses(problem)
        for name, racks in plan.units.items():
            sla = problem.jobs[name].sla
            total = plan.placed_units(name)
            for kind in () if sla is None else sla.survives:
                lost = {d: _units_in(racks, out) for d, out in losses[kind].items()}
                worst = max(lost, key=lambda d: lost[d], default="")
                if worst and lost[worst]:
                    yield Finding(
                        term=self.name,
                        kind=Kind.LIMIT,
                        subject=name,
                        amount=lost[worst],
                        limit=total,
                        unit="units",
                        state=f"loss of {worst}",
                        jobs=(name,),
                        message=f"{lost[worst]} of {total} units are lost with {kind} {worst}",
                    )


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
    taken = (_units_in(racks, out) for kind in kinds for out in losses[kind].values())
    return max(taken, default=0)


def all_losses(problem: Problem) -> Mapping[str, Losses]:
    """Return the racks that every single loss takes out, by kind that any SLA names."""
    return {kind: _losses(problem.site, kind) for kind in _kinds(problem)}


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


def _units_in(racks: Mapping[str, int], lost: frozenset[str]) -> int:
    return sum(racks[rack] for rack in lost if rack in racks)


def _kinds(problem: Problem) -> tuple[str, ...]:
    """Return the kinds of loss that any contract must survive, in order of mention."""
    contracts = problem.workload.contracts.values()
    return tuple(dict.fromkeys(kind for each in contracts for kind in each.sla.survives))


def _domains(terrain: Terrain, kind: str) -> tuple[Rows, tuple[str, ...]]:
    """Return the racks that each loss of `kind` takes out as rows, and the names; none empty."""
    if kind in RACK_DOMAIN_LEVELS:
        return domain_rows(terrain, kind)
    site = terrain.problem.site
    nodes = [node.name for node in site.power_nodes.values() if node.kind == kind]
    components = list(site.loops) if kind == "cdu" else nodes
    lost = {name: terrain.topology.lost_racks((name,)) for name in components}
    lost = {name: racks for name, racks in lost.items() if racks}
    index = terrain.rack_index
    return Rows.build([{index[rack]: 1 for rack in racks} for racks in lost.values()]), tuple(lost)
