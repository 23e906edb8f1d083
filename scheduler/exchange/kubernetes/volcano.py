"""Volcano: the fabric as HyperNodes, the plan as queues.

Source of the fields: volcano-sh/volcano@ed72c7c8, custom resource definitions.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.exchange.exchanged import ExchangeError, Exported
from scheduler.exchange.fabric_tree import Domain, fabric_roots
from scheduler.exchange.kubernetes.cluster import GPU, LEVEL_LABELS, Cluster, Object, node_objects
from scheduler.exchange.kubernetes.kueue import quota_mistakes
from scheduler.exchange.tenant_shares import Share, tenant_shares
from scheduler.inputs import dump_yaml
from scheduler.model import Level, Plan, Problem

HYPERNODE_API, QUEUE_API = "topology.volcano.sh/v1alpha1", "scheduling.volcano.sh/v1beta1"
TIERS = (Level.RACK, Level.ARRAY, Level.POD, Level.HALL, Level.SITE)  # tier 1 is the fastest
NODE_GROUP = "volcano.sh/nodegroup-name"  # label that the nodegroup plugin reads
OWN_QUEUES = ("root", "default")  # names that Volcano itself uses
NOTE_PLUGINS = "needs Volcano's plugins network-topology-aware, capacity and nodegroup"


def export(problem: Problem, plan: Plan) -> Exported:
    """Return ``nodes.yaml`` and ``volcano.yaml``.

    Every rack, array, pod and hall is one HyperNode, and so is the site if its fabric is one; all
    branches are of one depth. Fabrics that are not joined have no HyperNode in common.

    Raises
    ------
    ExchangeError
        Quotas above what the nodes have, or names that Kubernetes or Volcano does not take.
    """
    cluster = Cluster(problem, plan)
    nodes = node_objects(cluster)
    shares = tenant_shares(problem, plan)
    mistakes = [*quota_mistakes(cluster, shares), *_queue_mistakes(cluster, shares)]
    if mistakes:
        raise ExchangeError(mistakes)
    for node, made in zip(cluster.nodes, nodes, strict=True):
        if node.tenant is not None:
            made["metadata"]["labels"][NODE_GROUP] = cluster.tenants[node.tenant]
    roots = fabric_roots(problem.site)
    objects = [each for root in roots for each in _hypernodes(cluster, root)]
    files = {
        "nodes.yaml": dump_yaml(nodes),
        "volcano.yaml": dump_yaml([*objects, *_queues(cluster, shares)]),
    }
    fabrics = [f"{len(roots)} fabrics that are not joined"] if len(roots) > 1 else []
    return Exported(files=files, notes=(NOTE_PLUGINS, *fabrics))


def _hypernodes(cluster: Cluster, root: Domain) -> Iterator[Object]:
    racks = cluster.domains[Level.RACK]
    for domain in root.walk():
        members = [_below(domain_name(child)) for child in domain.children]
        members += [_below(f"rack-{racks[rack.name]}") for rack in domain.racks]
        yield _hypernode(domain_name(domain), domain.level, members)
        for rack in domain.racks:
            where = {"matchLabels": {LEVEL_LABELS[Level.RACK]: racks[rack.name]}}
            nodes: Object = {"type": "Node", "selector": {"labelMatch": where}}
            yield _hypernode(f"rack-{racks[rack.name]}", Level.RACK, [nodes])


def domain_name(domain: Domain) -> str:
    """Name of the HyperNode of a domain."""
    return f"{domain.level}-{domain.label}"


def _below(name: str) -> Object:
    return {"type": "HyperNode", "selector": {"exactMatch": {"name": name}}}


def _hypernode(name: str, level: Level, members: list[Object]) -> Object:
    spec = {"tier": TIERS.index(level) + 1, "tierName": str(level), "members": members}
    return _object(HYPERNODE_API, "HyperNode", name, spec)


def _queue_mistakes(cluster: Cluster, shares: tuple[Share, ...]) -> Iterator[str]:
    for share in shares:
        if cluster.tenants[share.tenant] in OWN_QUEUES:
            expected = f"no name of Volcano's own queues ({', '.join(OWN_QUEUES)})"
            yield f"tenant {share.tenant}: expected {expected}, got {share.tenant}"


def _queues(cluster: Cluster, shares: tuple[Share, ...]) -> Iterator[Object]:
    """Yield a queue for every tenant.

    What a tenant with nodes of its own is planned is guaranteed, and all that it may use. Who
    shares nodes deserves what it is planned and may use what the others leave.
    """
    shared = sum(share.total for share in shares if not share.own_nodes)
    contracts = cluster.problem.workload.contract_of_tenant
    for share in shares:
        name, planned = cluster.tenants[share.tenant], {GPU: share.total}
        spec: Object = {
            "weight": 1,
            "reclaimable": share.tenant not in contracts,
            "deserved": planned,
            "capability": planned if share.own_nodes else {GPU: shared},
        }
        if share.own_nodes:
            spec["guarantee"] = {"resource": planned}
            only = {"requiredDuringSchedulingIgnoredDuringExecution": [name]}
            spec["affinity"] = {"nodeGroupAffinity": only}
        yield _object(QUEUE_API, "Queue", name, spec)


def _object(api: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}
