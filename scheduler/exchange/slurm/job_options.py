"""Options of ``sbatch`` that put every placed job where the plan has it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from scheduler.exchange.node_names import NodeNames
from scheduler.exchange.slurm.holdings import Holding, account_names
from scheduler.exchange.slurm.hostlist import fold
from scheduler.exchange.slurm.node_lines import gres_types
from scheduler.exchange.slurm.topologies import EVERYTHING, partition_names
from scheduler.model import Job, Plan, Problem
from scheduler.node_packing import NodeUse, pack_nodes
from scheduler.words import clean

_HEADER = """\
# Options of sbatch for every placed job, one job a line. `--nodelist` holds all of its nodes.
"""


def job_options(problem: Problem, plan: Plan, names: NodeNames, held: tuple[Holding, ...]) -> str:
    """Return a line of options for each placed job, in the order of the workload.

    Contracts are no jobs: their nodes are in the tenant's reservation.
    """
    packed = pack_nodes(problem, plan)
    account = account_names(problem)
    reservation = {
        (tenant, node): holding.name
        for holding in held
        for tenant in holding.tenants
        for node in holding.nodes
    }
    partitions = partition_names(problem.site)
    lines = []
    for job in problem.workload.jobs.values():
        used = {
            names.hosts[rack][use.node]: use
            for rack in plan.units.get(job.name, {})
            for use in packed[rack]
            if use.job == job.name
        }
        if used:
            options = {
                "job-name": clean(job.name),
                "account": account[job.tenant],
                "reservation": reservation[job.tenant, next(iter(used))],
                "partition": _only({partitions[rack] for rack in plan.units[job.name]}),
                "nodes": str(len(used)),
                **_gpus(problem, plan, job, used),
                "nodelist": fold(used),
            }
            lines.append(" ".join(f"--{key}={shlex.quote(v)}" for key, v in options.items()))
    return _HEADER + "".join(f"{line}\n" for line in lines)


def _only(partitions: set[str]) -> str:
    """Return the partition if there is one only, else that of all nodes."""
    return partitions.pop() if len(partitions) == 1 else EVERYTHING


def _gpus(problem: Problem, plan: Plan, job: Job, used: Mapping[str, NodeUse]) -> dict[str, str]:
    """Return GPUs per node where all nodes give as many, else their sum."""
    site = problem.site
    types = {site.type_of(site.racks[rack]).gpu_type for rack in plan.units[job.name]}
    prefix = f"{gres_types(site)[types.pop()]}:" if len(types) == 1 else ""
    slots = {use.slots for use in used.values()}
    if len(slots) == 1:
        return {"gpus-per-node": f"{prefix}{slots.pop()}"}
    return {"gpus": f"{prefix}{sum(use.slots for use in used.values())}"}
