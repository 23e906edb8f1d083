"""Where the pods of a cluster run, as jobs on racks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scheduler.exchange.kubernetes.cluster import HOSTNAME, LEVEL_LABELS, ROLE, TENANT
from scheduler.exchange.kubernetes.read_nodes import ClusterNode
from scheduler.exchange.kubernetes.read_workloads import Domain, PodSet
from scheduler.exchange.node_names import labels, node_names
from scheduler.exchange.node_roles import Role
from scheduler.model import Level, Problem, Site
from scheduler.model.units import ceil_div

_LAYER_LEVELS = (Level.ARRAY, Level.POD, Level.HALL)


@dataclass
class Placed:
    """Jobs as they are found, where they run, and what has no place."""

    jobs: list[dict[str, object]] = field(default_factory=list)
    placements: list[dict[str, object]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def placements(
    site: Site,
    nodes: Sequence[ClusterNode],
    keys: tuple[str, ...],
    pod_sets: Sequence[PodSet],
    own: Problem | None,
) -> Placed:
    """Return the jobs of `pod_sets` and where they run.

    Parameters
    ----------
    keys
        Labels of the layers of switches, the closest first.
    own
        The problem whose jobs run; without one every pod set becomes a job.
    """
    placed = Placed()
    where = _Where(site, nodes)
    levels = _levels_of_labels(keys)
    names = _job_names(pod_sets, own, placed.lines)
    for pod_set, name in zip(pod_sets, names, strict=True):
        if name is None:
            continue
        pods_per_unit = _pods_per_unit(pod_set, name, own)
        racks = _units_by_rack(pod_set, pods_per_unit, where, placed.lines)
        placed.placements += [
            {"job": name, "rack": rack, "units": units} for rack, units in racks.items()
        ]
        if own is None:
            placed.jobs.append(
                _job(pod_set, name, pods_per_unit, levels, placed.lines) | _types(site, racks)
            )
    if own is not None:
        placed.placements += _contracts(nodes, where, own, placed.lines)
    return placed


def _contracts(
    nodes: Sequence[ClusterNode], where: _Where, own: Problem, lines: list[str]
) -> list[dict[str, object]]:
    """Return the reservations that the labels of nodes tell: their inside is nobody's workload."""
    tenant_of = {label: name for name, label in labels(own.workload.tenants).items()}
    gpus: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        tenant, rack = tenant_of.get(node.labels.get(TENANT, "")), where.rack_of_host.get(node.host)
        if tenant and rack and node.labels.get(ROLE) == Role.PLANNED:
            gpus[tenant, rack] += node.gpus
    found: list[dict[str, object]] = []
    for tenant, contracts in own.workload.contract_of_tenant.items():
        held = {rack: count for (name, rack), count in gpus.items() if name == tenant}
        if len(contracts) > 1 and held:
            lines.append(f"tenant {tenant}: which of its contracts holds which node")
            continue
        per_unit = own.workload.contracts[contracts[0]].gpus_per_unit
        found += [
            {"job": contracts[0], "rack": rack, "units": count // per_unit}
            for rack, count in held.items()
            if count >= per_unit
        ]
    return found


def _job_names(
    pod_sets: Sequence[PodSet], own: Problem | None, lines: list[str]
) -> list[str | None]:
    """Return the job of every pod set; None if it is no job of one's own workload."""
    if own is not None:
        exported = {label: name for name, label in labels(own.jobs).items()}
        found: dict[int, str] = {}
        seen: set[str] = set()
        for number, each in enumerate(pod_sets):
            name = exported.get(each.workload)
            if name is None or name in seen:
                why = "no job of the workload" if name is None else "a second pod set of its job"
                lines.append(f"workload {each.namespace}/{each.workload}: {why}")
                continue
            seen.add(name)
            found[number] = name
        return [found.get(number) for number in range(len(pod_sets))]
    names = [(e.workload, f"{e.namespace}/{e.workload}") for e in pod_sets]
    short, long = Counter(name for name, _ in names), Counter(name for _, name in names)
    return [
        name if short[name] == 1 else full if long[full] == 1 else f"{full}/{each.name}"
        for (name, full), each in zip(names, pod_sets, strict=True)
    ]


def _pods_per_unit(pod_set: PodSet, name: str, own: Problem | None) -> int:
    if own is None:
        return pod_set.slice_pods
    return ceil_div(own.jobs[name].gpus_per_unit, pod_set.gpus_per_pod)


def _job(
    pod_set: PodSet, name: str, pods_per_unit: int, levels: Mapping[str, Level], lines: list[str]
) -> dict[str, object]:
    """Return a pod set as the workload file says it: a gang of units."""
    units, rest = divmod(pod_set.pods, pods_per_unit)
    if rest:
        lines.append(f"workload {name}: {rest} of {pod_set.pods} pods make no whole unit")
    job: dict[str, object] = {
        "name": name,
        "tenant": pod_set.namespace,
        "units": max(1, units),
        "gpus_per_unit": pod_set.gpus_per_pod * pods_per_unit,
    }
    topology = {}
    for key, label in (("required", pod_set.required), ("preferred", pod_set.preferred)):
        level = levels.get(label or "")
        if level is not None:
            topology[key] = str(level)
        elif label is not None:
            lines.append(f"workload {name}: {key} level {label}")
    if topology:
        job["topology"] = topology
    return job | ({"priority": pod_set.priority} if pod_set.priority else {})


def _types(site: Site, racks: Mapping[str, int]) -> dict[str, object]:
    types = dict.fromkeys(site.type_of(site.racks[rack]).gpu_type for rack in racks)
    return {"gpu_types": list(types)} if types else {}


def _levels_of_labels(keys: tuple[str, ...]) -> dict[str, Level]:
    known = dict(zip(keys, _LAYER_LEVELS, strict=False))
    return {label: level for level, label in LEVEL_LABELS.items()} | known


def _units_by_rack(
    pod_set: PodSet, pods_per_unit: int, where: _Where, lines: list[str]
) -> dict[str, int]:
    who = f"workload {pod_set.namespace}/{pod_set.workload}"
    if not pod_set.admitted:
        return {}
    if pod_set.domains is None:
        lines.append(f"{who}: admitted without a topology, so that its racks are not known")
        return {}
    pods: dict[str, int] = {}
    for domain, count in pod_set.domains.items():
        rack = where.rack_of(domain)
        if rack is None:
            place = ", ".join(f"{key}={value}" for key, value in domain)
            lines.append(f"{who}: {count} pods in {place}, which is no one rack")
        else:
            pods[rack] = pods.get(rack, 0) + count
    units: dict[str, int] = {}
    for rack, count in pods.items():
        whole, rest = divmod(count, pods_per_unit)
        if rest:
            lines.append(f"{who}: {rest} of {count} pods on rack {rack} make no whole unit")
        if whole:
            units[rack] = whole
    return units


class _Where:
    """The rack of a domain: of its host, or of all nodes that have its labels."""

    def __init__(self, site: Site, nodes: Sequence[ClusterNode]) -> None:
        self.rack_of_host = {host: rack for host, (rack, _) in node_names(site).place.items()}
        self.racks_of_label: dict[tuple[str, str], set[str]] = {}
        for node in nodes:
            rack = self.rack_of_host.get(node.host)
            for pair in node.labels.items() if rack else ():
                self.racks_of_label.setdefault(pair, set()).add(str(rack))

    def rack_of(self, domain: Domain) -> str | None:
        """Return the one rack that a domain lies in; None if there is no such."""
        for key, value in domain:
            if key == HOSTNAME and value in self.rack_of_host:
                return self.rack_of_host[value]
        found = [self.racks_of_label.get(pair, set()) for pair in domain]
        racks = set.intersection(*found) if found else set()
        return racks.pop() if len(racks) == 1 else None
