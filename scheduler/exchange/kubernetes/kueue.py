"""Kueue v1beta2: the plan as topology, flavors, quotas and queues.

Kueue knows no watts. So quotas are what the plan places and no more, flavors hold the planned
nodes and no others, and pods are bound to the planned racks: what it admits, the plan has checked.
Source of the fields: kubernetes-sigs/kueue@ff69552e, custom resource definitions.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.exchange.exchanged import ExchangeError, Exported
from scheduler.exchange.kubernetes.cluster import (
    GPU,
    HOSTNAME,
    LEVEL_LABELS,
    POOL,
    SHARED,
    Cluster,
    Object,
    node_objects,
)
from scheduler.exchange.kubernetes.jobs import MOST_NAMED, Closeness, Marks, job_patches
from scheduler.exchange.tenant_shares import Share, tenant_shares
from scheduler.inputs import dump_yaml
from scheduler.model import Job, Plan, Problem
from scheduler.words import some

API = "kueue.x-k8s.io/v1beta2"
MOST_FLAVORS = 64  # of a resource group
QUEUE = "planned"  # name of the LocalQueue in the namespace of every tenant
NOTE_OTHER_RESOURCES = (
    "quotas cover nvidia.com/gpu alone: leave cpu and memory out of Kueue's accounting "
    "(resources.excludeResourcePrefixes), or pods that ask for them wait"
)


def export(problem: Problem, plan: Plan) -> Exported:
    """Return ``nodes.yaml``, ``kueue.yaml`` and ``jobs.yaml``.

    Raises
    ------
    ExchangeError
        Quotas above what the nodes have, or names and limits that Kueue does not take.
    """
    cluster = Cluster(problem, plan)
    nodes = node_objects(cluster)
    shares = tenant_shares(problem, plan)
    mistakes = list(quota_mistakes(cluster, shares))
    if mistakes:
        raise ExchangeError(mistakes)
    patches, lines = job_patches(cluster, _marks)
    objects = [_topology(cluster), *_flavors(cluster), _cohort(cluster), *_queues(cluster, shares)]
    files = {"nodes.yaml": dump_yaml(nodes), "kueue.yaml": dump_yaml(objects)}
    if patches:
        files["jobs.yaml"] = dump_yaml(patches)
    return Exported(files=files, notes=(NOTE_OTHER_RESOURCES, *lines, *_preferred(cluster)))


def _preferred(cluster: Cluster) -> Iterator[str]:
    jobs = [
        job.name
        for job in cluster.problem.workload.jobs.values()
        if job.required and job.preferred and cluster.plan.placed_units(job.name)
    ]
    if jobs:
        line = "Kueue takes one level: the required one is kept, the preferred one left out"
        yield f"{line}: {some(jobs, MOST_NAMED)}"


def quota_mistakes(cluster: Cluster, shares: tuple[Share, ...]) -> Iterator[str]:
    """Yield every pool whose quotas together are above the GPUs of its nodes."""
    asked: dict[tuple[str, str], int] = {}
    for share in shares:
        for gpu, gpus in share.gpus.items():
            pool = (share.tenant if share.own_nodes else SHARED, gpu)
            asked[pool] = asked.get(pool, 0) + gpus
        if len(share.gpus) > MOST_FLAVORS:
            expected = f"at most {MOST_FLAVORS} GPU types"
            yield f"tenant {share.tenant}: expected {expected}, got {len(share.gpus)}"
    for pool, gpus in asked.items():
        there = cluster.allocatable.get(pool, 0)
        if gpus > there:
            tenant, gpu = pool
            name = f"{tenant or 'shared'} {gpu}"
            yield f"pool {name}: expected quotas of at most {there} GPUs, got {gpus} GPUs"


def _topology(cluster: Cluster) -> Object:
    levels = [*LEVEL_LABELS.values(), HOSTNAME]
    return _object("Topology", cluster.name, {"levels": [{"nodeLabel": key} for key in levels]})


def _flavors(cluster: Cluster) -> Iterator[Object]:
    for (tenant, _), name in cluster.pools.items():
        spec: Object = {"nodeLabels": {POOL: name}, "topologyName": cluster.name}
        if tenant != SHARED:
            spec["tolerations"] = cluster.toleration(tenant)
        yield _object("ResourceFlavor", name, spec)


def _cohort(cluster: Cluster) -> Object:
    return _object("Cohort", cluster.name, {})


def _queues(cluster: Cluster, shares: tuple[Share, ...]) -> Iterator[Object]:
    for share in shares:
        tenant = cluster.tenants[share.tenant]
        spec: Object = {
            "cohortName": cluster.name,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tenant}},
            "queueingStrategy": "BestEffortFIFO",
            "preemption": {
                "reclaimWithinCohort": "Never" if share.own_nodes else "Any",
                "withinClusterQueue": "LowerPriority",
            },
        }
        flavors = [_quota(cluster, share, gpu) for gpu in share.gpus]
        if flavors:
            spec["resourceGroups"] = [{"coveredResources": [GPU], "flavors": flavors}]
        else:
            spec["stopPolicy"] = "Hold"
        yield _object("ClusterQueue", tenant, spec)
        local = _object("LocalQueue", QUEUE, {"clusterQueue": tenant})
        local["metadata"]["namespace"] = tenant
        yield local


def _quota(cluster: Cluster, share: Share, gpu: str) -> Object:
    """Return the quota of a tenant in one pool. Nodes of its own are neither lent nor topped up."""
    amount: Object = {"name": GPU, "nominalQuota": share.gpus[gpu]}
    if share.own_nodes:
        amount |= {"borrowingLimit": 0, "lendingLimit": 0}
    pool = cluster.pools[share.tenant if share.own_nodes else SHARED, gpu]
    return {"name": pool, "resources": [amount]}


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _marks(_job: Job, close: Closeness) -> Marks:
    key = "kueue.x-k8s.io/podset-"
    notes: Object = {}
    if close.required:
        notes[f"{key}required-topology"] = close.required
    elif close.preferred or close.slice_level:
        largest = next(iter(LEVEL_LABELS.values()))
        notes[f"{key}preferred-topology"] = close.preferred or largest
    else:
        notes[f"{key}unconstrained-topology"] = "true"
    if close.slice_level:
        notes[f"{key}slice-required-topology"] = close.slice_level
        notes[f"{key}slice-size"] = str(close.slice_size)
    queue = {"kueue.x-k8s.io/queue-name": QUEUE}
    return Marks(labels=queue, annotations={}, pod_labels={}, pod_annotations=notes)
