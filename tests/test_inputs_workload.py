"""The workload file and its tables: defaults, units, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduler.inputs import InputError, json_schema, read_problem, site_document
from scheduler.inputs.profiles import BUILT_IN, CAP_FLOOR_PERMILLE
from scheduler.model import Conflict, Level, Problem, Sla
from scheduler.model.units import ceil_div
from tests import build

NVL = build.rack_type(
    "nvl", gpu_type="gb200", nodes=18, gpus_per_node=4, nvlink_domain=Level.RACK, idle_w=1_000
)


def site_file(folder: Path) -> Path:
    """Two H100 racks (2 x 8 GPUs, 16 kW) and one NVL72 rack (18 x 4 GPUs, 16 kW)."""
    racks = [build.rack("r1"), build.rack("r2"), build.rack("n1", type="nvl")]
    types = {"hgx": build.rack_type(), "nvl": NVL}
    site = build.site(racks, rack_types=types, failure_kinds=("ups", "cdu"))
    path = folder / "site.json"
    path.write_text(json.dumps(site_document(site)))
    return path


def read(folder: Path, text: str) -> Problem:
    """Read `text` as the workload."""
    path = folder / "workload.yaml"
    path.write_text(text)
    return read_problem(site_file(folder), path)


def said(folder: Path, text: str) -> str:
    """Return the mistakes of `text`, without the folder."""
    with pytest.raises(InputError) as error:
        read(folder, text)
    return str(error.value).replace(f"{folder}/", "")


TENANTS = "tenants:\n  - {name: t}\n  - {name: x, kind: external}\n"


def test_defaults(tmp_path: Path) -> None:
    text = f"{TENANTS}jobs:\n  - {{name: a, tenant: t, gpus: 20}}\n"
    workload = read(tmp_path, text).workload
    job = workload.jobs["a"]
    assert (job.units, job.gpus_per_unit, job.min_units) == (3, 8, 3)  # ceil(20 / 8), a gang
    assert job.gpu_types == ("h100", "gb200")
    assert (job.profile, job.power_action, job.value_mills_per_gpu_h) == ("batch", "shed", 0)
    assert job.source == "workload.yaml:5"
    assert workload.tenants["t"].isolation == Level.HOST
    assert workload.profiles.keys() == BUILT_IN.keys()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("gpus: 4", (1, 4, 1)),  # smaller than a node: one unit
        ("gpus: 20, gpu_types: [GB200]", (5, 4, 5)),  # nodes of 4
        ("units: 3, gpus_per_unit: 2", (3, 2, 3)),
        ("units: 3", (3, 8, 3)),
        ("units: 3, gang: false", (3, 8, 1)),
        ("units: 3, gang: no", (3, 8, 1)),
        ("units: 3, min_units: 2", (3, 8, 2)),
        ("units: 3, gang: true, min_units: 3", (3, 8, 3)),
        # 72 GPUs are one NVLink domain of the NVL72 rack; 80 are none, and 16 are none of h100
        ("units: 9, topology: {required: nvlink}", (1, 72, 1)),
        ("units: 10, topology: {required: nvlink}", (10, 8, 10)),
        ("units: 2, gpu_types: [h100], topology: {required: nvlink}", (2, 8, 2)),
        ("units: 9, gang: false, topology: {required: nvlink}", (9, 8, 1)),
    ],
)
def test_sizes(tmp_path: Path, entry: str, expected: tuple[int, int, int]) -> None:
    workload = read(tmp_path, f"{TENANTS}jobs:\n  - {{name: a, tenant: t, {entry}}}\n").workload
    job = workload.jobs["a"]
    assert (job.units, job.gpus_per_unit, job.min_units) == expected


@pytest.mark.parametrize(
    ("tenant", "power", "expected"),
    [
        ("t", "training-sync", "shed"),
        ("t", "batch", "shed"),
        ("t", "inference-prefill", "cap"),
        ("t", "inference-decode", "cap"),
        ("t", "opaque", "firm"),
        ("t", "mine", "cap"),
        ("t", "batch, power_action: firm", "firm"),
        ("x", "batch", "firm"),
        ("x", "batch, power_action: shed", "shed"),
    ],
)
def test_power_action(tmp_path: Path, tenant: str, power: str, expected: str) -> None:
    profile = "profiles:\n  - {name: mine, mean: 1 %, peak: 2.05 %, cap: 1 %, power_action: cap}\n"
    job = f"jobs:\n  - {{name: a, tenant: {tenant}, units: 1, power: {power}}}\n"
    workload = read(tmp_path, TENANTS + profile + job).workload
    assert workload.jobs["a"].power_action == expected
    assert workload.profiles["mine"].peak_permille == 21  # 20.5 rounded up


def test_job_in_full(tmp_path: Path) -> None:
    text = f"""{TENANTS}
