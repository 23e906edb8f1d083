"""A workload and the running plan from Slurm's queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.exchange.node_names import NodeNames
from scheduler.exchange.slurm.cluster_state import NodeState, QueuedJob
from scheduler.model import Level, Site
from scheduler.words import clean

VALUE_USD_PER_GPU_H = 1.0  # of every job: Slurm knows no prices [A]
MOST_NODES, MOST_GPUS_PER_NODE = 1_000_000, 1000

Record = dict[str, object]


@dataclass
class QueueMade:
    """A workload in its short form and the placements of what runs."""

    workload: Record
    placements: list[Record]
    unmapped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def queue_made(
    jobs: Iterable[QueuedJob], nodes: Mapping[str, NodeState] | None, site: Site, names: NodeNames
) -> QueueMade:
    """Return jobs as gangs with a unit a node, accounts as tenants, and where jobs run.

    A job that has not the same number of GPUs on each node, or none at all, is listed as
    unmapped. Accounts whose jobs share a node now may share hosts.
    """
    made = QueueMade({"name": "slurm"}, [])
    accounts: dict[str, None] = {}
    records: list[Record] = []
    users: dict[str, set[str]] = {}
    seen: set[str] = set()
    by_partition = _types_of_partitions(nodes or {}, site, names)
    for job in jobs:
        who = f"job {job.number}"
        made.unmapped += [f"{who}: {what}" for what in job.unmapped]
        reason = "listed twice" if job.number in seen else _why_not(job, names)
        seen.add(job.number)
        if reason:
            made.unmapped.append(f"{who}: {reason}")
            continue
        account = _name(job.account) or "unknown"
        accounts[account] = None
        record = _record(job, account, _types(job, by_partition, site, names), site)
        records.append(record)
        for node in job.nodes:
            users.setdefault(node, set()).add(account)
        racks = Counter(names.place[node][0] for node in job.nodes)
        made.placements += [
            {"job": record["name"], "rack": rack, "units": units} for rack, units in racks.items()
        ]
    sharing = {account for each in users.values() if len(each) > 1 for account in each}
    made.workload["tenants"] = [
        {"name": account, "isolation": "shared-host" if account in sharing else "host"}
        for account in accounts
    ]
    made.workload["jobs"] = records
    if records:
        made.notes.append("every job is worth 1 $ per GPU and hour; Slurm knows no prices")
    if sharing:
        made.notes.append(f"share hosts, as their jobs do now: {', '.join(sorted(sharing))}")
    return made


def _why_not(job: QueuedJob, names: NodeNames) -> str:
    """Return why a job has no place in a workload; empty if it has one."""
    if job.gpus < 1:
        return "asks for no GPUs"
    if not 1 <= job.node_count <= MOST_NODES or job.gpus > MOST_GPUS_PER_NODE * job.node_count:
        return f"{job.gpus:,} GPUs on {job.node_count:,} nodes: no such cluster"
    if job.gpus % job.node_count:
        return f"{job.gpus} GPUs on {job.node_count} nodes: not the same on each"
    strange = [node for node in job.nodes if node not in names.place]
    if strange:
        return f"runs on {strange[0]}, which the site does not have"
    return "runs, but no nodes are given" if job.running and not job.nodes else ""


def _record(job: QueuedJob, account: str, gpu_types: list[str], site: Site) -> Record:
    record: Record = {
        "name": _name(f"{job.number}-{job.name}") if job.name else job.number,
        "tenant": account,
        "units": job.node_count,
        "gpus_per_unit": job.gpus // job.node_count,
        "gpu_types": gpu_types,
        "value_usd_per_gpu_h": VALUE_USD_PER_GPU_H,
    }
    if job.minutes:
        record["duration_h"] = max(1, -(-job.minutes // 60))
    if job.node_count > 1 and site.fabric.joins is Level.HALL:
        record["topology"] = {"required": "hall"}  # a job never spans two fabrics
    return record


def _types(
    job: QueuedJob, by_partition: Mapping[str, set[str]], site: Site, names: NodeNames
) -> list[str]:
    """Return the GPU types that a job may have: where it runs, what it asks, its partition's."""
    known = {each.gpu_type for each in site.rack_types.values()}
    runs_on = {_type_of(node, site, names) for node in job.nodes}
    asked = {job.gpu_type} & known
    return sorted(runs_on or asked or by_partition.get(job.partition) or known)


def _types_of_partitions(
    nodes: Mapping[str, NodeState], site: Site, names: NodeNames
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node, state in nodes.items():
        for partition in state.partitions if node in names.place else ():
            found.setdefault(partition, set()).add(_type_of(node, site, names))
    return found


def _type_of(node: str, site: Site, names: NodeNames) -> str:
    return site.type_of(site.racks[names.place[node][0]]).gpu_type


def _name(text: str) -> str:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in clean(text).strip())
    return shown[:100].strip()
