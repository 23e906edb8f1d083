"""The explicit form: equal after a round trip, and as strict as the short form."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scheduler.inputs import InputError, read_problem, site_document, workload_document
from scheduler.model import (
    BaseLoad,
    Conflict,
    Hall,
    Level,
    Problem,
    Recirculation,
    Sla,
    Weather,
)
from tests import build

Data = dict[str, Any]


def full_problem() -> Problem:
    """Every section of both documents holds something."""
    hall = Hall(
        name="H",
        supply_mc=22_000,
        inlet_limit_mc=27_000,
        recirculation=(Recirculation(rack="r1", source="r2", nk_per_w=5_000),),
        air_cooling_w=90_000,
    )
    site = build.site(
        halls={"H": hall},
        base_loads=(BaseLoad(name="net", hall="H", feeds=("ups1",), power_w=500),),
        failure_kinds=("ups", "cdu"),
        failure_sets=(("ups1", "loop1"),),
        weather=(Weather(name="hot", dry_bulb_mc=40_000, wet_bulb_mc=-1_000),),
        site_swing_limit_w=10,
    )
    sla = Sla(survives=("ups", "rack"), spare_permille=20, credit_tiers=((995, 100), (950, 1000)))
    tenants = [
        build.tenant("t", conflicts=(Conflict(tenant="u", level=Level.ARRAY),)),
        build.tenant("u", external=True, isolation=Level.RACK),
    ]
    jobs = [
        build.job("a", required=Level.NVLINK, within=("A",), duration_h=3, source="w.yaml:3"),
        build.job("b", spread_level=Level.RACK, spread_max_units=1, min_units=1, units=2),
    ]
    contracts = [build.contract("c", tenant="u", sla=sla, notice_days=90, required=Level.POD)]
    return build.problem(site, jobs, tenants, contracts)


def documents() -> tuple[Data, Data]:
    """Both documents, as JSON gives them back."""
    problem = full_problem()
    made = (site_document(problem.site), workload_document(problem.workload))
    site, workload = json.loads(json.dumps(made))
    return site, workload


def read(folder: Path, site: Data, workload: Data) -> Problem:
    """Write both as files and read them."""
    paths = folder / "site.json", folder / "workload.json"
    for path, data in zip(paths, (site, workload), strict=True):
        path.write_text(json.dumps(data, indent=1))
    return read_problem(*paths)


def test_round_trip_is_equal(tmp_path: Path) -> None:
    problem = full_problem()
    again = read(tmp_path, *documents())
    assert again.site == problem.site
    assert again.workload == problem.workload
    assert list(again.site.racks) == list(problem.site.racks)
    assert isinstance(again.workload.jobs["a"].required, Level)


def test_round_trip_of_what_is_empty(tmp_path: Path) -> None:
    problem = build.problem(build.site([build.rack("r", loop=None)], loops={}))
    documents = site_document(problem.site), workload_document(problem.workload)
    again = read(tmp_path, *documents)
    assert (again.site, again.workload) == (problem.site, problem.workload)


def test_every_field_is_written() -> None:
    site, workload = documents()
    problem = full_problem()
    assert site.keys() - {"format"} == {each.name for each in dataclasses.fields(problem.site)}
    left_out = {"contract", "promised_units", "firm", "sla"}  # only reservations have them
    job = problem.workload.jobs["a"]
    assert workload["jobs"][0].keys() == {f.name for f in dataclasses.fields(job)} - left_out


def put(*path: str | int, to: object) -> Callable[[Data, Data], None]:
    """Change one value; the first part of the path says in which document."""

    def change(site: Data, workload: Data) -> None:
        spot: Any = {"site": site, "workload": workload}
        for part in path[:-1]:
            spot = spot[part]
        spot[path[-1]] = to

    return change


def twice(kind: str, section: str) -> Callable[[Data, Data], None]:
    """Write the first record of a section twice."""

    def change(site: Data, workload: Data) -> None:
        rows = {"site": site, "workload": workload}[kind][section]
        rows.append(copy.deepcopy(rows[0]))

    return change


FAULTS: list[tuple[Callable[[Data, Data], None], str]] = [
    (put("site", "racks", 0, "type", to="hgz"), "racks.r1.type: expected one of hgx"),
    (put("site", "racks", 0, "hall", to="X"), "racks.r1.hall: expected one of H"),
    (put("site", "racks", 0, "feeds", to=["upsx2", "ups1"]), "did you mean ups2?"),
    (put("site", "racks", 0, "feeds", to=[]), "one or two power nodes, got []"),
    (put("site", "racks", 0, "hosts", to=["n1"]), "names of all 2 nodes, or none, got 1"),
    (
        put("site", "racks", 0, "hosts", to=["n1", "n1"]),
        "no other node has, got n1, also of rack r1",
    ),
    (put("site", "racks", 0, "hosts", to=["n1", "n 2"]), "none of these at an end, got 'n 2'"),
    (put("site", "fabric", "joins", to="rack"), "fabric.joins: expected one of array, pod, hall"),
    (put("site", "racks", 0, "feeds", to=["ups1", "ups1"]), "each name once, got ups1 2 times"),
    (put("site", "racks", 0, "loop", to="loop2"), "racks.r1.loop: expected one of loop1"),
    (put("site", "racks", 0, "down_nodes", to=3), "<= 2 nodes of the rack, got 3"),
    (put("site", "racks", 0, "down_nodes", to=-1), "racks[0].down_nodes: expected >= 0, got -1"),
    (put("site", "racks", 1, "pod", to="Q"), "expected pod P, where the other racks of array A"),
    (put("site", "racks", 0, "row", to=1.5), "racks[0].row: expected a whole number, got 1.5"),
    (put("site", "racks", 0, "row", to=True), "a whole number, got true"),
    (put("site", "racks", 0, "row", to="1"), "a whole number, got '1'"),
    (put("site", "racks", 0, "drained", to="yes"), "true or false, got 'yes'"),
    (put("site", "racks", 0, "name", to=" r1"), "printable characters without space"),
    (put("site", "racks", 0, "name", to="r\u202e1"), "got 'r\\u202e1'"),
    (put("site", "racks", 0, "name", to=7), "expected text, got 7 (hint: put it in quotes)"),
    (put("site", "racks", 0, "color", to="red"), "racks[0].color: expected one of array,"),
    (put("site", "racks", to=[]), "racks: expected at least one rack, got none"),
    (put("site", "racks", to={}), "racks: expected a list, got {}"),
    (put("site", "rack_types", 0, "idle_w", to=17_000), "what the rack draws idle, got 15000 W"),
    (put("site", "rack_types", 0, "nvlink_domain", to="hall"), "one of host, rack, got 'hall'"),
    (put("site", "rack_types", 0, "nodes", to=0), "expected >= 1, got 0"),
    (put("site", "rack_types", 0, "nameplate_w", to=10**30), "<= 10000000 W"),
    (put("site", "power_nodes", 0, "rating_w", to=-5), ">= 0 W, got -5 W"),
    (put("site", "power_nodes", 0, "rating_w", to=0), "expected > 0 W, got 0 W"),
    (put("site", "power_nodes", 0, "parents", to=["ups2"]), ""),
    (put("site", "power_nodes", 0, "parents", to=["ups1"]), "a cycle ups1 -> ups1"),
    (put("site", "power_nodes", 0, "mode", to="both"), "share or transfer, got 'both'"),
    (put("site", "loops", 0, "spare_units", to=2), "< 2 units of the loop, got 2"),
    (put("site", "loops", 0, "return_limit_mc", to=1), "> 30000 m°C, the supply"),
    (put("site", "loops", 0, "name", to="ups1"), "a name that no power node has"),
    (put("site", "halls", 0, "recirculation", 0, "source", to="x"), "a rack of hall H, got 'x'"),
    (put("site", "base_loads", 0, "feeds", to=["x"]), "base_loads[0].feeds: expected one of ups1"),
    (put("site", "failure_kinds", to=["upps"]), "did you mean ups?"),
    (put("site", "failure_sets", 0, 0, to="x"), "failure_sets[0]: expected one of ups1, ups2"),
    (put("site", "power_basis", to="guess"), "nameplate, observed_peak or percentile"),
    (put("site", "isolation_ladder", "rack", to=["room"]), "isolation_ladder.rack: expected one"),
    (put("site", "isolation_ladder", "rack", to=["ups"]), "isolation_ladder.rack: expected one"),
    (put("site", "isolation_ladder", to={}), "tenants.u.isolation: expected one of gpu, shared-"),
    (put("site", "prices", "pue_permille", to=900), ">= 1000 permille, got 900"),
    (twice("site", "racks"), "racks[2].name: expected a name that no other has, got 'r1'"),
    (twice("site", "base_loads"), "each name once, got net 2 times"),
    (twice("workload", "jobs"), "jobs[2].name: expected a name that no other has, got 'a'"),
    (twice("workload", "tenants"), "tenants[2].name: expected a name that no other has"),
    (put("workload", "jobs", 0, "name", to="c"), "a name that no contract has, got 'c'"),
    (put("workload", "jobs", 0, "tenant", to="x"), "jobs.a.tenant: expected one of t, u, got 'x'"),
    (put("workload", "jobs", 0, "profile", to="flut"), "did you mean flat?"),
    (put("workload", "jobs", 0, "gpu_types", to=["b200"]), "expected one of h100, got 'b200'"),
    (put("workload", "jobs", 0, "gpu_types", to=[]), "at least one GPU type"),
    (put("workload", "jobs", 0, "within", to=["Z"]), "jobs.a.within: expected one of H, P, A"),
    (put("workload", "jobs", 0, "gpus_per_unit", to=9), "<= 8 GPUs, what one NVLink domain has"),
    (put("workload", "jobs", 1, "gpus_per_unit", to=17), "<= 16 GPUs, what a rack has"),
    (put("workload", "jobs", 1, "min_units", to=3), "1 to 2 units, got 3"),
    (put("workload", "jobs", 1, "units", to=10**300), "<= 10000000"),
    (put("workload", "jobs", 1, "units", to=10**7), ""),
    (put("workload", "jobs", 1, "spread_max_units", to=None), "a level and max_units"),
    (put("workload", "jobs", 1, "contract", to="c"), "jobs[1].contract: expected one of"),
    (put("workload", "tenants", 0, "conflicts", 0, "tenant", to="w"), "expected one of t, u"),
    (put("workload", "tenants", 0, "conflicts", 0, "tenant", to="t"), "other tenants"),
    (put("workload", "contracts", 0, "sla", "survives", to=["udu"]), "one of array, cdu"),
    (put("site", "failure_kinds", to=["cdu"]), "add ups to the failure states of the site"),
    (put("workload", "contracts", 0, "power_action", to="shed"), "firm or cap, because its SLA"),
    (put("workload", "tenants", 0, "conflicts", 0, "level", to="gpu"), "one of host, rack, array"),
    (
        put("workload", "contracts", 0, "price_mills_per_gpu_h", to=10**18),
        "<= 1000000000 mills/GPU-h",
    ),
    (put("workload", "profiles", 0, "mean_permille", to=1001), "<= 1000 permille, got 1001"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS, ids=[w[:50] or "fine" for _, w in FAULTS])
def test_one_fault_is_named(
    tmp_path: Path, change: Callable[[Data, Data], None], words: str
) -> None:
    site, workload = documents()
    change(site, workload)
    if not words:  # unusual, but no mistake
        read(tmp_path, site, workload)
        return
    with pytest.raises(InputError) as error:
        read(tmp_path, site, workload)
    assert words in str(error.value)
    assert all(each.line >= 1 for each in error.value.mistakes)


def test_a_kind_whose_losses_are_all_listed_one_by_one_can_be_survived(tmp_path: Path) -> None:
    site, workload = documents()
    site["failure_kinds"] = []
    site["failure_sets"] = [["ups1"], ["ups2"]]
    read(tmp_path, site, workload)
    site["failure_sets"] = [["ups1"], ["ups1", "ups2"]]
    with pytest.raises(InputError) as error:
        read(tmp_path, site, workload)
    assert "contracts.c.sla.survives" in str(error.value)


def test_a_rack_and_its_loop_are_in_one_hall(tmp_path: Path) -> None:
    site, workload = documents()
    site["halls"].append({"name": "G", "supply_mc": 22_000, "inlet_limit_mc": 27_000})
    site["loops"][0]["hall"] = "G"
    with pytest.raises(InputError) as error:
        read(tmp_path, site, workload)
    assert [each.got for each in error.value.mistakes] == ["loop1 of hall G"] * 2


def test_cycles_are_named_in_full(tmp_path: Path) -> None:
    site, workload = documents()
    site["power_nodes"][0]["parents"] = ["ups2"]
    site["power_nodes"][1]["parents"] = ["ups1"]
    with pytest.raises(InputError) as error:
        read(tmp_path, site, workload)
    (mistake,) = error.value.mistakes
    assert mistake.got in ("a cycle ups1 -> ups2 -> ups1", "a cycle ups2 -> ups1 -> ups2")


def test_all_mistakes_come_at_once_with_their_lines(tmp_path: Path) -> None:
    site, workload = documents()
    site["racks"][1]["type"] = "x"
    site["loops"][0]["hall"] = "x"
    workload["jobs"][1]["gpu_types"] = 5
    with pytest.raises(InputError) as error:
        read(tmp_path, site, workload)
    found = {(Path(each.file).name, each.field): each for each in error.value.mistakes}
    assert len(found) == 3  # what follows from them is not listed
    lines = (tmp_path / "site.json").read_text().splitlines()
    assert '"type": "x"' in lines[found["site.json", "racks.r2.type"].line - 1]
    assert '"hall": "x"' in lines[found["site.json", "loops.loop1.hall"].line - 1]
    assert ("workload.json", "jobs[1].gpu_types") in found
