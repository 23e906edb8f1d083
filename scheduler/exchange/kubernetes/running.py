"""A running cluster as a site, a workload and the plan that runs now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scheduler.exchange.bare_site import NOTE_LIMITS, NodeFacts, bare_site, known_type, site_text
from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.fabric_nodes import FabricNode
from scheduler.exchange.kubernetes.cluster import LEVEL_LABELS
from scheduler.exchange.kubernetes.placements import placements
from scheduler.exchange.kubernetes.read_nodes import (
    ClusterNode,
    layer_keys,
    read_nodes,
    type_of_gpu,
)
from scheduler.exchange.kubernetes.read_workloads import read_workloads
from scheduler.exchange.node_names import node_names
from scheduler.inputs import dump_yaml
from scheduler.model import Level, Problem, RackType, Site
from scheduler.write import PLAN_FORMAT

NOTE_WORK = "isolation, contracts, power profiles and worth are not known: jobs have the defaults"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the files do not say."""

    rack_type: str = ""
    name: str = ""
    levels: tuple[str, ...] = ()  # labels of layers, the outermost first
    problem: Problem | None = None  # the site and workload that the cluster runs, if there are


def import_kubernetes(
    nodes_file: Path, workloads_file: Path | None = None, choices: Choices | None = None
) -> Imported:
    """Return ``site.json``, and with workloads ``plan.json`` and, unless it is given, a workload.

    With a problem of one's own, nodes are found in its site by their host names, and jobs by the
    names that they are exported under; its site is written again with the nodes that are out of
    use today. Without one, the site is made of the labels of the nodes.

    Raises
    ------
    ExchangeError
        With every mistake of the files, or GPUs of no known type.
    """
    choices = choices or Choices()
    nodes, lines = read_nodes(nodes_file)
    keys = layer_keys(nodes, choices.levels)
    if choices.problem is None:
        site, more, notes = _site_of(nodes, keys, choices, nodes_file.stem)
    else:
        site, more = _site_today(choices.problem.site, nodes)
        notes = []
    lines += more
    files = {"site.json": site_text(site)}
    if workloads_file is not None:
        pod_sets, left = read_workloads(workloads_file)
        placed = placements(site, nodes, keys, pod_sets, choices.problem)
        lines += [*left, *placed.lines]
        files["plan.json"] = _json({"format": PLAN_FORMAT, "placements": placed.placements})
        if choices.problem is None:
            tenants = dict.fromkeys(str(job["tenant"]) for job in placed.jobs)
            files["workload.yaml"] = dump_yaml(
                [
                    {
                        "name": site.name,
                        "tenants": [{"name": tenant} for tenant in tenants],
                        "jobs": placed.jobs,
                    }
                ]
            )
            notes.append(NOTE_WORK)
    return Imported(files=files, unmapped=tuple(lines), notes=tuple(notes))


def _site_of(
    nodes: Sequence[ClusterNode], keys: tuple[str, ...], choices: Choices, stem: str
) -> tuple[Site, list[str], list[str]]:
    name = choices.name or stem
    facts = _facts(nodes, known_type(choices.rack_type) if choices.rack_type else None)
    notes = [NOTE_LIMITS]
    if not keys:
        notes.append("no node has labels of a known topology: all lie behind one switch")
    fabric = []
    for node in nodes:
        rack = node.labels.get(LEVEL_LABELS[Level.RACK])
        reach = facts[node.host].type.nvlink_domain
        fabric.append(
            FabricNode(
                host=node.host,
                layers=node.layers(keys) if keys else (name,),
                domain=node.domain() or (rack if reach is Level.RACK else None),
                rack=rack,
            )
        )
    site, lines = bare_site(name, fabric, facts)
    return site, lines, notes


def _facts(nodes: Sequence[ClusterNode], base: RackType | None) -> dict[str, NodeFacts]:
    facts: dict[str, NodeFacts] = {}
    unknown: dict[str, None] = {}
    for node in nodes:
        found = base or type_of_gpu(node.product())
        if found is None:
            unknown[f"{node.host}: GPU {node.product() or 'without a name'}"] = None
            continue
        facts[node.host] = NodeFacts(type=found, gpus=node.gpus, usable=node.usable)
    if unknown:
        expected = "expected a GPU of a built-in rack type (or --rack-type)"
        raise ExchangeError([f"node {each}: {expected}" for each in unknown])
    return facts


def _site_today(site: Site, nodes: Sequence[ClusterNode]) -> tuple[Site, list[str]]:
    """Return `site` with the nodes that are out of use today; broken ones come last in a rack."""
    names = node_names(site)
    usable = {node.host: node.usable for node in nodes}
    lines = [f"node {node.host}: not in the site" for node in nodes if node.host not in names.place]
    missing = [host for host in names.place if host not in usable]
    lines += [f"node {host}: not in the cluster, so taken as broken" for host in missing]
    racks = {}
    for rack in site.racks.values():
        hosts = names.hosts[rack.name]
        if rack.drained:
            racks[rack.name] = replace(rack, hosts=hosts)
            continue
        up = tuple(host for host in hosts if usable.get(host, False))
        down = tuple(host for host in hosts if not usable.get(host, False))
        racks[rack.name] = replace(rack, hosts=(*up, *down), down_nodes=len(down))
    return replace(site, racks=racks), lines


def _json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
