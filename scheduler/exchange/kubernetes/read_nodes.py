"""Nodes of a cluster, as ``kubectl get nodes -o json`` prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.fields import Fields, is_name, raise_if_any, read_fields
from scheduler.exchange.kubernetes.cluster import GPU, GPU_TYPE, LEVEL_LABELS, ROLE
from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.mistakes import Mistakes
from scheduler.model import Level, RackType

# Labels of the layers of switches, the closest first, by who writes them.
LAYER_LABELS: tuple[tuple[str, ...], ...] = (
    (LEVEL_LABELS[Level.ARRAY], LEVEL_LABELS[Level.POD], LEVEL_LABELS[Level.HALL]),
    tuple(f"fabric.topograph.run/tier-{tier}" for tier in range(4)),
    tuple(f"network.topology.nvidia.com/{name}" for name in ("leaf", "spine", "core")),
    tuple(f"topology.k8s.aws/network-node-layer-{layer}" for layer in (3, 2, 1)),
    ("cloud.google.com/gce-topology-subblock", "cloud.google.com/gce-topology-block"),
    ("oci.oraclecloud.com/host.network_block_id",),
)
DOMAIN_LABELS = ("accelerator.topograph.run/domain", "nvidia.com/gpu.clique")
PRODUCT_LABELS = (GPU_TYPE, "nvidia.com/gpu.product")
OUT_OF_USE = ("drained", "broken")  # roles for which no work is to start


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNode:
    """A node with GPUs."""

    host: str
    labels: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0
    usable: bool = True

    def layers(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Switches above the node, the closest first; none if the closest is not named."""
        found = [self.labels.get(key, "") for key in keys]
        count = next((i for i, value in enumerate(found) if not value), len(found))
        return tuple(found[:count])

    def domain(self) -> str | None:
        """NVLink domain that the labels name."""
        return next((self.labels[key] for key in DOMAIN_LABELS if self.labels.get(key)), None)

    def product(self) -> str:
        """GPU that the labels name."""
        return next((self.labels[key] for key in PRODUCT_LABELS if self.labels.get(key)), "")


def read_nodes(path: Path) -> tuple[tuple[ClusterNode, ...], list[str]]:
    """Return the nodes with GPUs, and a line for everything that has no place.

    A node takes no work if it is cordoned, not ready, or has the role drained or broken.

    Raises
    ------
    ExchangeError
        With every mistake of the file, or no node with GPUs.
    """
    mistakes = Mistakes()
    nodes: dict[str, ClusterNode] = {}
    lines: list[str] = []
    without = 0
    for item in items(path, mistakes):
        meta, status = item.inner("metadata"), item.inner("status")
        host = meta.name("name")
        capacity = amount(status.inner("capacity"), GPU)
        known = "allocatable" in status.data
        allocatable = amount(status.inner("allocatable"), GPU) if known else capacity
        if not capacity:
            without += 1
            continue
        if host in nodes:
            meta.expected("name", "each node once")
        if allocatable < capacity:
            missing = capacity - allocatable
            lines.append(f"node {host}: {missing} of {capacity} GPUs not allocatable")
        found = meta.inner("labels").data
        labels = {key: value for key, value in found.items() if is_name(value)}
        nodes[host] = ClusterNode(
            host=host, labels=labels, gpus=capacity, usable=_usable(item, labels)
        )
    raise_if_any(mistakes)
    if not nodes:
        raise ExchangeError([f"{path}: expected nodes with {GPU}, got none"])
    if without:
        lines.append(f"{without} nodes without {GPU}")
    return tuple(nodes.values()), lines


def items(path: Path, mistakes: Mistakes) -> list[Fields]:
    """Return the objects of a list as kubectl prints it, or a single object."""
    whole = read_fields(path, mistakes)
    return list(whole.records("items")) if "items" in whole.data else [whole]


def amount(fields: Fields, key: str) -> int:
    """Return a whole quantity, written as a number or as text; 0 if it is missing."""
    value = fields.data.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return fields.count(key) or 0


def layer_keys(nodes: Sequence[ClusterNode], own: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the labels of layers that most nodes have, the closest first; `own` comes first."""
    known = (tuple(reversed(own)),) if own else LAYER_LABELS
    counts = Counter({keys: sum(bool(node.layers(keys)) for node in nodes) for keys in known})
    best = max(known, key=lambda keys: (counts[keys], -known.index(keys)))
    return best if counts[best] else ()


def type_of_gpu(product: str) -> RackType | None:
    """Return the built-in rack type whose GPU the product ``NVIDIA-H100-80GB-HBM3`` names."""
    by_length = sorted(catalogue().values(), key=lambda each: -len(each.gpu_type))
    return next((each for each in by_length if each.gpu_type in product.lower()), None)


def _usable(item: Fields, labels: Mapping[str, str]) -> bool:
    ready = True
    for condition in item.inner("status").records("conditions"):
        if condition.data.get("type") == "Ready":
            ready = condition.data.get("status") == "True"
    cordoned = item.inner("spec").data.get("unschedulable") is True
    return ready and not cordoned and labels.get(ROLE) not in OUT_OF_USE
