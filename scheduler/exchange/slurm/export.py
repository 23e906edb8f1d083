"""A plan as the files of Slurm."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.exchange.exchanged import ExchangeError, Exported
from scheduler.exchange.node_names import NodeNames, node_names
from scheduler.exchange.power_room import power_room
from scheduler.exchange.slurm.holdings import account_names, holdings
from scheduler.exchange.slurm.job_options import job_options
from scheduler.exchange.slurm.node_lines import nodes_conf
from scheduler.exchange.slurm.reservations import accounts_sh, reservations_sh
from scheduler.exchange.slurm.resources import resources_yaml
from scheduler.exchange.slurm.topologies import Topologies, topologies_of
from scheduler.exchange.slurm.topology_rules import (
    block_faults,
    joined_faults,
    missing_faults,
    small_blocks,
    tree_faults,
)
from scheduler.exchange.slurm.topology_text import topology_conf, topology_yaml
from scheduler.model import Level, Plan, Problem, Site


def export(problem: Problem, plan: Plan) -> Exported:
    """Return topology, nodes, power, accounts, reservations and job options for Slurm.

    Raises
    ------
    ExchangeError
        With every mistake that Slurm would take, or refuse late: a node without its place in the
        topology or with two, separate fabrics below one root, a job that lies in two of them,
        a node that two tenants would hold.
    """
    site, names = problem.site, node_names(problem.site)
    topologies = topologies_of(site, names)
    mistakes = [*_topology_mistakes(problem, names, topologies), *_split_jobs(problem, plan)]
    try:
        held = holdings(problem, plan)
    except ExchangeError as error:
        raise ExchangeError([*mistakes, *error.mistakes]) from None
    if mistakes:
        raise ExchangeError(mistakes)
    accounts = account_names(problem)
    tenants = {problem.jobs[job].tenant: None for job in plan.units}
    files = {
        "topology.conf": topology_conf(topologies.switches),
        "topology.yaml": topology_yaml(topologies),
        "resources.yaml": resources_yaml(problem, power_room(problem, plan), names),
        "nodes.conf": nodes_conf(site, names),
        "accounts.sh": accounts_sh(accounts, tenants),
        "reservations.sh": reservations_sh(held, accounts),
        "job-options.txt": job_options(problem, plan, names, held),
    }
    return Exported(files=files, notes=tuple(_notes(problem, names, topologies)))


def _topology_mistakes(problem: Problem, names: NodeNames, topologies: Topologies) -> Iterator[str]:
    site = problem.site
    yield from (text for _line, text in tree_faults(topologies.switches))
    for blocks in topologies.blocks:
        yield from (text for _line, text in block_faults(blocks))
    in_blocks = [
        host
        for rack in site.racks.values()
        if site.type_of(rack).nvlink_domain is Level.RACK
        for host in names.hosts[rack.name]
    ]
    yield from missing_faults(topologies, names.place.keys(), in_blocks)
    fabric_of = {host: _fabric(site, rack) for host, (rack, _node) in names.place.items()}
    yield from joined_faults(topologies.switches, fabric_of)


def _split_jobs(problem: Problem, plan: Plan) -> Iterator[str]:
    """Yield jobs whose nodes Slurm could never give them together."""
    for job in problem.workload.jobs:
        inside = {_fabric(problem.site, rack): None for rack in plan.units.get(job, {})}
        if len(inside) > 1:
            yield f"job {job}: lies in the separate fabrics {', '.join(inside)}"


def _fabric(site: Site, rack: str) -> str:
    """Return the domain whose racks the fabric joins, straight from the site."""
    return str(site.domain_of(site.racks[rack], site.fabric.joins))


def _notes(problem: Problem, names: NodeNames, topologies: Topologies) -> Iterator[str]:
    usable = {host for rack in problem.site.racks for host in names.usable(problem.site, rack)}
    for blocks in topologies.blocks:
        for block, count in small_blocks(blocks, usable):
            base = blocks.sizes[0]
            yield f"block {block} of {blocks.name}: {count} usable nodes, the base size is {base}"
    yield "Slurm reads topology.yaml (25.05 and later) in place of topology.conf if both are there"
    yield "resources.yaml follows 25.05 to 26.05; hierarchical resources are in beta and may change"
