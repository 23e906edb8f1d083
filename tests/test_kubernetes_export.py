"""Plans for Kubernetes: objects that a server takes, and that say what the plan says."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import yaml

from scheduler.exchange.exchanged import ExchangeError, Exported
from scheduler.exchange.kubernetes import kai, kueue, volcano
from scheduler.exchange.kubernetes.cluster import Cluster
from scheduler.exchange.tenant_shares import Share
from scheduler.model import Level, Plan, Problem
from tests import build
from tests.kubernetes_rules import SCHEMAS, broken_rules
from tests.random_problems import random_plan, random_problem

Object = dict[str, Any]
FORMATS = {"kueue": kueue, "kai": kai, "volcano": volcano}


def objects(exported: Exported, *names: str) -> list[Object]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [
        each
        for name, text in exported.files.items()
        if not names or name in names
        for each in yaml.load_all(text, loader)
    ]


def of_kind(found: list[Object], kind: str) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


def small() -> tuple[Problem, Plan]:
    """Six racks of 2 nodes x 8 GPUs in two arrays: a contract, a gang, small jobs that share.

    ``acme`` has array A alone, of which it uses r1. ``t`` trains on r4 and r5. ``lab`` and
    ``class`` share a node of r6. r3 is drained, one node of r2 is broken.
    """
    site = build.site(
        [
            build.rack("r1"),
            build.rack("r2", down_nodes=1),
            build.rack("r3", drained=True),
            *(build.rack(name, array="B") for name in ("r4", "r5", "r6")),
        ]
    )
    tenants = [
        build.tenant("acme", isolation=Level.ARRAY),
        build.tenant("t"),
        build.tenant("lab", isolation=Level.SHARED_HOST),
        build.tenant("class", isolation=Level.SHARED_HOST),
        build.tenant("later"),
    ]
    jobs = [
        build.job("train", units=4, required=Level.ARRAY, preferred=Level.RACK),
        build.job("wide", units=1, gpus_per_unit=16),
        build.job("note", tenant="lab", gpus_per_unit=2),
        build.job("course", tenant="class", units=3, min_units=1, gpus_per_unit=1),
        build.job("inside", tenant="acme"),
        build.job("waits", tenant="later", units=100),
    ]
    contracts = [build.contract("acme-deal", tenant="acme", units=2)]
    problem = build.problem(site, jobs, tenants, contracts)
    plan = Plan(
        {
            "acme-deal": {"r1": 2},
            "inside": {"r1": 1},
            "train": {"r4": 2, "r5": 2},
            "note": {"r6": 1},
            "course": {"r6": 3},
        }
    )
    return problem, plan


@pytest.mark.parametrize("form", FORMATS)
def test_a_plan_becomes_objects_that_break_no_rule(form: str) -> None:
    assert broken_rules(objects(FORMATS[form].export(*small()))) == []


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the published definitions are not here")
def test_the_published_definitions_are_looked_at() -> None:
    wrong = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ClusterQueue",
        "metadata": {"name": "a"},
        "spec": {"cohort": "b"},  # the name of the field in v1beta1
    }
    assert any("published schema" in line and "cohort" in line for line in broken_rules([wrong]))


@pytest.mark.parametrize("form", FORMATS)
def test_any_plan_is_refused_or_becomes_sound_objects(form: str) -> None:
    taken = 0
    for seed in range(60):
        problem = random_problem(seed)
        plan = random_plan(problem, Random(seed))
        try:
            exported = FORMATS[form].export(problem, plan)
        except ExchangeError:
            continue
        taken += 1
        found = objects(exported)
        assert broken_rules(found) == []
        assert len(of_kind(found, "Node")) == sum(
            problem.site.type_of(rack).nodes for rack in problem.site.racks.values()
        )
        assert FORMATS[form].export(problem, plan) == exported
    assert taken >= 10


def test_nodes_say_where_they_are_whose_they_are_and_what_they_are_for() -> None:
    nodes = of_kind(objects(kueue.export(*small()), "nodes.yaml"), "Node")
    assert len(nodes) == 12
    labels = {name: node["metadata"]["labels"] for name, node in nodes.items()}
    assert labels["r1-n01"] == {
        "kubernetes.io/hostname": "r1-n01",
        "rackwatt/hall": "h",
        "rackwatt/pod": "p",
        "rackwatt/array": "a",
        "rackwatt/rack": "r1",
        "rackwatt/gpu": "h100",
        "rackwatt/role": "planned",
        "rackwatt/pool": "acme-h100",
        "rackwatt/tenant": "acme",
    }
    roles = {name: each["rackwatt/role"] for name, each in labels.items()}
    assert Counter(roles.values()) == {"planned": 7, "idle": 2, "drained": 2, "broken": 1}
    assert roles["r2-n02"] == "broken"
    assert roles["r3-n01"] == "drained"  # kept, and kept free
    taints = {
        name: [(t["key"], t["value"]) for t in node.get("spec", {}).get("taints", ())]
        for name, node in nodes.items()
    }
    acme, idle = ("rackwatt/tenant", "acme"), ("rackwatt/role", "idle")
    assert taints["r1-n01"] == [acme]
    assert taints["r2-n01"] == [acme, idle]  # in the array that is acme's alone
    assert taints["r6-n01"] == []  # shared by two tenants
    assert taints["r6-n02"] == [idle]
    assert {t["effect"] for n in nodes.values() for t in n.get("spec", {}).get("taints", ())} == {
        "NoSchedule"
    }


def test_kueue_quotas_are_what_is_planned() -> None:
    found = objects(kueue.export(*small()), "kueue.yaml")
    queues = of_kind(found, "ClusterQueue")
    quotas = {
        name: [
            (flavor["name"], flavor["resources"][0])
            for group in queue["spec"].get("resourceGroups", ())
            for flavor in group["flavors"]
        ]
        for name, queue in queues.items()
    }
    gpu = {"name": "nvidia.com/gpu"}
    alone = {"borrowingLimit": 0, "lendingLimit": 0}
    assert quotas == {
        "acme": [("acme-h100", {**gpu, "nominalQuota": 16, **alone})],  # `inside` adds nothing
        "t": [("t-h100", {**gpu, "nominalQuota": 32, **alone})],
        "lab": [("shared-h100", {**gpu, "nominalQuota": 2})],
        "class": [("shared-h100", {**gpu, "nominalQuota": 3})],
        "later": [],
    }
    assert queues["later"]["spec"]["stopPolicy"] == "Hold"
    assert set(of_kind(found, "ResourceFlavor")) == {"acme-h100", "t-h100", "shared-h100"}
    local = [each for each in found if each["kind"] == "LocalQueue"]
    assert {each["metadata"]["namespace"]: each["spec"]["clusterQueue"] for each in local} == {
        name: name for name in queues
    }


def job_patches(module: Any) -> dict[str, Object]:
    return of_kind(objects(module.export(*small()), "jobs.yaml"), "Job")


def test_kueue_jobs_are_bound_to_the_planned_racks() -> None:
    jobs = job_patches(kueue)
    assert set(jobs) == {"train", "note", "course", "inside"}
    train = jobs["train"]
    assert train["metadata"]["namespace"] == "t"
    assert train["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "planned"}
    assert train["spec"]["parallelism"] == train["spec"]["completions"] == 4
    template = train["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "kueue.x-k8s.io/podset-required-topology": "rackwatt/array"
    }
    text = json.dumps(template["spec"]["affinity"])
    assert '{"key": "rackwatt/rack", "operator": "In", "values": ["r4", "r5"]}' in text
    limits = template["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"nvidia.com/gpu": 8}
    assert template["spec"]["tolerations"][0]["value"] == "t"
    assert "tolerations" not in jobs["note"]["spec"]["template"]["spec"]
    assert jobs["inside"]["spec"]["template"]["spec"]["tolerations"][0]["value"] == "acme"


def test_a_unit_of_several_nodes_is_a_slice_in_one_rack() -> None:
    jobs = [build.job("wide", units=2, gpus_per_unit=16)]
    problem, plan = build.problem(jobs=jobs), Plan({"wide": {"r1": 1, "r2": 1}})
    [patch] = of_kind(objects(kueue.export(problem, plan)), "Job").values()
    assert patch["spec"]["parallelism"] == 4
    notes = patch["spec"]["template"]["metadata"]["annotations"]
    assert notes == {
        "kueue.x-k8s.io/podset-preferred-topology": "rackwatt/hall",
        "kueue.x-k8s.io/podset-slice-required-topology": "rackwatt/rack",
        "kueue.x-k8s.io/podset-slice-size": "2",
    }
    [patch] = of_kind(objects(kai.export(problem, plan)), "Job").values()
    assert patch["metadata"]["annotations"] == {
        "kai.scheduler/topology": "test",
        "kai.scheduler/segment-size": "2",
        "kai.scheduler/segment-topology-required-placement": "rackwatt/rack",
    }


def test_what_cannot_be_said_is_told() -> None:
    notes = "\n".join(kueue.export(*small()).notes)
    assert "not placed, so without a patch: wide, waits" in notes
    assert "the preferred one left out: train" in notes


def test_kai_queues_are_leaves_of_one_parent() -> None:
    queues = of_kind(objects(kai.export(*small()), "kai.yaml"), "Queue")
    assert "parentQueue" not in queues["test"]["spec"]
    gpus = {name: each["spec"]["resources"]["gpu"] for name, each in queues.items()}
    assert gpus["test"]["quota"] == 53
    assert gpus["acme"] == {"quota": 16, "overQuotaWeight": 0, "limit": 16}
    assert gpus["lab"] == {"quota": 2, "overQuotaWeight": 1, "limit": 5}  # what class leaves
    assert {each["spec"].get("parentQueue") for each in queues.values()} == {None, "test"}
    [train] = [job for name, job in job_patches(kai).items() if name == "train"]
    assert train["spec"]["template"]["spec"]["schedulerName"] == "kai-scheduler"
    assert train["spec"]["template"]["metadata"]["labels"] == {"kai.scheduler/queue": "t"}
    assert train["metadata"]["annotations"] == {
        "kai.scheduler/topology": "test",
        "kai.scheduler/topology-required-placement": "rackwatt/array",
        "kai.scheduler/topology-preferred-placement": "rackwatt/rack",
    }


def hypernode_nodes(found: list[Object]) -> dict[str, list[str]]:
    """Hosts below every HyperNode, counted as often as they are reached."""
    hyper, nodes = of_kind(found, "HyperNode"), of_kind(found, "Node")

    def below(name: str) -> list[str]:
        hosts = []
        for member in hyper[name]["spec"]["members"]:
            if member["type"] == "HyperNode":
                hosts += below(member["selector"]["exactMatch"]["name"])
            else:
                wanted = member["selector"]["labelMatch"]["matchLabels"].items()
                hosts += [n for n, o in nodes.items() if wanted <= o["metadata"]["labels"].items()]
        return hosts

    return {name: below(name) for name in hyper}


def test_every_node_is_in_one_hypernode_of_each_tier() -> None:
    found = objects(volcano.export(*small()))
    hosts = hypernode_nodes(found)
    tiers = {name: each["spec"]["tier"] for name, each in of_kind(found, "HyperNode").items()}
    for tier in range(1, 6):
        of_tier = [host for name, each in hosts.items() if tiers[name] == tier for host in each]
        assert sorted(of_tier) == sorted(of_kind(found, "Node"))
    assert sorted(hosts["array-b"]) == [f"r{r}-n0{n}" for r in (4, 5, 6) for n in (1, 2)]


def test_separate_fabrics_have_no_hypernode_in_common() -> None:
    problem, plan = small()
    fabric = replace(problem.site.fabric, joins=Level.ARRAY)
    apart = replace(problem, site=replace(problem.site, fabric=fabric))
    exported = volcano.export(apart, plan)
    hosts = hypernode_nodes(objects(exported))
    assert {name for name in hosts if not name.startswith("rack-")} == {"array-a", "array-b"}
    assert not set(hosts["array-a"]) & set(hosts["array-b"])
    assert any("2 fabrics" in note for note in exported.notes)


def test_a_gang_stays_in_one_of_several_fabrics() -> None:
    problem, plan = small()
    free = replace(problem.workload.jobs["train"], required=None, preferred=None)
    jobs = {**problem.workload.jobs, "train": free}
    fabric = replace(problem.site.fabric, joins=Level.ARRAY)
    apart = replace(
        problem,
        site=replace(problem.site, fabric=fabric),
        workload=replace(problem.workload, jobs=jobs),
    )
    key = "kueue.x-k8s.io/podset-required-topology"
    train = of_kind(objects(kueue.export(apart, plan)), "Job")["train"]
    assert train["spec"]["template"]["metadata"]["annotations"] == {key: "rackwatt/array"}
    over = Plan({"train": {"r4": 2, "r1": 2}})
    exported = kueue.export(apart, over)
    train = of_kind(objects(exported), "Job")["train"]
    assert key not in train["spec"]["template"]["metadata"]["annotations"]
    assert "planned over fabrics that are not joined: train" in exported.notes


def test_quotas_above_what_the_nodes_have_are_a_mistake() -> None:
    cluster = Cluster(*small())
    too_much = Share(tenant="t", own_nodes=True, gpus={"h100": 33})
    shared = [Share(tenant=t, own_nodes=False, gpus={"h100": 5}) for t in ("lab", "class")]
    assert list(kueue.quota_mistakes(cluster, (too_much, *shared))) == [
        "pool t h100: expected quotas of at most 32 GPUs, got 33 GPUs",
        "pool shared h100: expected quotas of at most 8 GPUs, got 10 GPUs",
    ]


def test_volcano_guarantees_what_a_tenant_has_alone() -> None:
    queues = of_kind(objects(volcano.export(*small()), "volcano.yaml"), "Queue")
    acme, gpu = queues["acme"]["spec"], "nvidia.com/gpu"
    assert acme["guarantee"]["resource"] == acme["deserved"] == acme["capability"] == {gpu: 16}
    assert acme["reclaimable"] is False
    lab = queues["lab"]["spec"]
    assert (lab["deserved"], lab["capability"]) == ({gpu: 2}, {gpu: 5})
    assert "guarantee" not in lab
    nodes = of_kind(objects(volcano.export(*small()), "nodes.yaml"), "Node")
    assert nodes["r1-n01"]["metadata"]["labels"]["volcano.sh/nodegroup-name"] == "acme"


def test_a_tenant_with_the_name_of_volcanos_own_queue_is_refused() -> None:
    problem = build.problem(
        tenants=[build.tenant("default")], jobs=[build.job("a", tenant="default")]
    )
    with pytest.raises(ExchangeError, match="no name of Volcano's own queues"):
        volcano.export(problem, Plan({}))


def test_names_that_look_alike_stay_apart() -> None:
    tenants = [build.tenant(name) for name in ("A.b", "a-b", "shared")]
    shared = [replace(t, isolation=Level.SHARED_HOST) for t in tenants[:2]]
    jobs = [build.job(f"j{n}", tenant=t.name, gpus_per_unit=4) for n, t in enumerate(tenants)]
    problem = build.problem(jobs=jobs, tenants=[*shared, tenants[2]])
    plan = Plan({"j0": {"r1": 1}, "j1": {"r1": 1}, "j2": {"r2": 1}})
    found = objects(kueue.export(problem, plan), "kueue.yaml")
    assert broken_rules(found) == []
    assert len(of_kind(found, "ClusterQueue")) == 3
    assert len(of_kind(found, "ResourceFlavor")) == 2


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan({"a": {"r1": 3}}), "rack r1: expected work for 2 nodes, got more"),
        (Plan({"a": {"r1": 1}, "b": {"r1": 1}}), "rack r1: expected b alone, got t"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: Plan, line: str) -> None:
    jobs = [build.job("a", units=3, min_units=1), build.job("b", tenant="b")]
    problem = build.problem(
        jobs=jobs, tenants=[build.tenant(), build.tenant("b", isolation=Level.RACK)]
    )
    for module in FORMATS.values():
        with pytest.raises(ExchangeError) as error:
            module.export(problem, plan)
        assert line in error.value.mistakes


def test_a_host_name_that_kubernetes_does_not_take_is_refused() -> None:
    problem = build.problem(
        build.site([build.rack("r1", hosts=("GPU1", "gpu2"))]), [build.job("a")]
    )
    with pytest.raises(ExchangeError, match="node GPU1: expected a DNS name"):
        kueue.export(problem, Plan({}))
