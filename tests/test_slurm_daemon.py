"""A real Slurm takes the exported files and does what the plan says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scheduler.check import check
from scheduler.exchange.node_names import NodeNames, node_names
from scheduler.exchange.slurm.export import export
from scheduler.exchange.slurm.hostlist import expand
from scheduler.exchange.slurm.importing import load
from scheduler.inputs import read_problem, read_site_file
from scheduler.model import Level, Plan, Problem
from scheduler.node_packing import pack_nodes
from scheduler.solve import Progress, Solution, solve
from tests.slurm_cluster import Cluster, cluster, missing

EXAMPLE = Path(__file__).parent.parent / "examples" / "colossus-tenth"
REQUIRED = os.environ.get("RACKWATT_REQUIRE_SLURM") == "1"
DRAINED, BROKEN = "H3-A09-R8", "H4-A10-R10"
SOLVE_S = 90  # at most, on a busy machine

pytestmark = pytest.mark.skipif(
    bool(missing()) and not REQUIRED, reason="Slurm is not installed (Debian: slurm-wlm)"
)


class FirstGoodPlan:
    """Ends the search with the first checked plan that meets all firm contracts."""

    def __init__(self) -> None:
        self.found = False

    def progress(self, progress: Progress) -> None:
        """Nothing to do."""

    def incumbent(self, solution: Solution) -> None:
        """Look at the plan's contracts."""
        self.found = solution.verdict.unmet_firm_gpus == 0

    def stopped(self) -> bool:
        """Stop after the first good plan."""
        return self.found

    def reserve_s(self) -> float:
        """Nothing comes after."""
        return 0.0


@dataclass(frozen=True)
class Running:
    """A cluster that runs a plan."""

    cluster: Cluster
    problem: Problem
    plan: Plan
    names: NodeNames
    held: dict[str, set[str]]  # tenant -> nodes of its contracts and jobs in the plan

    @property
    def tenant(self) -> str:
        """A tenant that has its domains to itself, if the plan placed one."""
        tenants = self.problem.workload.tenants
        return min(self.held, key=lambda name: (-tenants[name].isolation.rank, name))

    @property
    def node(self) -> str:
        """The node whose `slurmd` runs."""
        return min(self.held[self.tenant])

    @property
    def gpus(self) -> str:
        """All GPUs of that node."""
        rack, _ = self.names.place[self.node]
        rack_type = self.problem.site.type_of(self.problem.site.racks[rack])
        return f"{rack_type.gpu_type}:{rack_type.gpus_per_node}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One tenth of Colossus, planned in seconds and exported; Slurm runs on it."""
    given = read_problem(EXAMPLE / "site.yaml", EXAMPLE / "workload.yaml")
    racks = dict(given.site.racks)
    racks[DRAINED] = replace(racks[DRAINED], drained=True)
    racks[BROKEN] = replace(racks[BROKEN], down_nodes=2)
    problem = replace(given, site=replace(given.site, racks=racks))
    plan = solve(problem, time_limit_s=SOLVE_S, watch=FirstGoodPlan()).plan
    assert check(problem, plan).violation == 0
    names = node_names(problem.site)
    held: dict[str, set[str]] = {}
    for rack, uses in pack_nodes(problem, plan).items():
        for use in uses:
            host = names.hosts[rack][use.node]
            held.setdefault(problem.jobs[use.job].tenant, set()).add(host)
    files = dict(export(problem, plan).files)
    folder = tmp_path_factory.mktemp("slurm")
    planned = Running(Cluster(folder), problem, plan, names, held)
    with cluster(folder, files, planned.node) as started:
        (folder / "reservations.sh").write_text(files["reservations.sh"])
        started.run("sh", "reservations.sh")
        yield planned


def test_slurm_is_there_where_it_has_to_be() -> None:
    assert not missing()


def test_the_topology_is_the_planned_tree(running: Running) -> None:
    site, names = running.problem.site, running.names
    expected: dict[str, tuple[set[str], set[str]]] = {}
    for rack in site.racks.values():
        expected.setdefault(rack.array, (set(), set()))[1].update(names.hosts[rack.name])
        expected.setdefault(rack.pod, (set(), set()))[0].add(rack.array)
        expected.setdefault(site.name, (set(), set()))[0].add(rack.pod)
    shown = {}
    for line in running.cluster.run("scontrol", "show", "topology").splitlines():
        pairs = dict(re.findall(r"(\w+)=(\S+)", line))
        nodes = set(expand(pairs["Nodes"])) if pairs["Level"] == "0" else set()
        shown[pairs["SwitchName"]] = (set(expand(pairs["Switches"])) if not nodes else set(), nodes)
    assert shown == expected


