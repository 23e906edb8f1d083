"""Placed jobs as patches of batch/v1 Jobs: how many pods, on which racks, how close together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scheduler.exchange.kubernetes.cluster import GPU, HOSTNAME, LEVEL_LABELS, Cluster, Object
from scheduler.exchange.node_roles import has_own_nodes
from scheduler.exchange.tenant_shares import PodShape, pod_shape
from scheduler.model import Job, Level
from scheduler.words import some

MOST_NAMED = 8  # jobs named in a line
CONTAINER = "main"  # the container of a Job that the patch gives its GPUs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """How close the pods of a job must or should lie, as labels of a topology."""

    required: str | None = None
    preferred: str | None = None
    slice_level: str | None = None  # pods of one unit lie in one domain of this level
    slice_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What one scheduler wants to find on a job and on its pods."""

    labels: Object
    pod_labels: Object
    pod_annotations: Object
    annotations: Object
    scheduler: str | None = None


Marker = Callable[[Job, Closeness], Marks]


def job_patches(cluster: Cluster, marks_of: Marker) -> tuple[list[Object], list[str]]:
    """Return a patch for every placed job, and a line for everything that it cannot say.

    A patch names the job in the namespace of its tenant and holds what the plan decides: number of
    pods, GPUs of each, racks, tolerations, and the marks of one scheduler. It has no image and no
    command: it is laid over the operator's own Job, for example with kustomize. Contracts have
    none, because their inside is the tenant's own business.
    """
    problem, plan = cluster.problem, cluster.plan
    patches: list[Object] = []
    unsaid: dict[str, list[str]] = {}
    for job in problem.workload.jobs.values():
        placed = plan.placed_units(job.name)
        if not placed:
            unsaid.setdefault("not placed, so without a patch", []).append(job.name)
            continue
        shape = pod_shape(problem, plan, job)
        for line in _unsaid(job, shape, len(_fabrics(cluster, job))):
            unsaid.setdefault(line, []).append(job.name)
        close = closeness(cluster, job, shape)
        patches.append(_patch(cluster, job, placed, shape, marks_of(job, close)))
    return patches, [f"{line}: {some(jobs, MOST_NAMED)}" for line, jobs in unsaid.items()]


def closeness(cluster: Cluster, job: Job, shape: PodShape) -> Closeness:
    """Return the levels that the pods of `job` must or should share."""
    in_one_rack = LEVEL_LABELS[Level.RACK] if shape.pods_per_unit > 1 else None
    required = _label(cluster, job, job.required or _one_fabric(cluster, job))
    if job.units == 1 and in_one_rack:
        return Closeness(required=in_one_rack)
    return Closeness(
        required=required,
        preferred=_label(cluster, job, job.preferred),
        slice_level=in_one_rack,
        slice_size=shape.pods_per_unit if in_one_rack else None,
    )


def _one_fabric(cluster: Cluster, job: Job) -> Level | None:
    """Return the level of separate fabrics for a gang that the plan puts into one of them."""
    joins = cluster.problem.site.fabric.joins
    is_gang = job.units > 1 and job.min_units == job.units
    return joins if is_gang and len(_fabrics(cluster, job)) == 1 else None


def _fabrics(cluster: Cluster, job: Job) -> set[str | None]:
    """Return the fabrics that are not joined in which the plan puts a job."""
    site = cluster.problem.site
    racks = cluster.plan.units[job.name]
    return {site.domain_of(site.racks[rack], site.fabric.joins) for rack in racks}


def _label(cluster: Cluster, job: Job, level: Level | None) -> str | None:
    """Return the label of a level; none for the site, which is all there is."""
    if level is Level.NVLINK:
        site = cluster.problem.site
        racks = cluster.plan.units.get(job.name, {})
        reach = {site.type_of(site.racks[rack]).nvlink_domain for rack in racks}
        return LEVEL_LABELS[Level.RACK] if reach == {Level.RACK} else HOSTNAME
    return None if level is None else LEVEL_LABELS.get(level)


def _unsaid(job: Job, shape: PodShape, fabrics: int) -> Iterator[str]:
    """Yield what a patch cannot say of a job."""
    if fabrics > 1:
        yield "planned over fabrics that are not joined"
    if shape.mixed:
        yield "on nodes of several sizes, so with pods that fit the smallest"
    if job.spread_level is not None:
        yield "the spread over domains is kept by the racks alone, not as a rule"
    if job.power_action != "firm":
        yield "no scheduler knows that these are capped or shed after a failure"


def _patch(cluster: Cluster, job: Job, placed: int, shape: PodShape, marks: Marks) -> Object:
    racks = sorted(
        cluster.domains[Level.RACK][rack] for rack in cluster.plan.units.get(job.name, {})
    )
    term = {"key": LEVEL_LABELS[Level.RACK], "operator": "In", "values": racks}
    chosen = {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
    amount = {GPU: shape.gpus_per_pod}
    spec: Object = {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": chosen}},
        "containers": [{"name": CONTAINER, "resources": {"limits": amount}}],
    }
    if marks.scheduler:
        spec["schedulerName"] = marks.scheduler
    if has_own_nodes(cluster.problem, job.tenant):
        spec["tolerations"] = cluster.toleration(job.tenant)
    metadata = {
        "name": cluster.jobs[job.name],
        "namespace": cluster.tenants[job.tenant],
        "labels": marks.labels,
        "annotations": marks.annotations,
    }
    pod = {"labels": marks.pod_labels, "annotations": marks.pod_annotations}
    pods = placed * shape.pods_per_unit
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": {
            "parallelism": pods,
            "completions": pods,
            "template": {
                "metadata": {key: value for key, value in pod.items() if value},
                "spec": spec,
            },
        },
    }
