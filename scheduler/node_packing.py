"""The exact assignment of units to the nodes of each rack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scheduler.model import Job, Level, Plan, Problem, slots_per_unit
from scheduler.model.units import ceil_div

HostGroup = tuple[str, str]  # what kind of group, and the name of its tenant or reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUse:
    """GPU slots that one job holds on one node.

    Nodes count from 0 over the usable nodes of the rack. A node at or above
    ``site.usable_nodes(rack)`` is one that an overfull rack lacks.
    """

    node: int
    job: str
    slots: int


def host_group(problem: Problem, job: Job) -> HostGroup | None:
    """Return the group of jobs that `job` may share a host with; None inside a contract.

    Tenants whose isolation is ``gpu`` or ``shared-host`` share hosts with one another. Any other
    tenant shares hosts only among its own jobs. The nodes of a reservation are never shared.
    """
    if job.contract is not None:
        return ("reservation", job.name)
    if problem.is_inside_contract(job):
        return None
    if problem.tenant_of(job).isolation in (Level.GPU, Level.SHARED_HOST):
        return ("hosts", "shared")
    return ("tenant", job.tenant)


def pack_nodes(problem: Problem, plan: Plan) -> Mapping[str, tuple[NodeUse, ...]]:
    """Put every unit of `plan` on nodes, rack by rack; the same plan gives the same nodes.

    Inside a host group the largest units come first and each takes the next free slots. As sizes
    are a divisor chain of the node, no unit straddles two nodes that it would fit into, and the
    group takes ``ceil(slots / gpus_per_node)`` nodes, the fewest there can be.
    Jobs inside a contract lie on the nodes of their tenant's reservations.

    Returns
    -------
    Node uses of every rack that holds work, in order of node.
    """
    return {rack: _pack_rack(problem, rack, units) for rack, units in plan.by_rack.items()}


def _pack_rack(problem: Problem, rack: str, units: Mapping[str, int]) -> tuple[NodeUse, ...]:
    rack_type = problem.site.type_of(problem.site.racks[rack])
    size = rack_type.gpus_per_node
    groups: dict[HostGroup, list[tuple[int, int, str]]] = {}
    inside: dict[str, list[tuple[int, int, str]]] = {}
    for name, count in units.items():
        job = problem.jobs[name]
        group = host_group(problem, job)
        cells = (slots_per_unit(job, rack_type), count, name)
        if group is None:
            inside.setdefault(job.tenant, []).append(cells)
        else:
            groups.setdefault(group, []).append(cells)

    used = 0
    uses: list[NodeUse] = []
    held: dict[str, list[int]] = {}  # tenant -> nodes of its reservations
    for group in sorted(groups):
        nodes = _nodes_for(groups[group], size, [], used)
        uses += _fill(groups[group], size, nodes)
        used += len(nodes)
        if group[0] == "reservation":
            held.setdefault(problem.jobs[group[1]].tenant, []).extend(nodes)
    for tenant in sorted(inside):
        nodes = _nodes_for(inside[tenant], size, held.get(tenant, []), used)
        uses += _fill(inside[tenant], size, nodes)
        used = max(used, max(nodes) + 1)
    return tuple(sorted(uses, key=lambda use: (use.node, use.job)))


def _nodes_for(
    cells: Iterable[tuple[int, int, str]], size: int, held: list[int], used: int
) -> list[int]:
    """Return the nodes that `cells` fill: those already held, then the next free ones."""
    needed = ceil_div(sum(slots * count for slots, count, _ in cells), size)
    return [*held[:needed], *range(used, used + max(0, needed - len(held)))]


def _fill(cells: Iterable[tuple[int, int, str]], size: int, nodes: list[int]) -> Iterator[NodeUse]:
    """Lay the units one after the other, the largest first."""
    start = 0
    for slots, count, job in sorted(cells, key=lambda cell: (-cell[0], cell[2])):
        end = start + slots * count
        for i in range(start // size, ceil_div(end, size)):
            share = min(end, (i + 1) * size) - max(start, i * size)
            yield NodeUse(node=nodes[i], job=job, slots=share)
        start = end
