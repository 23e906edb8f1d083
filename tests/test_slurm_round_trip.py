"""What is exported reads back as the same topology, and what is imported is exported again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.check import check
from scheduler.exchange.node_names import node_names
from scheduler.exchange.slurm.export import export
from scheduler.exchange.slurm.hostlist import fold
from scheduler.exchange.slurm.importing import load
from scheduler.exchange.slurm.read_topology import read_topology
from scheduler.exchange.slurm.topologies import Switch, topologies_of
from scheduler.inputs import read_problem, read_site_file
from scheduler.inputs.catalogue import catalogue
from scheduler.model import Fabric, Hall, Level, Plan, Problem, Rack, Site
from tests import build

TYPES = ("hgx-h100-liquid", "gb200-nvl72", "hgx-b200-air")


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Up to 2 halls of 2 pods of 2 arrays of 3 racks, all of one type in an array."""
    racks: list[Rack] = []
    for hall in range(draw(st.integers(1, 2))):
        for pod in range(draw(st.integers(1, 2))):
            for array in range(draw(st.integers(1, 2))):
                kind = draw(st.sampled_from(TYPES))
                for number in range(draw(st.integers(1, 3))):
                    name = f"H{hall}-P{pod}-A{array}"
                    rack = build.rack(
                        f"{name}-R{number}",
                        type=kind,
                        hall=f"H{hall}",
                        pod=f"H{hall}-P{pod}",
                        array=name,
                        drained=draw(st.booleans()),
                        down_nodes=draw(st.sampled_from((0, 0, 1))),
                    )
                    racks.append(rack)
    halls = {rack.hall for rack in racks}
    types = {name: catalogue()[name] for name in {rack.type for rack in racks}}
    return build.site(
        racks,
        rack_types=types,
        halls={hall: Hall(name=hall, supply_mc=22_000, inlet_limit_mc=27_000) for hall in halls},
        fabric=Fabric(joins=draw(st.sampled_from((Level.HALL, Level.SITE)))),
    )


def sinfo_of(site: Site) -> dict[str, object]:
    """What `sinfo --json` prints of the site's nodes."""
    names, rows = node_names(site), []
    for rack in site.racks.values():
        kind = site.type_of(rack)
        for node, host in enumerate(names.hosts[rack.name]):
            broken = node >= kind.nodes - rack.down_nodes
            state = ["DRAIN"] if rack.drained else ["DOWN"] if broken else []
            gres = f"gpu:{kind.gpu_type}:{kind.gpus_per_node}"
            rows.append({"name": host, "gres": gres, "state": "idle", "state_flags": state})
    return {"nodes": rows}


def reimported(files: dict[str, str], name: str, sinfo: dict[str, object]) -> Site:
    """The site that the written topology and these nodes become."""
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(files[name])
        (Path(folder) / "sinfo.json").write_text(json.dumps(sinfo))
        made = load(Path(folder) / name, Path(folder) / "sinfo.json")
        (Path(folder) / "site.json").write_text(made.files["site.json"])
        return read_site_file(Path(folder) / "site.json")


@settings(max_examples=30, deadline=None)
@given(sites(), st.sampled_from(["topology.conf", "topology.yaml"]))
def test_export_import_export_gives_the_same_files(site: Site, name: str) -> None:
    nothing = Plan({})
    first = export(build.problem(site), nothing).files
    again = reimported(dict(first), name, sinfo_of(site))
    second = export(build.problem(again), nothing).files
    for same in ("topology.conf", "nodes.conf", name):
        assert second[same] == first[same], same
    # Slurm has names of nodes and of blocks; racks that are no block are named after their nodes.
    before = {rack.name.lower(): (rack.type, rack.drained) for rack in site.racks.values()}
    after = {rack.name.lower(): (rack.type, rack.drained) for rack in again.racks.values()}
    assert after == before


