"""Slurm's files become a site, a workload and the running plan; what has no place is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler.check import check
from scheduler.cli.app import app
from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.slurm.importing import load
from scheduler.inputs import read_problem
from scheduler.model import Level, Problem

RUNNER = CliRunner()
TREE = """\
# two leaves of HGX nodes, one of NVL72 trays
SwitchName=core Switches=leaf[1-2],nvl
SwitchName=leaf1 Nodes=a1-n[01-04],login
SwitchName=leaf2 \\
    Nodes=gpu[1-4]
SwitchName=nvl Nodes=r7-n[01-18]
"""


def node(name: str, gres: str = "gpu:h100:8", *flags: str, **fields: Any) -> dict[str, Any]:
    """A node as Slurm 22.05 prints it."""
    return {"name": name, "gres": gres, "state": "idle", "state_flags": list(flags), **fields}


def job(number: int, **fields: Any) -> dict[str, Any]:
    """A running job of one node as Slurm 22.05 prints it."""
    default: dict[str, Any] = {
        "job_id": number,
        "name": "train",
        "account": "ml",
        "job_state": "RUNNING",
        "nodes": "a1-n01",
        "node_count": 1,
        "partition": "all",
        "tres_per_node": "gres:gpu:h100:8",
        "time_limit": 90,
    }
    return default | fields


NODES = [
    *(node(f"a1-n0{i}", partitions=["all"]) for i in (1, 2)),
    node("a1-n03", "gpu:h100:8(S:0-1)", "DRAIN"),
    node("a1-n04", "gpu:h100:8", state="down"),
    node("login", ""),
    *(node(f"gpu{i}", "gpu:nvidia_h100_80gb_hbm3:8", "DRAIN") for i in range(1, 5)),
    *(node(f"r7-n{i:02d}", "gpu:gb200:4", partitions=["nvl"]) for i in range(1, 19)),
    node("spare", "gpu:h100:8"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "topology.conf").write_text(TREE)
    (tmp_path / "sinfo.json").write_text(json.dumps({"nodes": NODES}))
    return tmp_path


def taken(folder: Path, jobs: list[dict[str, Any]]) -> tuple[Imported, Problem]:
    """What is imported, written and read as a problem with its running plan."""
    (folder / "squeue.json").write_text(json.dumps({"jobs": jobs}))
    made = load(folder / "topology.conf", folder / "sinfo.json", folder / "squeue.json")
    for name, text in made.files.items():
        (folder / name).write_text(text)
    names = ("site.json", "workload.json", "plan.json")
    return made, read_problem(*(folder / name for name in names))


def test_nodes_become_racks_of_the_catalogue_or_of_another_size(folder: Path) -> None:
    made, problem = taken(folder, [])
    site = problem.site
    found = {r.name: (r.type, r.array, r.drained, r.down_nodes) for r in site.racks.values()}
    assert found == {
        "a1": ("hgx-h100-liquid-4x8", "leaf1", False, 2),
        "leaf2-R1": ("hgx-h100-liquid-4x8-nvidia_h100_80gb_hbm3", "leaf2", True, 0),
        "r7": ("gb200-nvl72", "nvl", False, 0),
    }
    assert site.racks["a1"].hosts == ("a1-n01", "a1-n02", "a1-n03", "a1-n04")
    half = site.rack_types["hgx-h100-liquid-4x8"]
    assert (half.nodes, half.gpus_per_node) == (4, 8)
    assert half.nameplate_w == 40_800  # half of 81.6 kW: 32 of 64 GPUs
    assert site.rack_types["gb200-nvl72"].nvlink_domain is Level.RACK
    assert site.fabric.joins is Level.SITE
    assert "node login: no GPUs" in made.unmapped
    assert "node spare: on no switch of the topology" in made.unmapped
    assert "node a1-n03: drained, counted as broken" in made.notes
    assert any("Slurm knows no power" in note for note in made.notes)


def test_running_jobs_become_the_plan_and_waiting_ones_wait(folder: Path) -> None:
    jobs = [
        job(1, nodes="a1-n[01-02]", node_count=2),
        job(2, job_state="PENDING", nodes="", node_count=4, partition="nvl")
        | {"tres_per_node": "gres:gpu:4"},
        job(3, job_state="COMPLETED"),
        job(4, job_state="COMPLETED"),
    ]
    made, problem = taken(folder, jobs)
    first, second = problem.workload.jobs.values()
    assert (first.name, first.tenant, first.units, first.gpus_per_unit) == ("1-train", "ml", 2, 8)
    assert (first.gpu_types, first.duration_h, first.min_units) == (("h100",), 2, 2)
    assert (second.units, second.gpus_per_unit, second.gpu_types) == (4, 4, ("gb200",))
    assert problem.current is not None
    assert problem.current.units == {"1-train": {"a1": 2}}
    assert check(problem, problem.current).violation == 0
    assert "2 jobs COMPLETED: neither run nor wait" in made.unmapped


def test_a_job_that_has_no_place_is_listed(folder: Path) -> None:
    jobs = [
        job(1, tres_per_node=""),
        job(2, nodes="a1-n[01-02]", tres_per_node="", tres_alloc_str="cpu=9,gres/gpu=9"),
        job(3, nodes="login"),
        job(4, nodes=""),
        job(5, nodes="a1-n[02", features="ib", array_task_string="1-9"),
    ]
    made, problem = taken(folder, jobs)
    assert problem.workload.jobs == {}
    assert [line for line in made.unmapped if "job" in line] == [
        "job 5: nodes 'a1-n[02': expected a bracket that does not close in 'a1-n[02'",
        "job 1: asks for no GPUs",
        "job 2: 9 GPUs on 2 nodes: not the same on each",
        "job 3: runs on login, which the site does not have",
        "job 4: runs, but no nodes are given",
        "job 5: an array of tasks, taken as one (1-9)",
        "job 5: a constraint (ib)",
        "job 5: runs, but no nodes are given",
    ]


def test_accounts_that_share_a_node_may_share_hosts(folder: Path) -> None:
    half = {"tres_per_node": "gres:gpu:4"}
    made, problem = taken(folder, [job(1, **half), job(2, account="bio", **half)])
    isolation = {each.name: each.isolation for each in problem.workload.tenants.values()}
    assert isolation == {"ml": Level.SHARED_HOST, "bio": Level.SHARED_HOST}
    assert "share hosts, as their jobs do now: bio, ml" in made.notes
    assert problem.current is not None
    assert check(problem, problem.current).violation == 0


def test_a_node_that_drains_under_a_job_can_still_be_used(folder: Path) -> None:
    _made, problem = taken(folder, [job(1, nodes="a1-n03")])
    assert problem.site.racks["a1"].down_nodes == 1
    assert problem.current is not None
    assert check(problem, problem.current).violation == 0


def test_broken_nodes_are_the_last_of_their_rack(folder: Path) -> None:
    nodes = [node(f"a1-n0{i}", "gpu:h100:8", *(["DOWN"] if i == 2 else [])) for i in range(1, 5)]
    (folder / "sinfo.json").write_text(json.dumps({"nodes": nodes}))
    _made, problem = taken(folder, [])
    assert problem.site.racks["a1"].hosts == ("a1-n01", "a1-n03", "a1-n04", "a1-n02")


def test_newer_slurm_prints_other_shapes(folder: Path) -> None:
    """`sinfo` and `squeue` since 23.02: groups of nodes, lists of states, wrapped numbers."""
    rows = [
        {
            "nodes": {"nodes": ["a1-n01", "a1-n02"]},
            "node": {"state": ["MIXED"]},
            "gres": {"total": "gpu:h100:8", "used": "gpu:h100:0"},
            "partition": {"name": "old"},
        },
        {
            "nodes": {"nodes": ["r7-n[01-18]"]},
            "node": {"state": ["IDLE"]},
            "gres": {"total": "gpu:gb200:4", "used": ""},
            "partition": {"name": "new"},
        },
        {
            "nodes": {"nodes": ["a1-n[03-04]"]},
            "node": {"state": ["IDLE", "DRAIN"]},
            "gres": {"total": "gpu:h100:8", "used": ""},
        },
    ]
    (folder / "sinfo.json").write_text(json.dumps({"sinfo": rows}))
    number = {"set": True, "infinite": False, "number": 2}
    jobs = [
        job(
            7,
            job_state=["RUNNING"],
            nodes="a1-n[01-02]",
            node_count=number,
            tres_per_node="gres/gpu:8",
            time_limit={"set": False, "infinite": True, "number": 0},
        ),
        job(8, job_state=["PENDING"], nodes="", partition="new", tres_per_node="gres/gpu:4"),
    ]
    _made, problem = taken(folder, jobs)
    running, waiting = problem.workload.jobs.values()
    assert waiting.gpu_types == ("gb200",)
    assert (running.units, running.gpus_per_unit, running.duration_h) == (2, 8, None)
    assert problem.site.racks["a1"].down_nodes == 2


def test_several_roots_are_separate_fabrics_and_jobs_stay_in_one(tmp_path: Path) -> None:
    conf = "SwitchName=x Nodes=a1-n[01-02]\nSwitchName=y Nodes=b1-n[01-02]\n"
    (tmp_path / "topology.conf").write_text(conf)
    nodes = [node(f"{rack}1-n0{i}") for rack in "ab" for i in (1, 2)]
    (tmp_path / "sinfo.json").write_text(json.dumps({"nodes": nodes}))
    made, problem = taken(tmp_path, [job(1, nodes="a1-n[01-02]")])
    assert problem.site.fabric.joins is Level.HALL
    assert [rack.hall for rack in problem.site.racks.values()] == ["x-hall", "y-hall"]
    assert problem.workload.jobs["1-train"].required is Level.HALL
    assert any("each is a fabric of its own" in note for note in made.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "topology.conf:1: file: expected switches or blocks, got none"),
        ("SwitchName=a Nodes=n[1-", "topology.conf:1: hostlist: expected"),
        ("\nSwitchName=a", "topology.conf:2: switch a: expected either nodes or switches below it"),
        ("SwitchName=a Switches=b", "expected switches of the file below it, got b"),
        ("SwitchName=a Nodes=n[1-2000000]", "more than"),
        ("BlockName=b Nodes=n[1-4]\nBlockSizes=4,6", "4 times a power of two, got 6"),
    ],
)
def test_mistakes_have_their_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "topology.conf"
    path.write_text(text)
    done = RUNNER.invoke(app, ["import", "slurm", str(path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert words in done.output
    assert not (tmp_path / "out").exists()


def test_yaml_mistakes_have_their_line(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text("- topology: t\n  tree:\n    switches:\n      - {switch: a}\n- topology: f\n")
    with pytest.raises(ExchangeError) as caught:
        load(path)
    assert caught.value.mistakes == [
        f"{path}:4: switch a: expected either nodes or switches below it"
    ]


def test_a_leaf_whose_nodes_tell_no_racks_apart_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(
        "- topology: t\n  tree: {switches: [{switch: sw, nodes: 'node[1-5],r7-n[1-6]'}]}\n"
        "- topology: b\n  block: {block_sizes: [6], blocks: [{block: r7, nodes: 'r7-n[1-6]'}]}\n"
    )
    racks = json.loads(load(path, nodes_per_rack=2).files["site.json"])["racks"]
    assert {rack["name"]: rack["hosts"] for rack in racks} == {
        "sw-R1": ["node1", "node2"],
        "sw-R2": ["node3", "node4"],
        "sw-R3": ["node5"],
        "r7": [f"r7-n{i}" for i in range(1, 7)],  # a block stays whole
    }


def test_a_node_of_a_block_needs_a_leaf_as_well(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(
        "- {topology: t, tree: {switches: [{switch: a, nodes: 'n[1-2]'}]}}\n"
        "- {topology: b, block: {block_sizes: [2], blocks: [{block: x, nodes: 'n[1-3]'}]}}\n"
    )
    made = load(path)
    assert made.unmapped == ("node n3: in block x, but on no switch of the topology",)
    (rack,) = json.loads(made.files["site.json"])["racks"]
    assert (rack["name"], rack["hosts"]) == ("x", ["n1", "n2"])


def test_a_tree_that_is_deeper_than_a_site_loses_levels_and_says_so(tmp_path: Path) -> None:
    levels = ["a", "b", "c", "d"]
    lines = [
        f"SwitchName={upper} Switches={lower},{lower}2\nSwitchName={lower}2 Nodes={lower}2x1"
        for upper, lower in zip(levels, [*levels[1:], "e"], strict=True)
    ]
    (tmp_path / "topology.conf").write_text("\n".join([*lines, "SwitchName=e Nodes=ex1"]))
    made = load(tmp_path / "topology.conf")
    assert made.unmapped == ("switch d: a level more than there are here",)
    chain = "\n".join(f"SwitchName=s{i} Switches=s{i + 1}" for i in range(30))
    (tmp_path / "topology.conf").write_text(chain + "\nSwitchName=s30 Nodes=n1")
    with pytest.raises(ExchangeError, match="at most 10 levels"):
        load(tmp_path / "topology.conf")


def test_the_command_lists_what_it_could_not_map(folder: Path) -> None:
    (folder / "squeue.json").write_text(json.dumps({"jobs": [job(1), job(2, nodes="login")]}))
    out = folder / "out"
    options = ["--sinfo", str(folder / "sinfo.json"), "--squeue", str(folder / "squeue.json")]
    words = ["import", "slurm", str(folder / "topology.conf"), "--out", str(out), *options]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "not mapped: job 2: runs on login, which the site does not have" in done.output
    assert "node login: no GPUs" in (out / "unmapped.txt").read_text()
    verdict = RUNNER.invoke(app, ["check", str(out)])
    assert verdict.exit_code == 0, verdict.output


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
KEYS = st.sampled_from(
    ["nodes", "jobs", "sinfo", "name", "gres", "total", "state", "node", "job_id", "job_state"]
)
DATA = st.recursive(
    SCALARS | st.sampled_from(["RUNNING", "n[1-3]", "gpu:h100:8", "gres:gpu:4"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=60, deadline=None)
@given(DATA, DATA)
def test_any_json_is_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, sinfo: object, squeue: object
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "topology.conf").write_text("SwitchName=a Nodes=n[1-3]\n")
    (folder / "sinfo.json").write_text(json.dumps({"nodes": sinfo}))
    (folder / "squeue.json").write_text(json.dumps({"jobs": squeue}))
    try:
        made = load(folder / "topology.conf", folder / "sinfo.json", folder / "squeue.json")
    except ExchangeError:
        return
    for name, text in made.files.items():
        (folder / name).write_text(text)
    names = ("site.json", "workload.json", "plan.json")
    assert read_problem(*(folder / name for name in names)).current is not None


PARTS = [
    *("SwitchName=a", "SwitchName=b", "Nodes=n[1-3]", "Nodes=m1", "Switches=b", "BlockName=c"),
    *("BlockSizes=2,x", "\n", "\\\n", "#", " ", "=", "Level=1"),
]
LINES = st.lists(st.sampled_from(PARTS), max_size=12)


@settings(max_examples=100, deadline=None)
@given(LINES)
def test_any_lines_are_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "topology.conf"
    path.write_text(" ".join(parts))
    try:
        files = load(path).files
    except ExchangeError:
        return
    assert files.keys() == {"site.json"}
