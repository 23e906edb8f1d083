"""A plan as tables for a spreadsheet: racks, nodes, placements, tenants and power."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from scheduler.exchange.exchanged import Exported
from scheduler.exchange.node_roles import RoledNode, roled_nodes
from scheduler.exchange.tenant_shares import tenant_shares
from scheduler.model import Plan, Problem, Rack
from scheduler.topology import Topology
from scheduler.write import spreadsheet_cell

Row = Sequence[object]
LISTED = " "  # between the names in a cell


def export(problem: Problem, plan: Plan) -> Exported:
    """Return five CSV files. Cells that a spreadsheet would take for a formula get an apostrophe.

    Raises
    ------
    ExchangeError
        The plan puts more on a rack than its nodes hold, or two tenants where one must be alone.
    """
    nodes = roled_nodes(problem, plan)
    made = {
        "racks.csv": (_RACKS, _racks(problem, plan)),
        "nodes.csv": (_NODES, map(_node, nodes)),
        "placements.csv": (_PLACEMENTS, _placements(problem, plan, nodes)),
        "tenants.csv": (_TENANTS, _tenants(problem, plan, nodes)),
        "power.csv": (_POWER, _power(problem, plan)),
    }
    return Exported(files={name: _csv(header, rows) for name, (header, rows) in made.items()})


_RACKS = (
    *("rack", "hall", "pod", "array", "row", "position", "type", "gpu_type", "drained", "loop"),
    *(
        "feeds",
        "nodes",
        "usable_nodes",
        "gpus",
        "placed_gpus",
        "tenants",
        "idle_w",
        "planned_peak_w",
    ),
)
_NODES = ("host", "rack", "number", "role", "tenant", "jobs")
_PLACEMENTS = ("job", "tenant", "kind", "rack", "units", "gpus", "peak_w", "hosts")
_TENANTS = (
    *("tenant", "kind", "isolation", "requested_gpus", "placed_gpus", "racks", "nodes"),
    *("idle_nodes_alone", "gpu_types"),
)
_POWER = ("node", "kind", "hall", "parents", "rating_w", "idle_w", "planned_peak_w", "headroom_w")


def _racks(problem: Problem, plan: Plan) -> Iterator[Row]:
    site = problem.site
    for rack in site.racks.values():
        rack_type = site.type_of(rack)
        jobs = [problem.jobs[name] for name in plan.by_rack.get(rack.name, ())]
        placed = sum(
            plan.units[job.name][rack.name] * job.gpus_per_unit
            for job in jobs
            if not problem.is_inside_contract(job)
        )
        tenants = sorted({job.tenant for job in jobs})
        yield (
            *(rack.name, rack.hall, rack.pod, rack.array, rack.row, rack.position, rack.type),
            *(rack_type.gpu_type, str(rack.drained).lower(), rack.loop or "", rack.feeds),
            *(rack_type.nodes, site.usable_nodes(rack), rack_type.gpus, placed, tenants),
            *(rack_type.idle_w, peak_w(problem, plan, rack)),
        )


def peak_w(problem: Problem, plan: Plan, rack: Rack) -> int:
    """Watts of a rack when all that is planned on it runs at its peak, idle power included."""
    rack_type = problem.site.type_of(rack)
    return problem.idle_w(rack) + sum(
        units * problem.peak_w(problem.jobs[name], rack_type)
        for name, units in plan.by_rack.get(rack.name, {}).items()
    )


def _node(node: RoledNode) -> Row:
    return (node.host, node.rack.name, node.number, str(node.role), node.tenant or "", node.jobs)


def _placements(problem: Problem, plan: Plan, nodes: Iterable[RoledNode]) -> Iterator[Row]:
    hosts: dict[tuple[str, str], list[str]] = {}
    for node in nodes:
        for name in node.jobs:
            hosts.setdefault((name, node.rack.name), []).append(node.host)
    for name, rack, units in sorted(plan.shards()):
        job = problem.jobs[name]
        peak = units * problem.peak_w(job, problem.site.type_of(problem.site.racks[rack]))
        kind = "contract" if job.contract else "job"
        gpus = units * job.gpus_per_unit
        yield (name, job.tenant, kind, rack, units, gpus, peak, hosts[name, rack])


def _tenants(problem: Problem, plan: Plan, nodes: Iterable[RoledNode]) -> Iterator[Row]:
    held: dict[str, list[RoledNode]] = {}
    for node in nodes:
        owners = {problem.jobs[name].tenant for name in node.jobs} or {node.tenant or ""}
        for owner in owners:
            held.setdefault(owner, []).append(node)
    for share in tenant_shares(problem, plan):
        tenant = problem.workload.tenants[share.tenant]
        own = [job for job in problem.jobs.values() if job.tenant == tenant.name]
        counted = [job for job in own if not problem.is_inside_contract(job)]
        mine = held.get(tenant.name, [])
        busy = [node for node in mine if node.jobs]
        yield (
            *(tenant.name, "external" if tenant.external else "internal", str(tenant.isolation)),
            sum(job.gpus for job in counted),
            sum(plan.placed_units(job.name) * job.gpus_per_unit for job in counted),
            *(len({node.rack.name for node in busy}), len(busy), len(mine) - len(busy)),
            list(share.gpus),
        )


def _power(problem: Problem, plan: Plan) -> Iterator[Row]:
    """Yield the load of every power node with nothing failed, base loads included."""
    topology = Topology(problem.site)
    idle = topology.loads_w(problem.idle_w)
    peak = topology.loads_w(lambda rack: peak_w(problem, plan, rack))
    for node in problem.site.power_nodes.values():
        idle_w, planned_w = idle.get(node.name, 0), peak.get(node.name, 0)
        yield (
            *(node.name, node.kind, node.hall or "", node.parents, node.rating_w),
            *(idle_w, planned_w, node.rating_w - planned_w),
        )


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; a list is its names with spaces."""
    if isinstance(value, tuple | list):
        value = LISTED.join(map(str, value))
    return spreadsheet_cell(value)


def _csv(header: Row, rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()