@settings(max_examples=20, deadline=None)
@given(sites(), st.randoms(use_true_random=False))
def test_what_runs_becomes_the_running_plan(site: Site, order: Random) -> None:
    names = node_names(site)
    free = [host for rack in site.racks for host in names.usable(site, rack)]
    order.shuffle(free)
    rows: list[dict[str, object]] = []
    meant: dict[str, dict[str, int]] = {}
    while free:
        number, count = len(rows) + 1, order.randint(1, 5)
        nodes, free = free[:count], free[count:]
        meant[str(number)] = Counter(names.place[node][0].lower() for node in nodes)
        rows.append(
            {
                "job_id": number,
                "account": f"a{number % 3}",
                "job_state": "RUNNING",
                "nodes": fold(nodes),
                "tres_per_node": "gres:gpu:2",
            }
        )
    files = dict(export(build.problem(site), Plan({})).files)
    with TemporaryDirectory() as folder:
        inside = Path(folder)
        (inside / "topology.yaml").write_text(files["topology.yaml"])
        (inside / "sinfo.json").write_text(json.dumps(sinfo_of(site)))
        (inside / "squeue.json").write_text(json.dumps({"jobs": rows}))
        made = load(*(inside / f for f in ("topology.yaml", "sinfo.json", "squeue.json")))
        for name, text in made.files.items():
            (inside / name).write_text(text)
        problem = read_problem(*(inside / f for f in ("site.json", "workload.json", "plan.json")))
    assert problem.current is not None
    found = {
        job: {rack.lower(): units for rack, units in racks.items()}
        for job, racks in problem.current.units.items()
    }
    assert found == meant
    broken = {each.term for each in check(problem, problem.current).broken}
    assert broken <= {"gpu_type", "locality"}  # jobs were drawn over types and fabrics


@st.composite
def trees(draw: st.DrawFn) -> tuple[Switch, ...]:
    """Forests of 1 to 3 roots with 2 or 3 children each, at most as deep as the model is."""
    switches: list[Switch] = []
    several = draw(st.booleans())

    def grow(depth: int) -> str:
        name = f"sw{len(switches)}"
        place = len(switches)
        switches.append(Switch(name=name))
        if depth and draw(st.booleans()):
            below = tuple(grow(depth - 1) for _ in range(draw(st.integers(2, 3))))
            switches[place] = Switch(name=name, children=below)
        else:
            count = draw(st.integers(1, 4))
            style = draw(st.sampled_from(("{}-n{:02d}", "{}x{}", "node{1}-{0}")))
            switches[place] = Switch(
                name=name, nodes=tuple(style.format(name, i) for i in range(count))
            )
        return name

    for _ in range(draw(st.integers(2, 3)) if several else 1):
        grow(2 if several else 3)
    return tuple(switches)


@settings(max_examples=60, deadline=None)
@given(trees())
def test_import_then_export_gives_the_same_tree(switches: tuple[Switch, ...]) -> None:
    lines = [
        f"SwitchName={s.name} "
        + (f"Switches={','.join(s.children)}" if s.children else f"Nodes={','.join(s.nodes)}")
        for s in switches
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "topology.conf"
        path.write_text("\n".join(lines))
        made = load(path)
        (Path(folder) / "site.json").write_text(made.files["site.json"])
        site = read_site_file(Path(folder) / "site.json")
    assert made.unmapped == ()
    found = topologies_of(site, node_names(site)).switches

    def as_sets(each: tuple[Switch, ...]) -> dict[str, tuple[set[str], set[str]]]:
        return {s.name: (set(s.children), set(s.nodes)) for s in each}

    assert as_sets(found) == as_sets(switches)


def test_a_topology_of_blocks_alone_becomes_racks(tmp_path: Path) -> None:
    path = tmp_path / "topology.conf"
    path.write_text("BlockName=b1 Nodes=g[01-18]\nBlockName=b2 Nodes=g[19-36]\nBlockSizes=18,36\n")
    made = load(path)
    site = json.loads(made.files["site.json"])
    assert [(rack["name"], rack["type"]) for rack in site["racks"]] == [
        ("b1", "gb200-nvl72"),
        ("b2", "gb200-nvl72"),
    ]
    again = tmp_path / "site.json"
    again.write_text(made.files["site.json"])
    read = read_site_file(again)
    (blocks,) = topologies_of(read, node_names(read)).blocks
    assert [(b.name, b.nodes[0], b.nodes[-1]) for b in blocks.blocks] == [
        ("b1", "g01", "g18"),
        ("b2", "g19", "g36"),
    ]
    assert blocks.sizes == (18, 36)


def test_what_is_written_is_read_as_it_was_meant(tmp_path: Path) -> None:
    site = read_site_file(Path("examples/colossus-tenth/site.yaml"))
    meant = topologies_of(site, node_names(site))
    files = export(Problem(site=site, workload=build.problem(site).workload), Plan({})).files
    for name in ("topology.conf", "topology.yaml"):
        (tmp_path / name).write_text(files[name])
    assert read_topology(tmp_path / "topology.conf").topologies == replace(meant, blocks=())
    assert read_topology(tmp_path / "topology.yaml").topologies == meant
