"""KAI Scheduler: the plan as a topology and a two-level tree of queues.

Source of the fields: kai-scheduler/KAI-Scheduler@d5bc503a, custom resource definitions.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.exchange.exchanged import ExchangeError, Exported
from scheduler.exchange.kubernetes.cluster import (
    HOSTNAME,
    LEVEL_LABELS,
    Cluster,
    Object,
    node_objects,
)
from scheduler.exchange.kubernetes.jobs import Closeness, Marks, job_patches
from scheduler.exchange.kubernetes.kueue import quota_mistakes
from scheduler.exchange.node_names import labels
from scheduler.exchange.tenant_shares import Share, tenant_shares
from scheduler.inputs import dump_yaml
from scheduler.model import Job, Plan, Problem

TOPOLOGY_API, QUEUE_API = "kai.scheduler/v1alpha1", "scheduling.run.ai/v2"
NO_LIMIT = -1
NOTE_TYPES = "KAI's queues count GPUs of all types together: tolerations and racks keep them apart"


def export(problem: Problem, plan: Plan) -> Exported:
    """Return ``nodes.yaml``, ``kai.yaml`` and ``jobs.yaml``.

    Raises
    ------
    ExchangeError
        Quotas above what the nodes have, or names that Kubernetes does not take.
    """
    cluster = Cluster(problem, plan)
    nodes = node_objects(cluster)
    shares = tenant_shares(problem, plan)
    mistakes = list(quota_mistakes(cluster, shares))
    if mistakes:
        raise ExchangeError(mistakes)
    names = _queue_names(cluster)

    def marks(job: Job, close: Closeness) -> Marks:
        return _marks(cluster, names[job.tenant], close)

    patches, lines = job_patches(cluster, marks)
    files = {
        "nodes.yaml": dump_yaml(nodes),
        "kai.yaml": dump_yaml([_topology(cluster), *_queues(cluster, shares, names)]),
    }
    if patches:
        files["jobs.yaml"] = dump_yaml(patches)
    notes = (NOTE_TYPES,) if len(cluster.gpu_types) > 1 else ()
    return Exported(files=files, notes=(*notes, *lines))


def _topology(cluster: Cluster) -> Object:
    levels = [*LEVEL_LABELS.values(), HOSTNAME]
    return _object(
        TOPOLOGY_API, "Topology", cluster.name, {"levels": [{"nodeLabel": key} for key in levels]}
    )


def _queue_names(cluster: Cluster) -> dict[str, str]:
    """Name of every tenant's queue: no tenant's is the parent's."""
    parent = cluster.name
    made = labels([f"{parent} {tenant}" for tenant in cluster.tenants])
    return {
        tenant: made[f"{parent} {tenant}"] if name == parent else name
        for tenant, name in cluster.tenants.items()
    }


def _queues(cluster: Cluster, shares: tuple[Share, ...], names: dict[str, str]) -> Iterator[Object]:
    """Yield the parent with all that is planned, and a leaf for every tenant.

    Who shares nodes may use what others of them leave, up to what all of them are planned.
    """
    total = sum(share.total for share in shares)
    shared = sum(share.total for share in shares if not share.own_nodes)
    yield _queue(cluster.name, None, total, total, 0)
    for share in shares:
        limit = share.total if share.own_nodes else shared
        yield _queue(
            names[share.tenant], cluster.name, share.total, limit, int(not share.own_nodes)
        )


def _queue(name: str, parent: str | None, quota: int, limit: int, over_quota: int) -> Object:
    free = {"quota": NO_LIMIT, "overQuotaWeight": 1, "limit": NO_LIMIT}
    gpu = {"quota": quota, "overQuotaWeight": over_quota, "limit": limit}
    spec: Object = {"resources": {"cpu": free, "gpu": gpu, "memory": free}}
    if parent is not None:
        spec["parentQueue"] = parent
    return _object(QUEUE_API, "Queue", name, spec)


def _marks(cluster: Cluster, queue: str, close: Closeness) -> Marks:
    key = "kai.scheduler/"
    notes: Object = {f"{key}topology": cluster.name}
    if close.required:
        notes[f"{key}topology-required-placement"] = close.required
    if close.preferred:
        notes[f"{key}topology-preferred-placement"] = close.preferred
    if close.slice_level:
        notes[f"{key}segment-size"] = str(close.slice_size)
        notes[f"{key}segment-topology-required-placement"] = close.slice_level
    asks = len(notes) > 1
    return Marks(
        labels={},
        annotations=notes if asks else {},
        pod_labels={f"{key}queue": queue},
        pod_annotations={},
        scheduler="kai-scheduler",
    )


def _object(api: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}
