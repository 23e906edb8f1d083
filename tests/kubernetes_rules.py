"""What Kubernetes, Kueue, KAI and Volcano ask of objects: the project's own small copy.

`broken_rules` names everything that an API server would refuse. Where the published custom
resource definitions are present, their schemas are used as well, made strict: a field that they
do not know is a mistake, because a server would drop it in silence.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SCHEMAS = Path(__file__).resolve().parents[2] / "shared" / "data" / "schemas"

Object = dict[str, Any]
Validator: Any = importlib.import_module("jsonschema").Draft202012Validator

LABEL = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
DNS = {
    "type": "string",
    "maxLength": 253,
    "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
COUNT = {"type": "integer", "minimum": 0}
ONE_LABEL = {"type": "string", "maxLength": 63, "pattern": LABEL}
LABELS = {
    "type": "object",
    "propertyNames": {"pattern": KEY, "maxLength": 317},
    "additionalProperties": ONE_LABEL,
}
EFFECT = {"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]}
NO_TOPOLOGY = {"enum": ["Never", "Any", "LowerPriority"]}


def record(required: str = "", **properties: Any) -> Object:
    """A mapping with these fields and no others."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def some(items: Any, least: int = 1, most: int = 10**9) -> Object:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def map_of(value: Any) -> Object:
    return {"type": "object", "additionalProperties": value}


LEVELS = record(
    "levels", levels=some(record("nodeLabel", nodeLabel={"type": "string", "pattern": KEY}), 1, 16)
)
TAINTS = some(record("key effect", key={"type": "string"}, value=ONE_LABEL, effect=EFFECT), 0, 8)
TOLERATION = record(
    "",
    key={"type": "string"},
    value=ONE_LABEL,
    effect=EFFECT,
    operator={"enum": ["Equal", "Exists"]},
)
QUOTA = record(
    "name nominalQuota",
    name={"type": "string"},
    nominalQuota=COUNT,
    borrowingLimit=COUNT,
    lendingLimit=COUNT,
)
GROUPS = some(
    record(
        "coveredResources flavors",
        coveredResources=some({"type": "string"}, 1, 64),
        flavors=some(record("name resources", name=DNS, resources=some(QUOTA, 1, 64)), 1, 64),
    ),
    0,
    16,
)
AMOUNT = record(
    "", quota={"type": "number"}, limit={"type": "number"}, overQuotaWeight={"type": "number"}
)
GPUS = map_of(COUNT)
GROUP = record("", requiredDuringSchedulingIgnoredDuringExecution=some({"type": "string"}))

SPECS: dict[tuple[str, str], Object] = {
    ("v1", "Node"): record("", taints=TAINTS),
    ("kueue.x-k8s.io/v1beta2", "Topology"): LEVELS,
    ("kueue.x-k8s.io/v1beta2", "ResourceFlavor"): record(
        "",
        nodeLabels={**LABELS, "maxProperties": 8},
        nodeTaints=TAINTS,
        tolerations=some(TOLERATION, 0, 8),
        topologyName=DNS,
    ),
    ("kueue.x-k8s.io/v1beta2", "Cohort"): record("", parentName=DNS, resourceGroups=GROUPS),
    ("kueue.x-k8s.io/v1beta2", "ClusterQueue"): record(
        "",
        cohortName=DNS,
        namespaceSelector=record("", matchLabels=LABELS),
        queueingStrategy={"enum": ["StrictFIFO", "BestEffortFIFO"]},
        preemption=record(
            "",
            reclaimWithinCohort=NO_TOPOLOGY,
            withinClusterQueue={"enum": ["Never", "LowerPriority", "LowerOrNewerEqualPriority"]},
        ),
        resourceGroups=GROUPS,
        stopPolicy={"enum": ["None", "Hold", "HoldAndDrain"]},
    ),
    ("kueue.x-k8s.io/v1beta2", "LocalQueue"): record("", clusterQueue=DNS),
    ("kai.scheduler/v1alpha1", "Topology"): LEVELS,
    ("scheduling.run.ai/v2", "Queue"): record(
        "",
        parentQueue={"type": "string"},
        resources=record("", cpu=AMOUNT, gpu=AMOUNT, memory=AMOUNT),
    ),
    ("topology.volcano.sh/v1alpha1", "HyperNode"): record(
        "tier",
        tier=COUNT,
        tierName={"type": "string", "maxLength": 253},
        members=some(
            record(
                "type selector",
                type={"enum": ["Node", "HyperNode"]},
                selector=record(
                    "",
                    exactMatch=record("name", name=DNS),
                    labelMatch=record("matchLabels", matchLabels=LABELS),
                ),
            )
        ),
    ),
    ("scheduling.volcano.sh/v1beta1", "Queue"): record(
        "",
        weight={"type": "integer", "minimum": 1, "maximum": 65535},
        reclaimable={"type": "boolean"},
        deserved=GPUS,
        capability=GPUS,
        guarantee=record("resource", resource=GPUS),
        affinity=record("", nodeGroupAffinity=GROUP),
    ),
    ("batch/v1", "Job"): {"type": "object"},
}
PUBLISHED = {
    "kueue.x-k8s.io": "kueue",
    "kai.scheduler": "kai",
    "scheduling.run.ai": "kai",
    "topology.volcano.sh": "volcano",
    "scheduling.volcano.sh": "volcano",
}