jobs:
  - name: a
    tenant: t
    units: 2
    topology: {{required: pod, preferred: array, slowdown: 2 %}}
    spread: {{level: array, max_units: 4}}
    within: [H]
    priority: -3
    duration_h: 1.5
    value_usd_per_gpu_h: 1.9999
"""
    job = read(tmp_path, text).workload.jobs["a"]
    assert (job.required, job.preferred, job.slowdown_permille) == (Level.POD, Level.ARRAY, 20)
    assert (job.spread_level, job.spread_max_units, job.within) == (Level.ARRAY, 4, ("H",))
    assert (job.priority, job.duration_h) == (-3, 2)  # hours: a demand, up
    assert job.value_mills_per_gpu_h == 1999  # worth: down


def test_contracts(tmp_path: Path) -> None:
    text = """
tenants:
  - {name: x, kind: external, isolation: array, conflicts: [y, {tenant: z, level: hall}]}
  - {name: y}
  - {name: z}
contracts:
  - {tenant: x, gpus: 17, gpu_types: [H100, b200], price_usd_per_gpu_h: 2.35, firm: false,
     sla: {survives: [ups, cdu], spare_nodes: 2.55 %, credits: standard}, notice_days: 90}
  - {tenant: x, mw: 0.02, price_usd_per_gpu_h: -0.0001, topology: {required: pod}}
  - {name: own, tenant: y, units: 2, gpus_per_unit: 4, price_usd_per_gpu_h: 1,
     sla: {credits: [{uptime_below: 99.95 %, credit: 10 %}]}, power_action: cap}
