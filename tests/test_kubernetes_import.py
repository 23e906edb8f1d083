"""Clusters as sites, and what runs on them as plans: an exported plan comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.kubernetes import kueue
from scheduler.exchange.kubernetes.running import Choices, import_kubernetes
from scheduler.inputs import read_plan, read_problem
from scheduler.model import Level, Plan, Problem
from tests import build
from tests.random_problems import random_plan, random_problem
from tests.test_kubernetes_export import small

Object = dict[str, Any]
HOST, GPU = "kubernetes.io/hostname", "nvidia.com/gpu"


def node(name: str, gpus: int = 8, ready: bool = True, **labels: Any) -> Object:
    """A node as kubectl prints it; ``rack__r1="x"`` is the label ``rackwatt/rack``."""
    found = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "empty": ""}
    found |= {key.replace("__", "/").replace("_", "-"): value for key, value in labels.items()}
    return {
        "metadata": {"name": name, "labels": found},
        "spec": {},
        "status": {
            "capacity": {GPU: str(gpus), "cpu": "128"},
            "allocatable": {GPU: str(gpus)},
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
        },
    }


def workload(
    name: str, pods: int, gpus: int, topology: Object | None = None, **notes: str
) -> Object:
    """A workload of Kueue; it runs if there is a topology assignment."""
    annotations = {f"kueue.x-k8s.io/podset-{k.replace('_', '-')}": v for k, v in notes.items()}
    container = {"resources": {"limits": {GPU: gpus}}}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}
    made: Object = {
        "metadata": {
            "name": f"job-{name}-1a2b3",
            "namespace": "team",
            "ownerReferences": [{"name": name}],
        },
        "spec": {"podSets": [{"name": "main", "count": pods, "template": template}]},
        "status": {},
    }
    if topology is not None:
        assigned = {"name": "main", "count": pods, "topologyAssignment": topology}
        made["status"]["admission"] = {"clusterQueue": "team", "podSetAssignments": [assigned]}
    return made


def on_hosts(**pods: int) -> Object:
    """An assignment as Kueue compresses it: one slice, common beginnings taken out."""
    hosts = [name.replace("_", "-") for name in pods]
    part = {
        "domainCount": len(hosts),
        "valuesPerLevel": [{"prefix": hosts[0][:1], "roots": [host[1:] for host in hosts]}],
        "podCounts": list(pods.values()),
    }
    return {"levels": [HOST], "slices": [part]}


def put(tmp_path: Path, name: str, found: list[Object]) -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({"kind": "List", "items": found}), encoding="utf-8")
    return path


def taken(tmp_path: Path, imported: Imported) -> tuple[Problem, Plan]:
    """What was imported, read as any other input."""
    for name, text in imported.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    problem = read_problem(tmp_path / "site.json", tmp_path / "workload.yaml")
    return problem, read_plan(tmp_path / "plan.json", problem)


RACKS = {f"n{number}": f"r{(number + 1) // 2}" for number in range(1, 7)}


def cluster(**fields: Any) -> list[Object]:
    """Six nodes in three racks of two; r1 and r2 in array a."""
    return [
        node(
            name,
            **fields,
            rackwatt__rack=rack,
            rackwatt__array="b" if rack == "r3" else "a",
            rackwatt__pod="p",
        )
        for name, rack in RACKS.items()
    ]


def test_nodes_become_racks_behind_their_switches(tmp_path: Path) -> None:
    nodes = [*cluster(), node("gateway", gpus=0)]
    nodes[1]["spec"]["unschedulable"] = True
    nodes[2]["status"]["conditions"][0]["status"] = "Unknown"
    imported = import_kubernetes(put(tmp_path, "nodes.json", nodes), put(tmp_path, "w.json", []))
    problem, _ = taken(tmp_path, imported)
    site = problem.site
    assert {name: rack.hosts for name, rack in site.racks.items()} == {
        "r1": ("n1", "n2"),
        "r2": ("n4", "n3"),  # n3 is not ready: it comes last
        "r3": ("n5", "n6"),
    }
    assert {name: rack.down_nodes for name, rack in site.racks.items()} == {
        "r1": 1,
        "r2": 1,
        "r3": 0,
    }
    assert [(rack.array, rack.pod) for rack in site.racks.values()] == [
        ("a", "p"),
        ("a", "p"),
        ("b", "p"),
    ]
    assert {site.type_of(rack).gpu_type for rack in site.racks.values()} == {"h100"}
    assert site.fabric.joins is Level.POD
    assert "1 nodes without nvidia.com/gpu" in imported.unmapped


@pytest.mark.parametrize(
    ("labels", "layers"),
    [
        (
            {"fabric.topograph.run__tier_0": "leaf", "fabric.topograph.run__tier_1": "spine"},
            ("leaf", "spine"),
        ),
        (
            {f"topology.k8s.aws__network_node_layer_{n}": f"nn-{n}" for n in (1, 2, 3)},
            ("nn-3", "nn-2"),
        ),
        (
            {
                "cloud.google.com__gce_topology_subblock": "s",
                "cloud.google.com__gce_topology_block": "b",
            },
            ("s", "b"),
        ),
    ],
)
def test_labels_of_clouds_and_topograph_are_known(
    tmp_path: Path, labels: dict[str, Any], layers: tuple[str, str]
) -> None:
    path = put(tmp_path, "nodes.json", [node("n1", **labels), node("n2", **labels)])
    problem, _ = taken(tmp_path, import_kubernetes(path, put(tmp_path, "w.json", [])))
    [rack] = problem.site.racks.values()
    assert (rack.array, rack.pod) == layers


def test_own_labels_and_a_clique_are_taken(tmp_path: Path) -> None:
    labels: Object = {"nvidia.com__gpu.clique": "uuid.1", "my__row": "row", "my__hall": "hall"}
    nodes = [node(f"n{n}", gpus=4, **labels) for n in range(3)]
    choices = Choices(levels=("my/hall", "my/row"), rack_type="gb200-nvl72")
    imported = import_kubernetes(
        put(tmp_path, "nodes.json", nodes), put(tmp_path, "w.json", []), choices
    )
    problem, _ = taken(tmp_path, imported)
    rack = problem.site.racks["uuid.1"]
    assert (rack.array, rack.pod) == ("row", "hall")
    assert problem.site.type_of(rack).nvlink_domain is Level.RACK


def test_running_and_waiting_workloads_become_jobs_and_a_plan(tmp_path: Path) -> None:
    slices = {"slice_required_topology": "rackwatt/rack", "slice_size": "2"}
    nested = {
        "levels": ["rackwatt/array", HOST],
        "slices": [
            {
                "domainCount": 2,
                "valuesPerLevel": [
                    {"universal": "a"},
                    {"individual": {"prefix": "n", "roots": ["3", "4"]}},
                ],
                "podCounts": {"universal": 1},
            }
        ],
    }
    found = [
        workload("train", 2, 8, on_hosts(n1=1, n2=1), required_topology="rackwatt/array"),
        workload("wide", 2, 8, nested, **slices),
        workload(
            "note", 3, 2, {"levels": ["rackwatt/rack"], "domains": [{"values": ["r3"], "count": 3}]}
        ),
        workload("waits", 4, 8, preferred_topology="rackwatt/pod"),
        workload("cpu", 4, 0, on_hosts(n1=4)),
        workload("old", 1, 8, on_hosts(n1=1)),
    ]
    found[-1]["status"]["conditions"] = [{"type": "Finished", "status": "True"}]
    found[0]["spec"]["priority"] = 7
    imported = import_kubernetes(
        put(tmp_path, "nodes.json", cluster()), put(tmp_path, "w.json", found)
    )
    problem, plan = taken(tmp_path, imported)
    assert plan == Plan({"train": {"r1": 2}, "wide": {"r2": 1}, "note": {"r3": 3}})
    jobs = problem.workload.jobs
    assert {name: (job.units, job.gpus_per_unit) for name, job in jobs.items()} == {
        "train": (2, 8),
        "wide": (1, 16),
        "note": (3, 2),
        "waits": (4, 8),
    }
    assert (jobs["train"].required, jobs["train"].priority) == (Level.ARRAY, 7)
    assert jobs["waits"].preferred is Level.POD
    assert {job.tenant for job in jobs.values()} == {"team"}
    assert set(imported.unmapped) == {
        "1 workloads that have ended",
        "1 pod sets without nvidia.com/gpu",
    }


def test_what_cannot_be_placed_is_told(tmp_path: Path) -> None:
    elsewhere = on_hosts(x9=1)
    spread = {"levels": ["rackwatt/array"], "domains": [{"values": ["a"], "count": 2}]}
    blind = workload("blind", 1, 8, {})
    found = [
        workload("gone", 1, 8, elsewhere),
        workload("vague", 2, 8, spread),
        blind,
        workload("odd", 3, 8, on_hosts(n1=1, n2=2), slice_size="2", required_topology="my/label"),
    ]
    imported = import_kubernetes(
        put(tmp_path, "nodes.json", cluster()), put(tmp_path, "w.json", found)
    )
    _, plan = taken(tmp_path, imported)
    assert plan == Plan({"odd": {"r1": 1}})
    assert set(imported.unmapped) == {
        "workload team/gone: 1 pods in kubernetes.io/hostname=x9, which is no one rack",
        "workload team/vague: 2 pods in rackwatt/array=a, which is no one rack",
        "workload team/blind: admitted without a topology, so that its racks are not known",
        "workload team/odd: 1 of 3 pods on rack r1 make no whole unit",
        "workload odd: 1 of 3 pods make no whole unit",
        "workload odd: required level my/label",
    }


def as_cluster(problem: Problem, plan: Plan) -> tuple[list[Object], list[Object]]:
    """What a cluster would print that runs the exported plan."""
    files = kueue.export(problem, plan).files
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    nodes = list(yaml.load_all(files["nodes.yaml"], loader))
    rack_of = {n["metadata"]["name"]: n["metadata"]["labels"]["rackwatt/rack"] for n in nodes}
    size = {}
    for rack in problem.site.racks.values():
        size[rack.name.lower()] = problem.site.type_of(rack).gpus_per_node
    for each in nodes:
        gpus = size[rack_of[each["metadata"]["name"]]]
        each["status"] = {"capacity": {GPU: gpus}, "allocatable": {GPU: gpus}}
    names = {name: label for label, name in zip(kueue_names(problem), problem.jobs, strict=True)}
    workloads = []
    for patch in yaml.load_all(files.get("jobs.yaml", ""), loader):
        spec, meta = patch["spec"], patch["metadata"]
        [job] = [name for name, label in names.items() if label == meta["name"]]
        pods_per_unit = spec["parallelism"] // plan.placed_units(job)
        rows = [(rack, units * pods_per_unit) for rack, units in plan.units[job].items()]
        topology = {
            "levels": ["rackwatt/rack"],
            "slices": [
                {
                    "domainCount": len(rows),
                    "valuesPerLevel": [{"roots": [rack.lower() for rack, _ in rows]}],
                    "podCounts": [pods for _, pods in rows],
                }
            ],
        }
        made = workload(meta["name"], spec["parallelism"], 1, topology)
        made["spec"]["podSets"][0]["template"]["spec"] = spec["template"]["spec"]
        workloads.append(made)
    return nodes, workloads


def kueue_names(problem: Problem) -> list[str]:
    from scheduler.exchange.node_names import labels

    found = labels(problem.jobs)
    return [found[name] for name in problem.jobs]


def came_back(tmp_path: Path, problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    nodes, workloads = as_cluster(problem, plan)
    imported = import_kubernetes(
        put(tmp_path, "nodes.json", nodes),
        put(tmp_path, "workloads.json", workloads),
        Choices(problem=problem),
    )
    assert set(imported.files) == {"site.json", "plan.json"}
    assert imported.unmapped == ()
    (tmp_path / "plan.json").write_text(imported.files["plan.json"], encoding="utf-8")
    (tmp_path / "site.json").write_text(imported.files["site.json"], encoding="utf-8")
    return problem, read_plan(tmp_path / "plan.json", problem)


def test_the_plan_that_was_exported_comes_back(tmp_path: Path) -> None:
    problem, plan = small()
    assert came_back(tmp_path, problem, plan) == (problem, plan)
    site = json.loads((tmp_path / "site.json").read_text())
    down = {rack["name"]: rack["down_nodes"] for rack in site["racks"]}
    assert down == {"r1": 0, "r2": 1, "r3": 0, "r4": 0, "r5": 0, "r6": 0}


def test_any_plan_that_can_be_exported_comes_back(tmp_path: Path) -> None:
    taken_back = 0
    for seed in range(60):
        problem = random_problem(seed)
        # Random failure states may name what the random site does not have.
        site = replace(problem.site, failure_kinds=(), failure_sets=())
        workload_alone = replace(problem.workload, contracts={})
        problem = replace(problem, site=site, workload=workload_alone)
        plan = random_plan(problem, Random(seed))
        try:
            kueue.export(problem, plan)
        except ExchangeError:
            continue
        taken_back += 1
        _, again = came_back(tmp_path, problem, plan)
        assert again == plan
    assert taken_back >= 10


def test_nodes_of_ones_own_site_are_found_by_their_hosts(tmp_path: Path) -> None:
    site = build.site([build.rack("r1", hosts=("n1", "n2")), build.rack("r2", hosts=("n3", "n9"))])
    problem = build.problem(site, [build.job("a")])
    path = put(
        tmp_path, "nodes.json", [node("n1", ready=False), node("n2"), node("n3"), node("n5")]
    )
    imported = import_kubernetes(path, None, Choices(problem=problem))
    racks = {rack["name"]: rack for rack in json.loads(imported.files["site.json"])["racks"]}
    assert (racks["r1"]["hosts"], racks["r1"]["down_nodes"]) == (["n2", "n1"], 1)
    assert (racks["r2"]["hosts"], racks["r2"]["down_nodes"]) == (["n3", "n9"], 1)
    assert set(imported.unmapped) == {
        "node n5: not in the site",
        "node n9: not in the cluster, so taken as broken",
    }


def _no_gpu_name(nodes: list[Object], _: list[Object]) -> None:
    del nodes[0]["metadata"]["labels"]["nvidia.com/gpu.product"]


def _twice(nodes: list[Object], _: list[Object]) -> None:
    nodes.append(nodes[0])


def _none(nodes: list[Object], _: list[Object]) -> None:
    nodes.clear()


def _roots(_: list[Object], workloads: list[Object]) -> None:
    part(workloads)["valuesPerLevel"][0]["roots"] = ["1"]


def _counts(_: list[Object], workloads: list[Object]) -> None:
    part(workloads)["podCounts"] = [1, -1]


def _columns(_: list[Object], workloads: list[Object]) -> None:
    part(workloads)["valuesPerLevel"] = []


def _count(_: list[Object], workloads: list[Object]) -> None:
    workloads[0]["spec"]["podSets"][0]["count"] = "many"


def part(workloads: list[Object]) -> Object:
    [assigned] = workloads[0]["status"]["admission"]["podSetAssignments"]
    found: Object = assigned["topologyAssignment"]["slices"][0]
    return found


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (_no_gpu_name, "node n1: GPU without a name: expected a GPU of a built-in rack type"),
        (_twice, "metadata.name: expected each node once, got 'n1'"),
        (_none, "expected nodes with nvidia.com/gpu, got none"),
        (_roots, "valuesPerLevel[0].roots: expected 2 values, one for each domain, got ['1']"),
        (_counts, "podCounts: expected 2 numbers, one for each domain"),
        (_columns, "valuesPerLevel: expected 1 entries for at least one domain, got []"),
        (_count, "items[0].spec.podSets[0].count: expected a number, got 'many'"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, spoil: Callable[[list[Object], list[Object]], None], line: str
) -> None:
    nodes, workloads = cluster(), [workload("train", 2, 8, on_hosts(n1=1, n2=1))]
    spoil(nodes, workloads)
    with pytest.raises(ExchangeError) as error:
        import_kubernetes(put(tmp_path, "nodes.json", nodes), put(tmp_path, "w.json", workloads))
    assert any(line in mistake for mistake in error.value.mistakes), error.value.mistakes


KEYS = ("items", "metadata", "name", "status", "capacity", GPU, "spec", "podSets", "admission")
NOISE = st.recursive(
    st.none() | st.integers(-1, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(deadline=None, max_examples=60)  # files are written and read
@given(NOISE)
def test_noise_is_refused_or_has_no_workload(
    tmp_path_factory: pytest.TempPathFactory, noise: object
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    noisy = folder / "noise.json"
    noisy.write_text(json.dumps(noise), encoding="utf-8")
    with pytest.raises(ExchangeError):
        import_kubernetes(noisy)
    with suppress(ExchangeError):
        import_kubernetes(put(folder, "nodes.json", cluster()), noisy)