def broken_rules(objects: list[Object]) -> list[str]:
    """Every rule that one of the objects, or all of them together, break."""
    found = [line for each in objects for line in _broken(each)]
    seen: set[tuple[str, str, str]] = set()
    for each in objects:
        meta = each["metadata"]
        key = (each["apiVersion"] + each["kind"], meta.get("namespace", ""), meta["name"])
        if key in seen:
            found.append(f"{key} twice")
        seen.add(key)
    return found


def _broken(each: Object) -> Iterator[str]:
    kind = (each["apiVersion"], each["kind"])
    where = f"{each['kind']} {each['metadata']['name']}"
    whole = record(
        "apiVersion kind metadata",
        apiVersion={},
        kind={},
        metadata=record(
            "name", name=DNS, namespace=ONE_LABEL, labels=LABELS, annotations=map_of({})
        ),
        spec=SPECS[kind],
    )
    for error in Validator(whole).iter_errors(each):
        yield f"{where}: {error.json_path}: {error.message}"
    published = _published(*kind)
    if published is not None:
        for error in Validator(published).iter_errors(each):
            yield f"{where}: published schema: {error.json_path}: {error.message}"
    for name, rule in RULES.items():
        if not rule(kind, each.get("spec", {})):
            yield f"{where}: {name}"


@cache
def _published(api: str, kind: str) -> Object | None:
    """The published schema of a kind, strict; None if it is not here or not a custom resource."""
    group, _, version = api.rpartition("/")
    folder = SCHEMAS / PUBLISHED.get(group, "none")
    for path in sorted(folder.glob("*.yaml")):
        definition = yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        names = definition["spec"]["names"]
        if definition["spec"]["group"] == group and names["kind"] == kind:
            for each in definition["spec"]["versions"]:
                if each["name"] == version:
                    schema: Object = each["schema"]["openAPIV3Schema"]
                    _strict(schema)
                    return schema
            raise AssertionError(f"{path}: no version {version}")
    assert not folder.is_dir(), f"no published schema of {api} {kind}"
    return None


def _strict(schema: Any) -> None:
    """Refuse every field that a schema does not name."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            _strict(value)
    elif isinstance(schema, list):
        for value in schema:
            _strict(value)


def _levels(_kind: tuple[str, str], spec: Object) -> bool:
    labels = [each["nodeLabel"] for each in spec.get("levels", [])]
    return len(set(labels)) == len(labels) and "kubernetes.io/hostname" not in labels[:-1]


def _labelled(_kind: tuple[str, str], spec: Object) -> bool:
    return "topologyName" not in spec or bool(spec.get("nodeLabels"))


def _tolerations(_kind: tuple[str, str], spec: Object) -> bool:
    return all(
        (each.get("key") or each.get("operator") == "Exists")
        and not (each.get("operator") == "Exists" and "value" in each)
        for each in spec.get("tolerations", [])
    )


def _covered(_kind: tuple[str, str], spec: Object) -> bool:
    return all(
        [quota["name"] for quota in flavor["resources"]] == group["coveredResources"]
        for group in spec.get("resourceGroups", [])
        for flavor in group["flavors"]
    )


def _cohort(kind: tuple[str, str], spec: Object) -> bool:
    limits = [
        quota
        for group in spec.get("resourceGroups", [])
        for flavor in group["flavors"]
        for quota in flavor["resources"]
        if "borrowingLimit" in quota
    ]
    return kind[1] != "ClusterQueue" or "cohortName" in spec or not limits


def _selectors(_kind: tuple[str, str], spec: Object) -> bool:
    members = spec.get("members", [])
    return all(len(each["selector"]) == 1 for each in members)


def _amounts(_kind: tuple[str, str], spec: Object) -> bool:
    """Volcano: guarantee <= deserved <= capability."""
    if "deserved" not in spec:
        return True
    guarantee = spec.get("guarantee", {}).get("resource", {})
    return all(
        guarantee.get(key, 0) <= amount <= spec["capability"][key]
        for key, amount in spec["deserved"].items()
    )


RULES = {
    "levels are unique, and the host is the last": _levels,
    "a flavor with a topology has a label": _labelled,
    "a toleration of everything says so, and has no value": _tolerations,
    "a flavor has the resources that are covered": _covered,
    "only a queue of a cohort borrows": _cohort,
    "a member is selected in one way": _selectors,
    "guarantee <= deserved <= capability": _amounts,
}