"""
    workload = read(tmp_path, text).workload
    assert list(workload.contracts) == ["x-contract", "x-contract-2", "own"]
    first, second, own = workload.contracts.values()
    assert (first.units, first.gpus_per_unit) == (3, 8)  # ceil(17 / 8)
    assert first.gpu_types == ("h100",)  # b200 is known, but not on this site
    assert (first.firm, first.profile, first.power_action) == (False, "opaque", "firm")
    tiers = ((995, 100), (990, 250), (950, 1000))
    assert first.sla == Sla(survives=("ups", "cdu"), spare_permille=26, credit_tiers=tiers)
    # 20 kW at peak: h100 16 kW / 16 GPUs -> 20; gb200 16 kW / 72 -> 90; the fewer are promised
    assert (second.units, second.gpus_per_unit) == (3, 8)  # ceil(20 / 8)
    assert (second.price_mills_per_gpu_h, second.required) == (-1, Level.POD)
    assert (own.units, own.gpus_per_unit, own.power_action) == (2, 4, "cap")
    assert own.sla.credit_tiers == ((1000, 100),)
    assert workload.tenants["x"].conflicts == (
        Conflict(tenant="y", level=Level.RACK),
        Conflict(tenant="z", level=Level.HALL),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "workload.yaml:1: file: expected a mapping"),
        ("- a\n", "expected a mapping (lines of `name: value`), got ['a']"),
        ("job: []\n", "expected one of contracts, jobs, name, profiles, tenants, got 'job'"),
        ("jobs:\n - 5\n", "workload.yaml:2: jobs[0]: expected a mapping"),
        ("jobs:\n - {name: a, tenant: t, units: 0}\n", "jobs[0].units: expected >= 1, got 0"),
        ("jobs:\n - {name: a, tenant: t, units: 1e300}\n", "workload.yaml:2: jobs[0].units"),
        ("jobs:\n - {name: a, tenant: t, units: nan}\n", "a finite number, got 'nan'"),
        ("jobs:\n - {name: a, tenant: t, units: true}\n", "a number, got true"),
        ("jobs:\n - {name: a, tenant: t}\n", "exactly one of units or gpus"),
        ("jobs:\n - {name: a, tenant: t, units: 1, gpus: 8}\n", "exactly one of units or gpus"),
        ("jobs:\n - {tenant: t, units: 1}\n", "jobs[0].name: expected a value, got nothing"),
        ("jobs:\n - {name: a, tenant: t, units: 1, gang: maybe}\n", "true or false, got 'maybe'"),
        (
            "jobs:\n - {name: a, tenant: t, units: 2, gang: true, min_units: 1}\n",
            "because the job is a gang",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 2, min_units: 3}\n" + TENANTS,
            "jobs.a.min_units: expected 1 to 2 units, got 3",
        ),
        (
            "jobs:\n - {name: a, tenant: s, units: 2}\n" + TENANTS,
            "workload.yaml:2: jobs.a.tenant: expected one of t, x, got 's'",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 2, power: bach}\n" + TENANTS,
            "got 'bach' (hint: did you mean batch?)",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 2, gpu_types: [b200]}\n" + TENANTS,
            "expected one of h100, gb200, got 'b200'",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 2, gpu_types: [h100, h999]}\n" + TENANTS,
            "got 'h999'",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 1, gpus_per_unit: 73}\n" + TENANTS,
            "<= 72 GPUs, what a rack has, got 73 GPUs",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 1}\n - {name: a, tenant: t, units: 1}\n",
            "workload.yaml:3: jobs[1].name: expected a name that no other has, got 'a'",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 1, value_usd_per_gpu_h: 2e6}\n",
            "expected <= 1000000 $/GPU-h, got 2000000.0 $/GPU-h",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 1, topology: {slowdown: 0.02}}\n",
            "such as 2 %, got 0.02",
        ),
        (
            "jobs:\n - {name: a, tenant: t, units: 1, topology: {required: host}}\n",
            "one of nvlink, rack, array, pod, hall, site, got 'host'",
        ),
        (
            "contracts:\n - {tenant: t, mw: 1, gpus: 8, price_usd_per_gpu_h: 1}\n",
            "exactly one of units, gpus or mw",
        ),
        (
            "contracts:\n - {tenant: t, mw: 1e-6, price_usd_per_gpu_h: 1}\n" + TENANTS,
            "contracts[0].mw: expected enough megawatts for one GPU",
        ),
        (
            "tenants:\n - {name: a, conflicts: [{tenant: b, levl: rack}]}\n",
            "tenants[0].conflicts[0].levl: expected one of level, tenant",
        ),
        ("tenants:\n - {name: a, conflicts: [b]}\n", "tenants.a.conflicts: expected one of a"),
        ("jobs: ../jobs.csv\n", "the name of a .csv file in the same folder"),
        ("jobs: none.csv\n", "none.csv:1: file: expected a file that can be read"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert words in said(tmp_path, text)


TABLE = """\
name;tenant;units;gang;gpu_types;required;spread_level;spread_max_units;value_usd_per_gpu_h
a; t ;3;no;"h100;gb200";pod;;;1.5

