"""A site as a folder of tables, plans as JSON and CSV, and the ways into `read_problem`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduler.inputs import InputError, read_plan, read_problem, site_document
from scheduler.inputs.read import read_site_file
from scheduler.model import Level, Plan, Problem
from tests import build

SITE = {
    "racks.csv": "name,type,hall,array,pod,feeds,loop,drained,down_nodes\n"
    "r1,own,H,A,P,ups1;ups2,l1,no,1\n"
    "r2,hgx-h100-liquid,H,B,P,ups1,,yes,\n",
    "rack_types.csv": "name,gpu_type,nodes,gpus_per_node,nvlink_domain,nameplate_kw,"
    "observed_peak_kw,percentile_w,idle_kw,liquid_percent,flow_lpm,gpu_peak_w,gpu_idle_w,"
    "r_th_mk_per_w,slowdown_c,air_w_per_k\n"
    "own,h100,2,8,host,20.0001,16,15000,0.5,80.05,20,700,90,45,87.0009,300\n",
    "halls.csv": "name,supply_c,inlet_limit_c,air_cooling_kw\nH,22.0001,27.0009,\n",
    "power_nodes.csv": "name,kind,parents,mode,rating_kw,emergency_percent,emergency_s\n"
    "grid,utility,,share,300.0009,,\n"
    "ups1,ups,grid,share,100,133.05,10\n"
    "ups2,ups,grid,share,100,,\n",
    "loops.csv": "name,hall,units,spare_units,unit_kw,unit_flow_lpm,supply_c,approach_k,"
    "return_limit_c\nl1,H,2,1,100,1000,30,4,60\n",
    "base_loads.csv": "name,hall,feeds,power_kw\nnet,H,ups1;ups2,1.0001\n",
    "site.yaml": "power_basis: nameplate\nfailure_kinds: [ups]\n"
    "prices: {energy_mills_per_mwh: 50000}\n",
}
WORKLOAD = {"workload.yaml": "tenants: [{name: t}]\njobs:\n  - {name: a, tenant: t, units: 1}\n"}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files and return the folder."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_a_site_of_tables(tmp_path: Path) -> None:
    site = read_site_file(write(tmp_path / "plant", SITE))
    assert (site.name, site.power_basis, site.failure_kinds) == ("plant", "nameplate", ("ups",))
    own = site.rack_types["own"]
    assert own.nameplate_w == 20_001  # a demand: 20000.1 W up
    assert (own.slowdown_mc, own.liquid_permille) == (87_000, 801)  # a limit down, a share up
    assert own.flow_mlpm == 20_000
    assert site.rack_types["hgx-h100-liquid"].gpus == 64  # from the catalogue
    assert site.power_nodes["grid"].rating_w == 300_000  # a limit: 300000.9 W down
    assert site.power_nodes["ups1"].emergency_permille == 1330  # 1330.5 down
    assert site.power_nodes["ups2"].emergency_permille == 1000
    hall = site.halls["H"]
    assert (hall.supply_mc, hall.inlet_limit_mc, hall.air_cooling_w) == (22_001, 27_000, None)
    r1, r2 = site.racks.values()
    assert (r1.feeds, r1.loop, r1.down_nodes, r1.drained) == (("ups1", "ups2"), "l1", 1, False)
    assert (r2.feeds, r2.loop, r2.down_nodes, r2.drained) == (("ups1",), None, 0, True)
    assert site.base_loads[0].power_w == 1001
    assert site.isolation_ladder[Level.ARRAY] == ("array",)
    assert site.prices.energy_mills_per_mwh == 50_000


def test_tables_and_explicit_form_are_the_same_site(tmp_path: Path) -> None:
    site = read_site_file(write(tmp_path / "s", SITE))
    path = tmp_path / "site.json"
    path.write_text(json.dumps(site_document(site)))
    assert read_site_file(path) == site


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("racks.csv", ",ups1,,yes", ",ups3,,yes", "racks.csv:3: racks.r2.feeds: expected one of"),
        ("racks.csv", "r2,", "r1,", "racks.csv:3: racks[1].name: expected a name that no other"),
        ("racks.csv", "name,type", "name,typ", "racks.csv:1: header: expected one of name, type"),
        ("racks.csv", "no,1", "no,x", "racks.csv:2: racks[0].down_nodes: expected a whole number"),
        ("racks.csv", "no,1", "perhaps,1", "racks[0].drained: expected true or false"),
        ("racks.csv", "r1,own", "r1,", "racks.csv:2: racks[0].type: expected a value"),
        ("halls.csv", "supply_c", "supply_mc", "halls.csv:2: halls[0].supply_mc"),
        ("power_nodes.csv", "300.0009", "1e999", "power_nodes.csv:2: power_nodes[0].rating_w"),
        ("power_nodes.csv", "300.0009", "nan", "expected a whole number, got 'nan'"),
        ("power_nodes.csv", "300.0009", "-5", "expected >= 0 W, got -5000 W"),
        ("power_nodes.csv", "utility,,", "utility,ups1,", "a cycle grid -> ups1 -> grid"),
        ("power_nodes.csv", "emergency_percent", "rating_w", "expected one column for rating_w"),
        ("loops.csv", SITE["loops.csv"], "name,hall\n", "csv:1: header: expected a column unit_w"),
        ("base_loads.csv", "ups1;ups2", "ups1;", "base_loads.csv:2"),
        ("site.yaml", "[ups]", "[upps]", "site.yaml:2: failure_kinds: expected one of cdu"),
        ("site.yaml", "[ups]", "[ups]\nhalls: []", "site.yaml:3: halls: expected left out"),
        ("site.yaml", "power_basis", "power_bases", "site.yaml:1: power_bases: expected one of"),
        ("site.yaml", SITE["site.yaml"], "[]", "expected a mapping"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    assert old in SITE[file]
    folder = write(tmp_path / "s", {**SITE, file: SITE[file].replace(old, new, 1)})
    with pytest.raises(InputError) as error:
        read_site_file(folder)
    assert words in str(error.value)


def test_a_missing_table_is_a_mistake(tmp_path: Path) -> None:
    files = {name: text for name, text in SITE.items() if name != "halls.csv"}
    with pytest.raises(InputError, match=r"halls\.csv:1: file: expected a file"):
        read_site_file(write(tmp_path / "s", files))


def problem() -> Problem:
    """Two racks, one job."""
    return build.problem(jobs=[build.job("a", units=4, min_units=1)])


def test_plans_from_json_table_and_folder(tmp_path: Path) -> None:
    placements = [
        {"job": "a", "rack": "r1", "units": 2, "gpus": 16, "nodes": 2},
        {"job": "a", "rack": "r2", "units": 0},
    ]
    plan = {"format": "rackwatt-plan/1", "placements": placements}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "placements.csv").write_text("job,rack,units,gpus,nodes\na,r1,2,16,2\n")
    for path in (tmp_path, tmp_path / "plan.json", tmp_path / "placements.csv"):
        assert read_plan(path, problem()) == Plan({"a": {"r1": 2}})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("b,r1,1\n", "placements.csv:2: placements[0].job: expected one of a, got 'b'"),
        ("a,r3,1\n", "placements[0].rack: expected one of r1, r2, got 'r3'"),
        ("a,r1,-1\n", "placements[0].units: expected >= 0"),
        ("a,r1,1.5\n", "a whole number"),
        ("a,r1,nan\n", "a finite number"),
        ("a,r1,1\na,r2,1\na,r1,1\n", "placements.csv:4: placements[2]: expected each job once"),
        ("a,,1\n", "placements[0].rack: expected a value"),
    ],
)
def test_plans_that_are_refused(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "placements.csv"
    path.write_text("job,rack,units\n" + rows)
    with pytest.raises(InputError) as error:
        read_plan(path, problem())
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "placements: expected a value"),
        ("[]", "expected a mapping"),
        ('{"format": "rackwatt-plan/9", "placements": []}', "format: expected rackwatt-plan/1"),
    ],
)
def test_plan_files_that_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_plan(path, problem())
    assert words in str(error.value)


COMPACT = """
name: tiny
ambient: {dry_bulb_c: 36, wet_bulb_c: 26}
power_basis: observed_peak
halls:
  - name: H1
    power: {scheme: 4N/3, ups_kw: 2500}
    cooling:
      loop: {cdu_kw: 1350, redundancy: N+1}
      air: {supply_c: 22, containment: aisle}
    arrays:
      - {count: 2, racks: 8, rack: hgx-h100-liquid}
