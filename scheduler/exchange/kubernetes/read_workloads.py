"""Kueue's workloads, as ``kubectl get workloads -A -o json`` prints them: what runs, and where.

Source of the fields: kubernetes-sigs/kueue, ``apis/kueue/v1beta2/workload_types.go``. Both shapes
of the compressed topology assignment are read: flat (``universalValue``, ``universalPodCount``)
and nested (``universal``, ``individual``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.exchange.fields import Fields, raise_if_any
from scheduler.exchange.kubernetes.cluster import GPU
from scheduler.exchange.kubernetes.read_nodes import amount, items
from scheduler.inputs.mistakes import Mistakes, Plain

NOTES = "kueue.x-k8s.io/podset-"
MOST_PODS = 10_000_000

Domain = tuple[tuple[str, str], ...]  # label and value of every level


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSet:
    """Pods of a workload that are alike, and where they run."""

    workload: str
    namespace: str
    name: str
    pods: int
    gpus_per_pod: int
    priority: int = 0
    slice_pods: int = 1  # pods that lie in one domain together
    required: str | None = None  # label of a level
    preferred: str | None = None
    admitted: bool = False
    domains: Mapping[Domain, int] | None = field(default=None, hash=False)  # pods in each


def read_workloads(path: Path) -> tuple[tuple[PodSet, ...], list[str]]:
    """Return the pod sets with GPUs of all workloads that have not ended, and what is left out.

    Raises
    ------
    ExchangeError
        With every mistake of the file.
    """
    mistakes = Mistakes()
    found: list[PodSet] = []
    ended = without = 0
    for item in items(path, mistakes):
        if _has(item, "Finished"):
            ended += 1
            continue
        for pod_set in _pod_sets(item):
            if pod_set.gpus_per_pod and pod_set.pods:
                found.append(pod_set)
            else:
                without += 1
    raise_if_any(mistakes)
    lines = [f"{ended} workloads that have ended"] if ended else []
    lines += [f"{without} pod sets without {GPU}"] if without else []
    return tuple(found), lines


def _pod_sets(item: Fields) -> Iterator[PodSet]:
    meta, spec = item.inner("metadata"), item.inner("spec")
    owners = [owner.name("name") for owner in meta.records("ownerReferences")]
    own_name, namespace = meta.name("name"), meta.text("namespace") or "default"
    admission = item.inner("status").inner("admission")
    assigned = {
        each.text("name") or "main": each for each in admission.records("podSetAssignments")
    }
    priority = spec.data.get("priority")
    for pod_set in spec.records("podSets"):
        name = pod_set.text("name") or "main"
        template = pod_set.inner("template")
        notes = template.inner("metadata").inner("annotations")
        assignment = assigned.get(name)
        yield PodSet(
            workload=owners[0] if owners else own_name,
            namespace=namespace,
            name=name,
            pods=_pods(pod_set, assignment),
            gpus_per_pod=_gpus(template.inner("spec")),
            priority=priority if isinstance(priority, int) else 0,
            slice_pods=max(1, amount(notes, f"{NOTES}slice-size")),
            required=notes.text(f"{NOTES}required-topology"),
            preferred=notes.text(f"{NOTES}preferred-topology"),
            admitted=assignment is not None,
            domains=_domains(assignment) if assignment else None,
        )


def _pods(pod_set: Fields, assignment: Fields | None) -> int:
    """Return the admitted number of pods, else the number that is asked for."""
    admitted = assignment.count("count") if assignment else None
    count = pod_set.count("count")
    return admitted if admitted is not None else 1 if count is None else count


def _gpus(pod: Fields) -> int:
    """Return the GPUs that the containers of a pod ask for together."""
    total = 0
    for container in pod.records("containers"):
        resources = container.inner("resources")
        total += max(amount(resources.inner(key), GPU) for key in ("requests", "limits"))
    return total


def _has(item: Fields, kind: str) -> bool:
    return any(
        each.data.get("type") == kind and each.data.get("status") == "True"
        for each in item.inner("status").records("conditions")
    )


def _domains(assignment: Fields) -> Mapping[Domain, int] | None:
    """Return the pods in every domain; None if Kueue did not choose domains."""
    topology = assignment.inner("topologyAssignment")
    if not topology.data:
        return None
    levels = topology.names("levels")
    found: dict[Domain, int] = {}
    for domain, pods in _assigned(topology, levels):
        found[domain] = found.get(domain, 0) + pods
    return found


def _assigned(topology: Fields, levels: list[str]) -> Iterator[tuple[Domain, int]]:
    for domain in topology.records("domains"):  # v1beta1: one entry for each domain
        values = domain.names("values")
        if len(values) != len(levels):
            domain.expected("values", f"{len(levels)} values, one for each level")
            continue
        yield tuple(zip(levels, values, strict=True)), domain.count("count") or 0
    for part in topology.records("slices"):
        count = part.count("domainCount") or 0
        columns = [_values(each, count) for each in part.records("valuesPerLevel")]
        if len(columns) != len(levels) or not 0 < count <= MOST_PODS:
            part.expected("valuesPerLevel", f"{len(levels)} entries for at least one domain")
            continue
        pods = _pod_counts(part, count)
        for row, number in zip(zip(*columns, strict=False), pods, strict=False):
            yield tuple(zip(levels, row, strict=True)), number


def _values(level: Fields, count: int) -> list[str]:
    """Return the value of every domain at one level."""
    whole = level.text("universalValue") or level.text("universal")
    if whole is not None:
        return [whole] * count if count <= MOST_PODS else []
    own = level.inner("individual") if "individual" in level.data else level
    roots = own.data.get("roots")
    if not isinstance(roots, list) or len(roots) != count or not all(map(_is_text, roots)):
        own.expected("roots", f"{count} values, one for each domain")
        return []
    prefix, suffix = own.data.get("prefix") or "", own.data.get("suffix") or ""
    return [f"{prefix}{root}{suffix}" for root in roots]


def _pod_counts(part: Fields, count: int) -> list[int]:
    """Return the pods of every domain."""
    counts = part.data.get("podCounts")
    whole = part.count("universalPodCount")
    if isinstance(counts, dict):
        nested = part.inner("podCounts")
        whole, counts = nested.count("universal"), nested.data.get("individual")
    if whole is not None:
        return [whole] * count
    found = counts if isinstance(counts, list) else []
    if len(found) != count or not all(type(each) is int and each >= 0 for each in found):
        expected = f"{count} numbers, one for each domain"
        loc = (*part.loc, "podCounts")
        part.mistakes.add(part.document, loc, expected, Plain("something else"))
        return []
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= 253