b;t;1;;;;rack;2;
"""


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_jobs_from_a_table_beside_the_file(tmp_path: Path, delimiter: str, mark: str) -> None:
    table = TABLE.replace('"h100;gb200"', "LIST").replace(";", delimiter)
    (tmp_path / "jobs.csv").write_text(mark + table.replace("LIST", '"h100;gb200"'), "utf-8")
    jobs = read(tmp_path, f"{TENANTS}jobs: jobs.csv\n").workload.jobs
    assert jobs["a"].gpu_types == ("h100", "gb200")
    assert (jobs["a"].units, jobs["a"].min_units, jobs["a"].tenant) == (3, 1, "t")
    assert (jobs["a"].required, jobs["a"].value_mills_per_gpu_h) == (Level.POD, 1500)
    assert (jobs["b"].spread_level, jobs["b"].spread_max_units) == (Level.RACK, 2)
    assert (jobs["a"].source, jobs["b"].source) == ("jobs.csv:2", "jobs.csv:4")


def test_a_folder_of_tables(tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text("name,tenant,gpus\na,t,8\n")
    (tmp_path / "tenants.csv").write_text("name,kind,conflicts\nt,,u\nu,external,\n")
    (tmp_path / "contracts.csv").write_text(
        "tenant,gpus,price_usd_per_gpu_h,survives,spare_nodes\nu,8,2,ups;cdu,2 %\n"
    )
    (tmp_path / "profiles.csv").write_text("name,mean,peak,cap\np,10 %,20 %,5 %\n")
    workload = read_problem(site_file(tmp_path), tmp_path).workload
    assert workload.contracts["u-contract"].sla.survives == ("ups", "cdu")
    assert workload.tenants["t"].conflicts == (Conflict(tenant="u", level=Level.RACK),)
    assert workload.profiles["p"].peak_permille == 200
    assert workload.jobs["a"].gpus == 8


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "jobs.csv:1: header: expected a line with the names of columns"),
        ("name,units\n", "jobs.csv:1: header: expected a column tenant, got none"),
        ("name,tenant,unit\n", "got 'unit' (hint: did you mean units?)"),
        ("name,tenant,name\n", "each column once, got 'name'"),
        ("name,tenant,units\na,t\n", "jobs.csv:2: row: expected 3 cells as in the header, got 2"),
        ("name,tenant,units\na,t,1,9\n", "got 4 cells"),
        ('name,tenant,units\n"a,t,1\n', "valid CSV"),
        ("name,tenant,units\na,t,1\n\na,t,x\n", "jobs.csv:4: jobs[1].units: expected a whole"),
        ("name,tenant,units\na,s,1\n", "jobs.csv:2: jobs.a.tenant: expected one of t, x"),
        ("name,tenant,units\n" + "x" * 200_000 + ",t,1\n", "valid CSV"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, table: str, words: str) -> None:
    (tmp_path / "jobs.csv").write_text(table)
    assert words in said(tmp_path, f"{TENANTS}jobs: jobs.csv\n")


def test_cap_floor_is_derived() -> None:
    # (5600 - 1900) / (8400 - 1900) = 3700 / 6500 = 0.56923
    assert ceil_div(1000 * (5600 - 1900), 8_400 - 1900) == CAP_FLOOR_PERMILLE
    assert all(each.source.startswith("[A]") for each in BUILT_IN.values())


def test_schemas_complete_what_people_write() -> None:
    for schema in (json_schema("site"), json_schema("workload")):
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["additionalProperties"] is False
        json.dumps(schema)
    schema = json_schema("workload")
    job = schema["$defs"]["JobEntry"]["properties"]
    assert "percent" in schema["$defs"]["ProfileEntry"]["description"]
    assert {"name", "units", "topology", "power_action"} <= job.keys()
    assert schema["properties"]["jobs"]["anyOf"][1]["examples"] == ["jobs.csv"]
    assert schema["$defs"]["TenantEntry"]["properties"]["isolation"]["enum"][2] == "host"