def test_drained_and_broken_nodes_are_there_and_take_no_work(running: Running) -> None:
    hosts = running.names.hosts
    for node, state in ((hosts[DRAINED][0], "DRAIN"), (hosts[BROKEN][-1], "DOWN")):
        shown = running.cluster.run("scontrol", "show", "node", node)
        assert re.search(rf"State=\S*{state}", shown)
        assert "in the plan" in shown
    text = running.cluster.run("scontrol", "show", "topology", hosts[DRAINED][0])
    assert "SwitchName=H3-A09 " in text


def test_every_tenant_has_the_nodes_that_it_holds(running: Running) -> None:
    text = running.cluster.run("scontrol", "--oneliner", "show", "reservation")
    reserved = {}
    for line in text.splitlines():
        pairs = dict(re.findall(r"(\w+)=(\S+)", line))
        reserved[pairs["Accounts"]] = set(expand(pairs["Nodes"]))
        assert pairs["State"] == "ACTIVE"
    assert reserved.keys() == running.held.keys()
    for tenant, nodes in running.held.items():
        assert nodes <= reserved[tenant], tenant
    assert sum(map(len, reserved.values())) == len(set().union(*reserved.values()))
    # A tenant that has arrays to itself holds all nodes of them, also those that it did not buy.
    site = running.problem.site
    for tenant, nodes in running.held.items():
        if running.problem.workload.tenants[tenant].isolation is Level.ARRAY:
            arrays = {site.racks[running.names.place[node][0]].array for node in nodes}
            racks = [rack.name for rack in site.racks.values() if rack.array in arrays]
            assert {host for rack in racks for host in running.names.hosts[rack]} <= reserved[
                tenant
            ]


def test_a_job_lands_inside_the_reservation_of_its_account(running: Running) -> None:
    done = running.cluster.run(
        *("sbatch", "--parsable", f"--account={running.tenant}", f"--reservation={running.tenant}"),
        *("--nodes=1", f"--gpus-per-node={running.gpus}", "--output=/dev/null", "--wrap=true"),
    )
    job = done.strip()
    shown = running.cluster.wait_for(r"JobState=COMPLETED", "scontrol", "show", "job", job)
    (nodes,) = re.findall(r"\bNodeList=(\S+)", shown)
    assert set(expand(nodes)) <= running.held[running.tenant]
    assert f"TresPerNode=gres:gpu:{running.gpus}" in shown


def test_no_other_account_gets_in(running: Running) -> None:
    other = next(name for name in running.held if name != running.tenant)
    refused = running.cluster.run(
        *("sbatch", f"--account={other}", f"--reservation={running.tenant}", "--wrap=true"),
        ok=False,
    )
    assert "Access denied to requested reservation" in refused


def test_the_options_of_a_job_put_it_where_it_lies(running: Running) -> None:
    # Only the nodes that have answered can be tried: wait for those of one small job.
    options = export(running.problem, running.plan).files["job-options.txt"].splitlines()[1:]
    line = min(options, key=lambda each: (each.count("["), len(each)))
    (text,) = re.findall(r"--nodelist='?([^' ]+)", line)
    nodes = expand(text)
    for node in nodes:
        running.cluster.wait_for(r"State=(IDLE|RESERVED)\S*\n?", "scontrol", "show", "node", node)
    tried = running.cluster.run("sh", "-c", f"sbatch --test-only {line} --wrap=true", ok=False)
    (shown,) = re.findall(r"to start at .* on nodes (\S+)", tried) or [tried]
    assert set(expand(shown)) == set(nodes)


def test_what_slurm_shows_is_imported_as_the_same_topology(
    running: Running, tmp_path: Path
) -> None:
    node = running.node
    job = running.cluster.run(
        *("sbatch", "--parsable", f"--account={running.tenant}", f"--reservation={running.tenant}"),
        *(f"--nodelist={node}", f"--gpus-per-node={running.gpus}", "--output=/dev/null"),
        "--wrap=sleep 60",
    ).strip()
    running.cluster.wait_for(r"JobState=RUNNING", "scontrol", "show", "job", job)
    for name, command in {
        "topology.txt": ("scontrol", "show", "topology"),
        "sinfo.json": ("sinfo", "--json"),
        "squeue.json": ("squeue", "--json"),
    }.items():
        (tmp_path / name).write_text(running.cluster.run(*command))
    running.cluster.run("scancel", job)
    made = load(tmp_path / "topology.txt", tmp_path / "sinfo.json", tmp_path / "squeue.json")
    for name, text in made.files.items():
        (tmp_path / name).write_text(text)
    site = read_site_file(tmp_path / "site.json")
    files = export(Problem(site=site, workload=running.problem.workload), Plan({})).files
    assert files["topology.conf"] == export(running.problem, Plan({})).files["topology.conf"]
    rack, _ = running.names.place[node]
    placements = json.loads(made.files["plan.json"])["placements"]
    assert placements == [{"job": f"{job}-wrap", "rack": rack.lower(), "units": 1}]
    current = read_problem(
        tmp_path / "site.json", tmp_path / "workload.json", tmp_path / "plan.json"
    )
    assert current.current is not None
    assert check(current, current.current).violation == 0
