"""Nodes of a plan as Kubernetes knows them: labels that say where they are, taints whose they are.

The labels serve every scheduler: each topology level is one label, so that a node lies in exactly
one domain of every level, and a pool is what one tenant's pods may run on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.node_names import labels
from scheduler.exchange.node_roles import Role, RoledNode, roled_nodes
from scheduler.model import Level, Plan, Problem

GPU = "nvidia.com/gpu"
HOSTNAME = "kubernetes.io/hostname"
PREFIX = "rackwatt/"
POOL, TENANT, GPU_TYPE, ROLE = (PREFIX + key for key in ("pool", "tenant", "gpu", "role"))
LEVEL_LABELS: dict[Level, str] = {  # from the largest domain down
    level: f"{PREFIX}{level}" for level in (Level.HALL, Level.POD, Level.ARRAY, Level.RACK)
}
SHARED = ""  # in place of a tenant: nodes that several may use at the same time

MOST_IN_LABEL = 63
_NODE_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

Object = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """The site as a Kubernetes cluster under a plan."""

    problem: Problem
    plan: Plan

    @cached_property
    def nodes(self) -> tuple[RoledNode, ...]:
        """Every node; raises `ExchangeError` where the plan cannot be."""
        return roled_nodes(self.problem, self.plan)

    @cached_property
    def name(self) -> str:
        """Return the site as the name of an object."""
        return labels([self.problem.site.name])[self.problem.site.name]

    @cached_property
    def tenants(self) -> Mapping[str, str]:
        """Name of every tenant as a namespace, a queue and a label value."""
        return labels(self.problem.workload.tenants)

    @cached_property
    def jobs(self) -> Mapping[str, str]:
        """Name of every job as the name of an object."""
        return labels(self.problem.jobs)

    @cached_property
    def domains(self) -> Mapping[Level, Mapping[str, str]]:
        """Label value of every domain, by level and name."""
        site = self.problem.site
        return {
            level: labels(str(site.domain_of(rack, level)) for rack in site.racks.values())
            for level in LEVEL_LABELS
        }

    @cached_property
    def gpu_types(self) -> Mapping[str, str]:
        """Label value of every GPU type."""
        return labels(each.gpu_type for each in self.problem.site.rack_types.values())

    @cached_property
    def pools(self) -> Mapping[tuple[str, str], str]:
        """Name of every pool that the plan uses, by tenant (or `SHARED`) and GPU type."""
        made = labels(_pool(*pool) for pool in self.allocatable)
        return {pool: made[_pool(*pool)] for pool in self.allocatable}

    @cached_property
    def allocatable(self) -> Mapping[tuple[str, str], int]:
        """GPUs of the nodes of every pool."""
        found: Counter[tuple[str, str]] = Counter()
        for node in self.nodes:
            if node.role is Role.PLANNED:
                gpus = self.problem.site.type_of(node.rack).gpus_per_node
                found[node.tenant or SHARED, self.gpu_type(node)] += gpus
        return found

    def gpu_type(self, node: RoledNode) -> str:
        """GPU type of a node, as the site calls it."""
        return self.problem.site.type_of(node.rack).gpu_type

    def labels_of(self, node: RoledNode) -> dict[str, str]:
        """Labels of a node."""
        where = {
            label: self.domains[level][str(self.problem.site.domain_of(node.rack, level))]
            for level, label in LEVEL_LABELS.items()
        }
        gpu = self.gpu_type(node)
        found = {HOSTNAME: node.host, **where, GPU_TYPE: self.gpu_types[gpu], ROLE: str(node.role)}
        if node.role is Role.PLANNED:
            found[POOL] = self.pools[node.tenant or SHARED, gpu]
        if node.tenant is not None:
            found[TENANT] = self.tenants[node.tenant]
        return found

    def taints_of(self, node: RoledNode) -> list[Object]:
        """Taints of a node: whose it is, and that nothing may start where nothing is planned."""
        found = []
        if node.tenant is not None:
            found.append(taint(TENANT, self.tenants[node.tenant]))
        if node.role is not Role.PLANNED:
            found.append(taint(ROLE, str(node.role)))
        return found

    def toleration(self, tenant: str) -> list[Object]:
        """Tolerations of the pods of a tenant that has nodes of its own."""
        value = self.tenants[tenant]
        return [{"key": TENANT, "operator": "Equal", "value": value, "effect": "NoSchedule"}]


def _pool(tenant: str, gpu: str) -> str:
    """Return a text that no other pool has; the end tells a tenant called shared apart."""
    return f"{tenant}\0{gpu}" if tenant != SHARED else f"shared\0{gpu}\0"


def taint(key: str, value: str) -> Object:
    """Return a taint that keeps new pods away."""
    return {"key": key, "value": value, "effect": "NoSchedule"}


def node_objects(cluster: Cluster) -> list[Object]:
    """Return every node with its labels and taints, for ``kubectl apply --server-side``.

    Raises
    ------
    ExchangeError
        A host or a label that Kubernetes does not take, or a host that two nodes have.
    """
    objects: list[Object] = []
    for node in cluster.nodes:
        made: Object = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node.host, "labels": cluster.labels_of(node)},
        }
        taints = cluster.taints_of(node)
        objects.append(made | ({"spec": {"taints": taints}} if taints else {}))
    mistakes = list(_mistakes(objects))
    if mistakes:
        raise ExchangeError(mistakes)
    return objects


def _mistakes(nodes: list[Object]) -> Iterator[str]:
    count = Counter(node["metadata"]["name"] for node in nodes)
    for host, times in count.items():
        if times > 1:
            yield f"node {host}: expected each host once, got it {times} times"
        if not _NODE_NAME.fullmatch(host):
            yield f"node {host}: expected a DNS name (small letters, digits, '-', '.'), got {host}"
    for node in nodes:
        for key, value in node["metadata"]["labels"].items():
            if len(value) > MOST_IN_LABEL or not _VALUE.fullmatch(value):
                host = node["metadata"]["name"]
                yield f"node {host}: label {key}: expected at most 63 characters, got {value}"
