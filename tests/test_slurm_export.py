"""Files for Slurm: what stands in them, and what is refused before it is written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from scheduler.check import check
from scheduler.cli.app import app
from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.node_names import node_names
from scheduler.exchange.power_room import power_room
from scheduler.exchange.slurm.export import export
from scheduler.exchange.slurm.hostlist import expand
from scheduler.inputs import read_problem
from scheduler.inputs.catalogue import catalogue
from scheduler.model import BaseLoad, Fabric, Hall, Level, Plan, Problem, Site
from scheduler.write import PLAN_FORMAT, as_json
from tests import build
from tests.random_problems import random_plan, random_problem
from tests.slurm_rules import check_resources, check_topologies, read_yaml

RUNNER = CliRunner()
TINY = Path(__file__).parent.parent / "examples" / "tiny"


def two_halls(joins: Level = Level.SITE) -> Site:
    """Two racks of 2 nodes in hall H, one drained and one with a broken node; one NVL72 in I."""
    halls = {n: Hall(name=n, supply_mc=22_000, inlet_limit_mc=27_000) for n in ("H", "I")}
    nvl = catalogue()["gb200-nvl72"]
    racks = [
        build.rack("r1", down_nodes=1),
        build.rack("r2", array="B", drained=True),
        build.rack("r3", type=nvl.name, hall="I", pod="Q", array="C", loop=None),
    ]
    types = {"hgx": build.rack_type(idle_w=1000), nvl.name: nvl}
    loads = (BaseLoad(name="fans", hall="H", feeds=("ups1",), power_w=500),)
    return build.site(
        racks, rack_types=types, halls=halls, fabric=Fabric(joins=joins), base_loads=loads
    )


def files_of(problem: Problem, plan: Plan | None = None) -> dict[str, str]:
    return dict(export(problem, plan or Plan({})).files)


def test_drained_and_broken_nodes_stay_in_nodes_and_topology() -> None:
    files = files_of(build.problem(two_halls()))
    lines = [line for line in files["nodes.conf"].splitlines() if line.startswith("NodeName")]
    assert lines == [
        "NodeName=r1-n01 Gres=gpu:h100:8 Feature=h100 State=UNKNOWN",
        'NodeName=r1-n02 Gres=gpu:h100:8 Feature=h100 State=DOWN Reason="broken in the plan"',
        "NodeName=r2-n[01-02] Gres=gpu:h100:8 Feature=h100 "
        'State=DRAIN Reason="drained in the plan"',
        "NodeName=r3-n[01-18] Gres=gpu:gb200:4 Feature=gb200 State=UNKNOWN",
    ]
    assert files["topology.conf"].splitlines() == [
        "SwitchName=test Switches=C,P",
        "SwitchName=P Switches=A,B",
        "SwitchName=A Nodes=r1-n[01-02]",
        "SwitchName=B Nodes=r2-n[01-02]",
        "SwitchName=C Nodes=r3-n[01-18]",
    ]


def test_separate_fabrics_have_no_switch_in_common_and_partitions_of_their_own() -> None:
    files = files_of(build.problem(two_halls(Level.HALL)))
    assert files["topology.conf"].splitlines()[0] == "SwitchName=P Switches=A,B"
    assert "Switches=P" not in files["topology.conf"]
    partitions = re.findall(r"(?m)^PartitionName=(\S+)", files["nodes.conf"])
    assert partitions == ["all", "c-gb200", "p-h100"]


def test_topologies_follow_the_manual(tmp_path: Path) -> None:
    files = files_of(build.problem(two_halls()))
    found = check_topologies(read_yaml(files["topology.yaml"], tmp_path))
    assert found.keys() == {"fabric", "nvl-gb200-gb200-nvl72"}
    assert found["nvl-gb200-gb200-nvl72"]["block"] == {
        "block_sizes": [18],
        "blocks": [{"block": "r3", "nodes": "r3-n[01-18]"}],
    }
    remark = "# PartitionName=gb200 Topology=nvl-gb200-gb200-nvl72"
    assert remark in files["nodes.conf"].splitlines()


def test_power_is_a_tree_of_sums(tmp_path: Path) -> None:
    problem = build.problem(two_halls())
    layers = check_resources(read_yaml(files_of(problem)["resources.yaml"], tmp_path))
    # Racks on ups1 and ups2 of hall H, those of hall I, the two halls, the site.
    assert [len(layer["nodes"]) for layer in layers] == [4, 18, 4, 18, 22]
    room = {group.hall: group.room_w for group in power_room(problem, Plan({}))}
    counts = [layer["count"] for layer in layers]
    assert counts == [room["H"], room["I"], room["H"] + 500, room["I"], sum(room.values()) + 500]
    # Two idle racks of 1 kW; 26 kW of an idle NVL72; the fans.
    assert [layer["base"] for layer in layers] == [2000, 26_000, 500, 0, 0]


def test_variables_are_the_peak_of_a_node(tmp_path: Path) -> None:
    # A node of the NVL72: 4 of 72 GPUs of 130 - 26 kW are 5777.8 W; of an HGX rack: half of 15 kW.
    problem = build.problem(two_halls(), [build.job("j", gpu_types=("h100", "gb200"))])
    (entry,) = read_yaml(files_of(problem)["resources.yaml"], tmp_path)
    found = {each["name"]: each["value"] for each in entry["variables"]}
    assert found == {"flat_h100": 7500, "flat_gb200": 5778}


def test_a_tenant_holds_its_domains_and_others_share_hosts() -> None:
    racks = [build.rack("r1"), build.rack("r2"), build.rack("r3", array="B")]
    tenants = [
        build.tenant("Big & Co", isolation=Level.ARRAY),
        build.tenant("s1", isolation=Level.SHARED_HOST),
        build.tenant("s2", isolation=Level.SHARED_HOST),
    ]
    jobs = [
        build.job("a", tenant="Big & Co"),
        build.job("b", tenant="s1", gpus_per_unit=4),
        build.job("c", tenant="s2", gpus_per_unit=2, units=2),
    ]
    problem = build.problem(build.site(racks), jobs, tenants)
    plan = Plan({"a": {"r1": 1}, "b": {"r3": 1}, "c": {"r3": 2}})
    assert check(problem, plan).violation == 0
    files = files_of(problem, plan)
    made = [line for line in files["reservations.sh"].splitlines() if line.startswith("scontrol")]
    parts = [dict(re.findall(r"(\w+)=(\S+)", line)) for line in made]
    assert [(p["ReservationName"], p["Accounts"], p["Nodes"]) for p in parts] == [
        ("big-co", "big-co", "'r[1-2]-n[01-02]'"),  # the whole array, for one busy node
        ("shared-hosts", "s1,s2", "r3-n01"),
    ]
    assert "add account big-co Description='Big & Co'" in files["accounts.sh"]
    assert files["job-options.txt"].splitlines()[1:] == [
        "--job-name=a --account=big-co --reservation=big-co --partition=h100 --nodes=1 "
        "--gpus-per-node=h100:8 --nodelist=r1-n01",
        "--job-name=b --account=s1 --reservation=shared-hosts --partition=h100 --nodes=1 "
        "--gpus-per-node=h100:4 --nodelist=r3-n01",
        "--job-name=c --account=s2 --reservation=shared-hosts --partition=h100 --nodes=1 "
        "--gpus-per-node=h100:4 --nodelist=r3-n01",
    ]


def test_names_cannot_leave_their_place() -> None:
    evil = "x; rm -rf $HOME\u202e"
    tenants = [build.tenant(evil)]
    site = build.site([build.rack("r 1\u2028")], name="a b")
    problem = build.problem(site, [build.job(evil, tenant=evil)], tenants)
    files = files_of(problem, Plan({evil: {"r 1\u2028": 1}}))
    for name, text in files.items():
        assert "\u202e" not in text, name
        assert "\u2028" not in text, name
    assert "Accounts=x-rm-rf-home " in files["reservations.sh"]
    assert "Description='x; rm -rf $HOME\ufffd'" in files["accounts.sh"]
    assert "--job-name='x; rm -rf $HOME\ufffd'" in files["job-options.txt"]


def test_small_blocks_are_noted() -> None:
    site = two_halls()
    racks = {**site.racks, "r3": replace(site.racks["r3"], down_nodes=2)}
    notes = export(build.problem(replace(site, racks=racks)), Plan({})).notes
    assert "block r3 of nvl-gb200-gb200-nvl72: 16 usable nodes, the base size is 18" in notes


def test_a_plan_that_slurm_cannot_run_is_refused() -> None:
    site = two_halls(Level.HALL)
    job = build.job("wide", units=2, gpus_per_unit=4, gpu_types=("h100", "gb200"))
    rivals = [build.tenant("x", isolation=Level.ARRAY), build.tenant("y")]
    jobs = [job, build.job("mine", tenant="x"), build.job("yours", tenant="y")]
    problem = build.problem(site, jobs, [*rivals, build.tenant("t")])
    with pytest.raises(ExchangeError) as caught:
        export(problem, Plan({"wide": {"r1": 1, "r3": 1}}))
    assert caught.value.mistakes == ["job wide: lies in the separate fabrics H, I"]
    both = build.problem(build.site(), jobs[1:], rivals)
    with pytest.raises(ExchangeError, match="array A: expected x alone, got y"):
        export(both, Plan({"mine": {"r1": 1}, "yours": {"r2": 1}}))


@pytest.mark.parametrize("seed", range(40))
def test_every_checked_plan_can_be_exported(seed: int, tmp_path: Path) -> None:
    problem = random_problem(seed)
    plan = random_plan(problem, Random(seed))
    try:
        files = files_of(problem, plan)
    except ExchangeError:
        assert check(problem, plan).violation  # only a broken plan may be refused
        return
    assert files == files_of(problem, plan)
    check_topologies(read_yaml(files["topology.yaml"], tmp_path))
    check_resources(read_yaml(files["resources.yaml"], tmp_path))
    held = [expand(text) for text in re.findall(r"Nodes='?([^\s']+)", files["reservations.sh"])]
    nodes = [node for each in held for node in each]
    assert len(nodes) == len(set(nodes)), "no node in two reservations"
    assert set(nodes) <= node_names(problem.site).place.keys()


def test_dry_run_tells_what_would_change(tmp_path: Path) -> None:
    problem = read_problem(TINY / "site.yaml", TINY / "workload.yaml")
    rack = next(iter(problem.site.racks))
    plan = tmp_path / "plan.json"
    rows = [{"job": "notebook", "rack": rack, "units": 2}]
    plan.write_bytes(as_json({"format": PLAN_FORMAT, "placements": rows}))
    out = tmp_path / "out"
    words = [str(TINY / "site.yaml"), str(TINY / "workload.yaml"), str(plan), "--out", str(out)]
    first = RUNNER.invoke(app, ["export", "slurm", *words, "--dry-run"])
    assert first.exit_code == 1
    assert "+SwitchName=P1 Switches=H1-A[01-03]" in first.stdout
    assert not out.exists()
    done = RUNNER.invoke(app, ["export", "slurm", *words])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "accounts.sh",
        "job-options.txt",
        "nodes.conf",
        "reservations.sh",
        "resources.yaml",
        "topology.conf",
        "topology.yaml",
    ]
    again = RUNNER.invoke(app, ["export", "slurm", *words, "--dry-run"])
    assert (again.exit_code, again.stdout) == (0, "")