"""


def test_short_files_in_folders(tmp_path: Path) -> None:
    write(tmp_path, {"site.yaml": COMPACT, **WORKLOAD})
    first = read_problem(tmp_path, tmp_path)
    assert len(first.site.racks) == 16
    assert first.workload.jobs["a"].gpu_types == ("h100",)
    rack = next(iter(first.site.racks))
    (tmp_path / "placements.csv").write_text(f"job,rack,units\na,{rack},1\n")
    again = read_problem(tmp_path / "site.yaml", tmp_path / "workload.yaml", tmp_path)
    assert again.current == Plan({"a": {rack: 1}})
    path = tmp_path / "full.json"
    path.write_text(json.dumps(site_document(first.site)))
    assert read_site_file(path) == first.site


def test_mistakes_of_both_files_come_together(tmp_path: Path) -> None:
    site = COMPACT.replace("ups_kw: 2500", "ups_kw: -5").replace("count", "cuont")
    write(tmp_path, {"site.yaml": site, "workload.yaml": "jobs: [{}]"})
    with pytest.raises(InputError) as error:
        read_problem(tmp_path, tmp_path)
    said = str(error.value).replace(f"{tmp_path}/", "").splitlines()
    assert said[0].startswith("site.yaml:7: halls[0].power.ups_kw: expected > 0 kW, got -5 kW")
    assert said[1].startswith("site.yaml:12: halls[0].arrays[0].cuont: expected one of")
    assert said[1].endswith("(hint: did you mean count?)")
    assert any(each.startswith("workload.yaml:1: jobs[0].name: expected a value") for each in said)
