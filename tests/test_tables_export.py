"""A plan as tables: sums that can be done in the head, and cells that are no formulas."""

from __future__ import annotations

import csv
import io
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.tables import export
from scheduler.model import BaseLoad, Level, Plan, PowerNode, Problem
from tests import build
from tests.random_problems import random_plan, random_problem


def tables(problem: Problem, plan: Plan) -> dict[str, list[dict[str, str]]]:
    files = export(problem, plan).files
    return {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items()}


def small() -> tuple[Problem, Plan]:
    """r1 holds 8 GPUs of t at 8 kW; 4 kW of base load on ups1; one node of r2 is broken."""
    nodes = {
        "grid": PowerNode(name="grid", kind="utility", rating_w=50_000),
        "ups1": PowerNode(name="ups1", kind="ups", rating_w=9_000, parents=("grid",)),
        "ups2": PowerNode(name="ups2", kind="ups", rating_w=9_000, parents=("grid",)),
    }
    site = build.site(
        [build.rack("r1"), build.rack("r2", down_nodes=1)],
        power_nodes=nodes,
        base_loads=(BaseLoad(name="net", hall="H", feeds=("ups1",), power_w=4_000),),
    )
    jobs = [build.job("a"), build.job("b", tenant="u")]
    tenants = [build.tenant(isolation=Level.RACK, external=True), build.tenant("u")]
    return build.problem(site, jobs, tenants), Plan({"a": {"r1": 1}})


def test_racks_nodes_and_placements() -> None:
    found = tables(*small())
    [first, second] = found["racks.csv"]
    assert (first["rack"], first["gpus"], first["placed_gpus"]) == ("r1", "16", "8")
    assert (first["planned_peak_w"], first["feeds"], first["tenants"]) == ("8000", "ups1 ups2", "t")
    assert (second["usable_nodes"], second["planned_peak_w"], second["tenants"]) == ("1", "0", "")
    assert [(n["host"], n["role"], n["tenant"], n["jobs"]) for n in found["nodes.csv"]] == [
        ("r1-n01", "planned", "t", "a"),
        ("r1-n02", "idle", "t", ""),  # t has the rack alone
        ("r2-n01", "idle", "", ""),
        ("r2-n02", "broken", "", ""),
    ]
    [placed] = found["placements.csv"]
    assert (placed["job"], placed["rack"], placed["peak_w"]) == ("a", "r1", "8000")
    assert placed["hosts"] == "r1-n01"


def test_tenants_and_power() -> None:
    found = tables(*small())
    [t, u] = found["tenants.csv"]
    assert (t["kind"], t["requested_gpus"], t["placed_gpus"]) == ("external", "8", "8")
    assert (t["nodes"], t["idle_nodes_alone"], t["gpu_types"]) == ("1", "1", "h100")
    assert (u["requested_gpus"], u["placed_gpus"], u["nodes"]) == ("8", "0", "0")
    power = {row["node"]: row for row in found["power.csv"]}
    # 8 kW over two UPS, 4 kW of base load on the first.
    assert {name: row["planned_peak_w"] for name, row in power.items()} == {
        "grid": "12000",
        "ups1": "8000",
        "ups2": "4000",
    }
    assert (power["ups1"]["headroom_w"], power["ups1"]["idle_w"]) == ("1000", "4000")


def test_no_cell_is_a_formula() -> None:
    jobs = [build.job("=2+2", tenant="@t")]
    problem = build.problem(jobs=jobs, tenants=[build.tenant("@t")])
    files = export(problem, Plan({"=2+2": {"r1": 1}})).files
    cells = [
        cell for text in files.values() for row in csv.reader(io.StringIO(text)) for cell in row
    ]
    assert "'=2+2" in cells
    assert "'@t" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "@")]


@settings(deadline=None, max_examples=60)  # files are written and read
@given(st.integers(0, 10**6))
def test_any_plan_is_refused_or_adds_up(seed: int) -> None:
    problem = random_problem(seed)
    plan = random_plan(problem, Random(seed))
    try:
        found = tables(problem, plan)
    except ExchangeError:
        return
    gpus = sum(int(row["gpus"]) for row in found["placements.csv"])
    assert gpus == sum(units * problem.jobs[job].gpus_per_unit for job, _, units in plan.shards())
    counted = sum(int(row["placed_gpus"]) for row in found["racks.csv"])
    assert counted == sum(int(row["placed_gpus"]) for row in found["tenants.csv"])
    roles = [row["role"] for row in found["nodes.csv"]]
    assert len(roles) == sum(int(row["nodes"]) for row in found["racks.csv"])
    planned = {host for row in found["placements.csv"] for host in row["hosts"].split()}
    assert roles.count("planned") == len(planned)
    assert export(problem, plan) == export(problem, plan)


def test_an_overfull_rack_is_refused() -> None:
    problem, _ = small()
    with pytest.raises(ExchangeError, match="rack r1: expected work for 2 nodes, got more"):
        export(problem, Plan({"a": {"r1": 3}}))
